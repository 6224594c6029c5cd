//! Where tasks would best run: where their blocks are, else where much of their map outputs is, else where their source
//! says.

use super::Dispatch;
use crate::{
    rdd::{Stage, dependency::Needs},
    task::{core::Preferred, locality::Preference},
};
use rsk_proto::PartitionId;

impl Dispatch {
    /// For each partition of a stage that prefers something. Blocks and map outputs count where their RDD has the stage's
    /// partitions.
    pub(super) fn preferred(&self, stage: &dyn Stage) -> Preferred {
        let mut dependencies = Vec::new();
        stage.dependencies(&mut dependencies);
        let (mut preferred, mut shuffles) = (Preferred::new(), Vec::new());
        for dependency in dependencies {
            match dependency.0 {
                Needs::Persisted(persisted) if persisted.partitions == stage.partitions() => {
                    for (partition, holders) in self.blocks.holders(persisted.rdd) {
                        let holders = || holders.into_iter().map(Preference::Executor).collect();
                        preferred.entry(partition).or_insert_with(holders);
                    }
                }
                Needs::Stage(behind) => {
                    let read = behind.shuffle().filter(|(_, reduces)| *reduces == stage.partitions());
                    shuffles.extend(read.map(|(shuffle, _)| shuffle));
                }
                Needs::Persisted(_) => {}
            }
        }
        for (partition, hosts) in self.map_outputs.hosts(&shuffles, stage.partitions()) {
            let hosts = || hosts.into_iter().map(Preference::Host).collect();
            preferred.entry(partition).or_insert_with(hosts);
        }
        if let Some(hosts) = stage.preferred_hosts() {
            for (partition, hosts) in hosts.all().enumerate().filter(|(_, hosts)| !hosts.is_empty()) {
                let hosts = || hosts.iter().cloned().map(Preference::Host).collect();
                preferred.entry(PartitionId::of(partition)).or_insert_with(hosts);
            }
        }
        preferred
    }
}
