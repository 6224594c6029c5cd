//! Values for the tests of messages.

use super::{Attributes, Ports, Resources, RoleName};
use crate::Cause;
use proptest::{collection, prelude::*};
use std::{collections::BTreeMap, time::Duration};

/// Durations as they travel: whole milliseconds.
pub(crate) fn durations() -> impl Strategy<Value = Duration> {
    any::<u64>().prop_map(Duration::from_millis)
}

/// A short list: messages are made of lists of messages, and tests should end.
pub(crate) fn few<T: Arbitrary>() -> impl Strategy<Value = Vec<T>> {
    collection::vec(any::<T>(), 0..3)
}

/// A few things by name.
pub(crate) fn named<T: Arbitrary>() -> impl Strategy<Value = BTreeMap<String, T>> {
    collection::btree_map(any::<String>(), any::<T>(), 0..3)
}

macro_rules! arbitrary {
    ($name:ty, $strategy:expr) => {
        impl Arbitrary for $name {
            type Parameters = ();
            type Strategy = BoxedStrategy<$name>;
            fn arbitrary_with((): ()) -> Self::Strategy {
                $strategy.boxed()
            }
        }
    };
}

arbitrary!(Ports, collection::vec(any::<(u16, u16)>(), 0..4).prop_map(Ports::from));
arbitrary!(RoleName, "[a-z*][a-z0-9-]{0,9}".prop_map(|name| name.parse().unwrap()));
arbitrary!(Attributes, collection::btree_map("[a-z]{1,5}", "[a-z0-9]{1,5}", 0..3).prop_map(Attributes));
arbitrary!(
    Cause,
    collection::vec(any::<String>(), 1..4).prop_map(|messages| {
        let mut messages = messages.into_iter();
        let root = Cause::new(messages.next().unwrap());
        messages.fold(root, Cause::within)
    })
);
arbitrary!(
    Resources,
    (
        0..u64::MAX,
        0..u64::MAX,
        0..1u64 << 40,
        any::<Ports>(),
        collection::btree_map("[a-z]{5}", 1..1000u64, 0..3)
    )
        .prop_map(|(cpus_milli, memory_bytes, disk_bytes, ports, named_milli)| Resources {
            cpus_milli,
            memory_bytes,
            disk_bytes,
            ports,
            named_milli,
        })
);
