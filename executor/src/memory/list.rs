//! A list of all that an iterator gives: what `collect` and `glom` hold at once.

use super::Watch;
use crate::TaskContext;
use rsk_proto::TaskError;

/// All items in a list, for which cached blocks give way while it grows.
///
/// Errors, raised: a list larger than the executor's whole budget.
pub fn list_of<T>(task: &TaskContext, items: impl Iterator<Item = T>) -> Vec<T> {
    let limit = task.executor().config().budget();
    let (mut list, mut watch) = (Vec::new(), Watch::with_limit(task, limit));
    items.for_each(|item| {
        list.push(item);
        let bytes = || (list.len() * size_of::<T>()) as u64;
        if watch.is_over(bytes) {
            let what = format!("a list of {} records of type {}", list.len(), std::any::type_name::<T>());
            TaskError::RecordTooLarge { what, bytes: limit, limit }.raise();
        }
    });
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{Fixture, caught};

    #[test]
    fn a_list_beyond_the_budget_is_refused_and_one_within_is_whole() {
        let fixture = Fixture::new();
        let task = fixture.task(1 << 20);
        let budget = task.executor().config().budget();
        assert_eq!(list_of(&task, 0..1_000).len(), 1_000);
        let record = vec![0u8; rsk_proto::to_usize(budget / 8)];
        let error = caught(|| list_of(&task, std::iter::repeat_with(|| record.clone()))).unwrap_err();
        assert!(matches!(error, TaskError::RecordTooLarge { .. }), "{error}");
        assert_eq!(task.executor().memory().in_use().execution, 0);
    }
}
