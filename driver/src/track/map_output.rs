//! Where the outputs of map tasks are.

use parking_lot::Mutex;

use crate::task::site::Name;
use rsk_proto::{AgentId, MapOutput, MapOutputId, MapOutputs, PartSize, PartitionId, ShuffleId, TaskId};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

/// The map outputs of all shuffles.
#[derive(Debug, Default)]
pub(crate) struct MapOutputTable {
    outputs: Mutex<HashMap<ShuffleId, Arc<MapOutputs>>>,
    parts: Mutex<Parts>,
}

/// How large the parts of map outputs are, with whose they are: what readers of the outputs need not be sent.
type Parts = HashMap<ShuffleId, BTreeMap<PartitionId, (TaskId, Vec<PartSize>)>>;

/// A host is preferred that holds at least one of so many bytes of what a reduce task reads.
///
/// Source: Spark's `REDUCER_PREF_LOCS_FRACTION`, and its limits to the numbers of maps and reduces.
const SHARE_MIN: u64 = 5;
const MAPS_MAX: usize = 1000;
/// Less than this is sooner fetched than a slot is waited for.
const BYTES_MIN: u64 = 4 << 20;

impl MapOutputTable {
    /// The outputs of a shuffle, as tasks ask for them.
    pub(crate) fn get(&self, shuffle: ShuffleId) -> Option<Arc<MapOutputs>> {
        self.outputs.lock().get(&shuffle).cloned()
    }

    /// The map partitions, of `maps`, without an output.
    pub(crate) fn missing(&self, shuffle: ShuffleId, maps: usize) -> BTreeSet<PartitionId> {
        let mut table = self.outputs.lock();
        let new = || Arc::new(MapOutputs { shuffle, outputs: vec![None; maps] });
        let outputs = &table.entry(shuffle).or_insert_with(new).outputs;
        outputs
            .iter()
            .enumerate()
            .filter(|(_, output)| output.is_none())
            .map(|(map, _)| PartitionId::of(map))
            .collect()
    }

    /// Notes an output. The first of two attempts stays.
    pub(crate) fn register(&self, mut output: MapOutput) {
        let MapOutputId { shuffle, map, task } = output.id;
        let parts = std::mem::take(&mut output.parts);
        if !parts.is_empty() {
            self.parts.lock().entry(shuffle).or_default().insert(map, (task, parts));
        }
        let mut table = self.outputs.lock();
        if let Some(outputs) = table.get_mut(&output.id.shuffle)
            && let Some(slot) = Arc::make_mut(outputs).outputs.get_mut(output.id.map.index())
        {
            slot.get_or_insert(output);
        }
    }

    /// Forgets an output that cannot be read, if it is still the one that is known.
    pub(crate) fn unregister(&self, lost: MapOutputId) {
        let mut table = self.outputs.lock();
        if let Some(outputs) = table.get_mut(&lost.shuffle)
            && let Some(slot) = Arc::make_mut(outputs).outputs.get_mut(lost.map.index())
            && slot.as_ref().is_some_and(|output| output.id == lost)
        {
            *slot = None;
        }
    }

    /// Forgets all outputs that an agent kept.
    pub(crate) fn forget_agent(&self, gone: AgentId) {
        let is_gone = |output: &MapOutput| output.kept_by.as_ref().is_some_and(|keeper| keeper.agent == gone);
        for outputs in self.outputs.lock().values_mut() {
            if outputs.outputs.iter().flatten().any(is_gone) {
                for slot in &mut Arc::make_mut(outputs).outputs {
                    slot.take_if(|output| is_gone(output));
                }
            }
        }
    }

    /// Forgets the outputs of a shuffle that are not there.
    pub(crate) fn retain(&self, shuffle: ShuffleId, is_there: impl Fn(&MapOutput) -> bool) {
        // The files are looked at without holding up those who ask for other outputs.
        let known = self.get(shuffle).map_or_else(Vec::new, |outputs| outputs.outputs.clone());
        known
            .iter()
            .flatten()
            .filter(|output| !is_there(output))
            .for_each(|output| self.unregister(output.id));
    }

    /// Forgets all outputs of a shuffle that will be made again.
    pub(crate) fn reset(&self, shuffle: ShuffleId) {
        if let Some(outputs) = self.outputs.lock().get_mut(&shuffle) {
            Arc::make_mut(outputs).outputs.fill(None);
        }
    }

    /// Forgets a shuffle that no RDD reads any more.
    pub(crate) fn remove(&self, shuffle: ShuffleId) {
        self.outputs.lock().remove(&shuffle);
        self.parts.lock().remove(&shuffle);
    }

