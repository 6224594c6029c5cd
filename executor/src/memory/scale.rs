//! What records own, where the allocator is not counted: reckoned from their encoded length. Costs nothing where it is.

use rsk_proto::{Data, OrRaise, encode_record};

/// One record in so many is encoded.
const SAMPLE_EVERY: usize = 64;
/// What values have been merged into takes about so many times its encoded length: heads of what is in a collection, and
/// its room for growth.
const OWNED_PER_ENCODED: u64 = 2;

/// Is nothing to be reckoned for records of this type?
const fn is_known<T>() -> bool {
    cfg!(feature = "count-memory") || !std::mem::needs_drop::<T>()
}

/// The bytes that a merged record whose encoded length is known owns.
pub(crate) fn owned_of_encoded(bytes: usize) -> u64 {
    OWNED_PER_ENCODED * bytes as u64
}

/// What records that come one after another own, by a sample of them.
#[derive(Debug, Default)]
pub(crate) struct Sample {
    taken: u64,
    bytes: u64,
    buffer: Vec<u8>,
}

impl Sample {
    /// Shows it the record of this index, from 0.
    #[inline]
    pub(crate) fn show<T: Data>(&mut self, index: usize, record: &T) {
        if !is_known::<T>() && index.is_multiple_of(SAMPLE_EVERY) {
            self.taken += 1;
            self.bytes += encoded_length(record, &mut self.buffer);
        }
    }

    /// What so many of them own.
    pub(crate) fn owned(&self, count: usize) -> u64 {
        let bytes = u128::from(self.bytes) * count as u128 / u128::from(self.taken.max(1));
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

/// What the entries of a table own that change as records are merged into them: all are encoded, each time that a
/// quarter more records have come.
#[derive(Debug, Default)]
pub(crate) struct Scale {
    records: u64,
    bytes: u64,
    buffer: Vec<u8>,
}

impl Scale {
    /// What they own after so many records; `entries` are asked for only where it has to be measured again.
    pub(crate) fn owned<K, C, E>(
        &mut self,
        records: u64,
        entries: impl FnOnce(&mut dyn FnMut(&K, &C)) -> E,
    ) -> u64
    where
        K: Data,
        C: Data,
    {
        if is_known::<(K, C)>() {
            return 0;
        }
        if records > self.records + self.records / 4 || records < self.records {
            let (mut bytes, buffer) = (0, &mut self.buffer);
            entries(&mut |key, held| bytes += encoded_length(key, buffer) + encoded_length(held, buffer));
            (self.records, self.bytes) = (records, bytes);
        }
        let bytes = u128::from(self.bytes) * u128::from(records) / u128::from(self.records.max(1));
        OWNED_PER_ENCODED * u64::try_from(bytes).unwrap_or(u64::MAX)
    }
}

fn encoded_length<T: Data>(record: &T, buffer: &mut Vec<u8>) -> u64 {
    buffer.clear();
    encode_record(record, buffer).or_raise();
    buffer.len() as u64
}

#[cfg(all(test, not(feature = "count-memory")))]
mod tests {
    use super::*;

    #[test]
    fn what_owns_nothing_is_not_encoded() {
        let mut sample = Sample::default();
        sample.show(0, &7u64);
        assert_eq!(sample.owned(1000), 0);
        let entries = |_: &mut dyn FnMut(&u64, &u64)| panic!("asked for");
        assert_eq!(Scale::default().owned::<u64, u64, ()>(1000, entries), 0);
    }

    #[test]
    fn what_owns_is_reckoned_and_measured_again_as_it_grows() {
        let mut sample = Sample::default();
        (0..1000).for_each(|index| sample.show(index, &"x".repeat(99)));
        assert_eq!(sample.owned(1000), 1000 * 100);
        let (mut scale, mut asked) = (Scale::default(), 0);
        for records in 1..10_000u64 {
            let text = "x".repeat(usize::try_from(records).unwrap());
            let owned = scale.owned(records, |each| {
                asked += 1;
                each(&0u8, &text);
            });
            assert!(owned.abs_diff(2 * records) < 2 * records / 10 + 20, "{owned} for {records}");
        }
        assert!(asked < 60, "{asked}");
    }
}
