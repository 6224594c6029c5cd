//! `take`: the first records, from as few partitions as that needs.

use super::result::{self, PartitionAction};
use crate::{Result, rdd::Rdd};
use rsk_executor::TaskContext;
use rsk_proto::{CodecError, Data, Decoder, Encoder, PartitionId};

/// The first records of a partition, at most so many.
#[derive(Clone)]
struct TakeFirst(usize);

impl<T: Data> PartitionAction<T> for TakeFirst {
    type Out = Vec<T>;

    fn run(&self, items: impl Iterator<Item = T>, _: &TaskContext) -> Vec<T> {
        items.take(self.0).collect()
    }

    fn encode(&self, to: &mut Encoder) {
        to.put(&self.0);
    }

    fn decode(from: &mut Decoder<'_>) -> Result<Self, CodecError> {
        from.get().map(TakeFirst)
    }
}

pub(super) fn take<R: Rdd<Item: Data>>(rdd: &R, n: usize) -> Result<Vec<R::Item>> {
    let mut taken = Vec::new();
    let (mut scanned, all) = (0, rdd.partitions());
    while taken.len() < n && scanned < all {
        let left = n - taken.len();
        let more = partitions_to_try(scanned, taken.len(), left).min(all - scanned);
        let partitions: Vec<_> = (scanned..scanned + more).map(PartitionId::of).collect();
        result::run_on(rdd, &partitions, &TakeFirst(left), |part: Vec<R::Item>| {
            let room = n - taken.len();
            taken.extend(part.into_iter().take(room));
        })?;
        scanned += more;
    }
    Ok(taken)
}

/// How many partitions the next round scans: one at first, four times as many while nothing is found, then half more than
/// what was found lets expect, but never more than four times as many.
fn partitions_to_try(scanned: usize, found: usize, left: usize) -> usize {
    if scanned == 0 {
        return 1;
    }
    let most = scanned.saturating_mul(4);
    if found == 0 {
        return most;
    }
    let expected = (left as u128 * scanned as u128).saturating_mul(3).div_ceil(2 * found as u128);
    usize::try_from(expected).unwrap_or(most).clamp(1, most)
}

#[cfg(test)]
mod tests {
    use super::partitions_to_try;

    #[test]
    fn take_grows_by_what_it_found() {
        assert_eq!(partitions_to_try(0, 0, 100), 1);
        assert_eq!(partitions_to_try(1, 0, 100), 4, "four times as many while nothing is found");
        assert_eq!(partitions_to_try(5, 0, 100), 20);
        assert_eq!(partitions_to_try(5, 50, 11), 2, "half more than 1.1");
        assert_eq!(partitions_to_try(5, 1, 1_000), 20, "at most four times as many");
        assert_eq!(partitions_to_try(5, 1_000, 1), 1);
        assert_eq!(partitions_to_try(usize::MAX, 1, usize::MAX), usize::MAX);
    }
}
