//! What nodes with one parent and no function share.

/// All that the driver asks a node about itself but how it is partitioned: as its field `$parent` answers.
macro_rules! facts_of {
    ($($parent:tt).+) => {
        fn context(&self) -> &$crate::Context {
            self.$($parent).+.context()
        }

        fn partitions(&self) -> usize {
            self.$($parent).+.partitions()
        }

        fn dependencies(&self, to: &mut Vec<$crate::rdd::Dependency>) {
            self.$($parent).+.dependencies(to);
        }

        fn preferred_hosts(&self) -> Option<$crate::rdd::PreferredHosts> {
            self.$($parent).+.preferred_hosts()
        }

        fn determinism(&self) -> $crate::rdd::Determinism {
            self.$($parent).+.determinism()
        }
    };
}
pub(crate) use facts_of;

/// `Clone` and `Debug` for a node that is one other node, without asking its records for either.
macro_rules! one_node {
    ($name:ident<$($of:ident),+>) => {
        impl<$($of: rsk_proto::Data),+> Clone for $name<$($of),+> {
            fn clone(&self) -> Self {
                $name(self.0.clone())
            }
        }

        impl<$($of: rsk_proto::Data),+> std::fmt::Debug for $name<$($of),+> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.0).finish()
            }
        }
    };
}
pub(crate) use one_node;