    /// The hosts that hold much of what a reduce task reads of all these shuffles together, where the parts were counted.
    ///
    /// Cost: a look at each part, of less than 1,000 maps and 1,000 reduces; nothing beyond.
    pub(crate) fn hosts(&self, shuffles: &[ShuffleId], reduces: usize) -> BTreeMap<PartitionId, Vec<Name>> {
        let mut names = BTreeMap::<String, usize>::new();
        let mut bytes = vec![Vec::<u64>::new(); reduces];
        let parts = self.parts.lock();
        for shuffle in shuffles {
            let Some((outputs, parts)) = self.get(*shuffle).zip(parts.get(shuffle)) else { continue };
            if outputs.outputs.len() >= MAPS_MAX {
                continue;
            }
            for output in outputs.outputs.iter().flatten() {
                let (Some(keeper), Some((task, parts))) = (&output.kept_by, parts.get(&output.id.map)) else {
                    continue;
                };
                if *task != output.id.task || parts.len() != reduces {
                    continue;
                }
                let host = keeper.serves_at.rsplit_once(':').map_or("", |(host, _)| host);
                let next = names.len();
                let host = *names.entry(host.to_owned()).or_insert(next);
                for (size, all) in parts.iter().zip(&mut bytes) {
                    all.resize(all.len().max(host + 1), 0);
                    all[host] += size.bytes();
                }
            }
        }
        let mut by_number: Vec<_> =
            names.iter().map(|(name, number)| (*number, Name::from(&**name))).collect();
        by_number.sort_unstable();
        let preferred = bytes.into_iter().enumerate().filter_map(|(reduce, bytes)| {
            let all: u64 = bytes.iter().sum();
            let holds_much = |(number, _): &&(usize, Name)| {
                bytes.get(*number).is_some_and(|held| *held > 0 && held.saturating_mul(SHARE_MIN) >= all)
            };
            let hosts: Vec<_> = by_number.iter().filter(holds_much).map(|(_, name)| name.clone()).collect();
            (all >= BYTES_MIN && !hosts.is_empty()).then(|| (PartitionId::of(reduce), hosts))
        });
        preferred.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsk_proto::{FrameworkId, Keeper};

    #[test]
    fn hosts_are_preferred_that_hold_a_fifth_of_much() {
        const MIB: u64 = 1 << 20;
        // What each host holds of one reduce partition, in MiB, and which are preferred.
        for (held, expected) in [
            (&[8, 8][..], &[0, 1][..]),
            (&[8, 1], &[0]),
            (&[8, 2], &[0, 1]),
            (&[1, 1], &[]),
            (&[4, 4, 4, 4, 4, 4], &[]),
            (&[0, 8], &[1]),
        ] {
            let (table, shuffle) = (MapOutputTable::default(), ShuffleId(1));
            table.missing(shuffle, held.len());
            for (map, mib) in held.iter().enumerate() {
                let keeper = Keeper {
                    agent: AgentId { registry: 1, number: 1 },
                    framework: FrameworkId { registry: 1, number: 1 },
                    serves_at: format!("host-{map}:7000"),
                };
                let id = MapOutputId { shuffle, map: PartitionId::of(map), task: TaskId(map as u64) };
                let parts = vec![PartSize::of(mib * MIB), PartSize::of(0)];
                table.register(MapOutput { id, bytes: mib * MIB, kept_by: Some(keeper), parts });
            }
            assert!(
                table.get(shuffle).unwrap().outputs.iter().flatten().all(|output| output.parts.is_empty())
            );
            let hosts = table.hosts(&[shuffle], 2);
            let names: Vec<Name> = expected.iter().map(|host| format!("host-{host}").into()).collect();
            let expected = (!names.is_empty()).then_some((PartitionId(0), names));
            assert_eq!(
                hosts.into_iter().collect::<Vec<_>>(),
                expected.into_iter().collect::<Vec<_>>(),
                "{held:?}"
            );
            assert!(table.hosts(&[shuffle], 3).is_empty(), "another number of reduces");
        }
    }

    #[test]
    fn late_attempts_neither_replace_an_output_nor_take_away_a_newer_one() {
        let table = MapOutputTable::default();
        let output = |task| MapOutput {
            id: MapOutputId { shuffle: ShuffleId(1), map: PartitionId(0), task: TaskId(task) },
            bytes: 1,
            kept_by: None,
            parts: Vec::new(),
        };
        assert_eq!(table.missing(ShuffleId(1), 1), BTreeSet::from([PartitionId(0)]));
        table.register(output(1));
        table.register(output(2));
        assert_eq!(table.get(ShuffleId(1)).unwrap().complete().unwrap(), [output(1)]);
        table.unregister(output(2).id);
        assert!(table.missing(ShuffleId(1), 1).is_empty());
        table.unregister(output(1).id);
        assert_eq!(table.missing(ShuffleId(1), 1).len(), 1);
        table.register(output(3));
        table.reset(ShuffleId(1));
        assert_eq!(table.missing(ShuffleId(1), 1).len(), 1);
        table.register(output(4));
        assert_eq!(table.get(ShuffleId(1)).unwrap().complete().unwrap(), [output(4)], "made again");
    }
}
