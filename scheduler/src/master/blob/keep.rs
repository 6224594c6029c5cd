//! Which blobs are deleted: pure.

use rsk_proto::{BlobHash, ByteSize, Time};
use std::{collections::BTreeSet, time::Duration};

/// Whoever has just heard that a blob is there has so long to say what needs it, however little room there is.
const PROMISED: Duration = Duration::from_mins(10);
/// They are looked at this often at most, and at least.
const LOOK_EVERY_MIN: Duration = Duration::from_secs(1);
const LOOK_EVERY_MAX: Duration = Duration::from_mins(1);

/// How long a master keeps programs and files that nothing needs any more: a later submission need not bring them again.
///
/// Those of applications that live, and of submitted drivers that have not ended, are always kept. Others go once nobody
/// has used them for `after_use`; and before that, those that were used longest ago, while all together have more than
/// `bytes_max`. What was used within the last 10 minutes, or within `after_use` if that is shorter, is kept in any case.
/// Uploads that were broken off count as programs that nothing needs.
///
/// ```
/// # use rsk_scheduler::master::KeepBlobs;
/// let usual = KeepBlobs::default();
/// assert_eq!((usual.after_use.as_secs(), usual.bytes_max.to_string().as_str()), (3600, "10 GiB"));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepBlobs {
    /// So long after their last use.
    pub after_use: Duration,
    /// So many bytes of them, those that are needed included.
    pub bytes_max: ByteSize,
}

impl Default for KeepBlobs {
    fn default() -> Self {
        KeepBlobs { after_use: Duration::from_hours(1), bytes_max: ByteSize(10 << 30) }
    }
}

/// A file of the master's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kept {
    pub(super) used: Time,
    pub(super) hash: BlobHash,
    pub(super) is_whole: bool,
    pub(super) bytes: u64,
    /// Somebody is bringing it.
    pub(super) is_coming: bool,
}

impl KeepBlobs {
    /// How often files are looked at.
    pub(in crate::master) fn look_every(&self) -> Duration {
        (self.after_use / 4).clamp(LOOK_EVERY_MIN, LOOK_EVERY_MAX)
    }

