//! Where the outputs of map tasks are.

use parking_lot::Mutex;

use rsk_proto::{AgentId, MapOutput, MapOutputId, MapOutputs, PartitionId, ShuffleId};
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

/// The map outputs of all shuffles.
#[derive(Debug, Default)]
pub(crate) struct MapOutputTable(Mutex<HashMap<ShuffleId, Arc<MapOutputs>>>);

impl MapOutputTable {
    /// The outputs of a shuffle, as tasks ask for them.
    pub(crate) fn get(&self, shuffle: ShuffleId) -> Option<Arc<MapOutputs>> {
        self.0.lock().get(&shuffle).cloned()
    }

    /// The map partitions, of `maps`, without an output.
    pub(crate) fn missing(&self, shuffle: ShuffleId, maps: usize) -> BTreeSet<PartitionId> {
        let mut table = self.0.lock();
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
    pub(crate) fn register(&self, output: MapOutput) {
        let mut table = self.0.lock();
        if let Some(outputs) = table.get_mut(&output.id.shuffle)
            && let Some(slot) = Arc::make_mut(outputs).outputs.get_mut(output.id.map.index())
        {
            slot.get_or_insert(output);
        }
    }

    /// Forgets an output that cannot be read, if it is still the one that is known.
    pub(crate) fn unregister(&self, lost: MapOutputId) {
        let mut table = self.0.lock();
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
        for outputs in self.0.lock().values_mut() {
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
        if let Some(outputs) = self.0.lock().get_mut(&shuffle) {
            Arc::make_mut(outputs).outputs.fill(None);
        }
    }

    /// Forgets a shuffle that no RDD reads any more.
    pub(crate) fn remove(&self, shuffle: ShuffleId) {
        self.0.lock().remove(&shuffle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsk_proto::TaskId;

    #[test]
    fn late_attempts_neither_replace_an_output_nor_take_away_a_newer_one() {
        let table = MapOutputTable::default();
        let output = |task| MapOutput {
            id: MapOutputId { shuffle: ShuffleId(1), map: PartitionId(0), task: TaskId(task) },
            bytes: 1,
            kept_by: None,
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