    /// Those that go, in order.
    pub(super) fn pick_old(
        &self,
        mut all: Vec<Kept>,
        needed: &BTreeSet<BlobHash>,
        now: Time,
    ) -> Vec<(BlobHash, bool)> {
        all.sort_unstable();
        let mut sum: u64 = all.iter().map(|kept| kept.bytes).sum();
        let mut gone = Vec::new();
        for kept in all {
            if kept.is_coming || needed.contains(&kept.hash) {
                continue;
            }
            let idle = now.since(kept.used);
            let is_in_the_way = sum > self.bytes_max.0 && idle > PROMISED.min(self.after_use);
            if idle > self.after_use || is_in_the_way {
                sum -= kept.bytes;
                gone.push((kept.hash, kept.is_whole));
            }
        }
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn blob(number: u8, used: u64, bytes: u64) -> Kept {
        let (used, hash) = (Time(Duration::from_secs(used)), BlobHash([number; 32]));
        Kept { used, hash, is_whole: true, bytes, is_coming: false }
    }

    fn rules(after_use: u64, bytes_max: u64) -> KeepBlobs {
        KeepBlobs { after_use: Duration::from_secs(after_use), bytes_max: ByteSize(bytes_max) }
    }

    fn gone(rules: KeepBlobs, all: &[Kept], needed: &[u8], now: u64) -> Vec<u8> {
        let needed = needed.iter().map(|number| BlobHash([*number; 32])).collect();
        let gone = rules.pick_old(all.to_vec(), &needed, Time(Duration::from_secs(now)));
        gone.iter().map(|(hash, _)| hash.0[0]).collect()
    }

    #[test]
    fn what_is_needed_stays_and_the_rest_goes_after_its_time() {
        let all = [blob(1, 0, 5), blob(2, 0, 5), blob(3, 2000, 5)];
        assert_eq!(gone(rules(3600, 100), &all, &[1], 3600), [0; 0]);
        assert_eq!(gone(rules(3600, 100), &all, &[1], 3601), [2]);
        assert_eq!(gone(rules(3600, 100), &all, &[1], 9000), [2, 3]);
        assert_eq!(gone(rules(3600, 0), &all, &[1, 2, 3], 9000), [0; 0], "even beyond the bound");
    }

    #[test]
    fn beyond_the_bound_the_oldest_go_first_and_no_more_than_has_to() {
        let all = [blob(1, 300, 5), blob(2, 100, 5), blob(3, 200, 5), blob(4, 400, 5)];
        assert_eq!(gone(rules(3600, 20), &all, &[], 2000), [0; 0]);
        assert_eq!(gone(rules(3600, 11), &all, &[], 2000), [2, 3]);
        assert_eq!(gone(rules(3600, 11), &all, &[2], 2000), [3, 1], "what is needed counts");
    }

    #[test]
    fn who_has_just_heard_that_it_is_there_finds_it() {
        let all = [blob(1, 1000, 5), blob(2, 0, 5)];
        assert_eq!(gone(rules(3600, 0), &all, &[], 1600), [2]);
        assert_eq!(gone(rules(3600, 0), &all, &[], 1601), [2, 1]);
        assert_eq!(gone(rules(5, 0), &all[..1], &[], 1005), [0; 0], "as long as it is kept at all");
    }

    #[test]
    fn an_upload_that_was_broken_off_goes_and_one_that_goes_on_stays() {
        let part = Kept { is_whole: false, ..blob(1, 0, 5) };
        let all = [part, Kept { is_coming: true, hash: BlobHash([2; 32]), ..part }];
        let all = rules(3600, 0).pick_old(all.to_vec(), &BTreeSet::new(), Time(Duration::from_secs(4000)));
        assert_eq!(all, [(BlobHash([1; 32]), false)]);
    }

    proptest! {
        /// The promise, for any files: nothing that is needed, or was just used, goes; nothing old stays; and the bound
        /// holds as far as what may go.
        #[test]
        fn the_bound_holds_and_nothing_that_may_be_needed_goes(
            files in prop::collection::vec((0u64..8000, 0u64..100, any::<bool>(), any::<bool>()), 0..20),
            bytes_max in 0u64..1000,
        ) {
            let number = |at: usize| u8::try_from(at).unwrap();
            let blobs = files.iter().enumerate();
            let all: Vec<_> = blobs
                .clone()
                .map(|(at, (used, bytes, _, is_coming))| Kept { is_coming: *is_coming, ..blob(number(at), *used, *bytes) })
                .collect();
            let needed: Vec<_> = blobs.filter(|(_, file)| file.2).map(|(at, _)| number(at)).collect();
            let (now, rules) = (8000, rules(3600, bytes_max));
            let gone = gone(rules, &all, &needed, now);
            let stays = |kept: &&Kept| !gone.contains(&kept.hash.0[0]);
            let is_held = |kept: &&Kept| kept.is_coming || needed.contains(&kept.hash.0[0]);
            prop_assert!(all.iter().filter(is_held).all(|kept| stays(&kept)));
            prop_assert!(all.iter().filter(|kept| now - kept.used.0.as_secs() <= 600).all(|kept| stays(&kept)));
            let mut others = all.iter().filter(stays).filter(|kept| !is_held(kept));
            prop_assert!(others.all(|kept| now - kept.used.0.as_secs() <= 3600));
            let mut may_go = all.iter().filter(stays).filter(|kept| !is_held(kept) && now - kept.used.0.as_secs() > 600);
            let sum: u64 = all.iter().filter(stays).map(|kept| kept.bytes).sum();
            prop_assert!(sum <= bytes_max || may_go.next().is_none());
        }
    }
}
