use super::*;
use proptest::prelude::*;

const TOTAL: u64 = 1000;

/// A cache whose blocks are nothing but their reservations, newest last.
struct Blocks {
    budget: Arc<Budget>,
    held: Mutex<Vec<(RddId, Arc<Reservation>)>>,
}

impl Blocks {
    fn evict(&self, may: impl Fn(RddId) -> bool, is_enough: impl Fn() -> bool) {
        let mut held = self.held.lock();
        while !is_enough() {
            let Some(place) = held.iter().position(|(rdd, _)| may(*rdd)) else { return };
            held.remove(place).1.leave();
        }
    }
}

impl Evict for Blocks {
    fn evict_for_execution(&self) {
        self.evict(|_| true, || self.budget.is_over_by() == 0);
    }

    fn evict_for_block(&self, bytes: u64, of: RddId) -> bool {
        self.evict(|rdd| rdd != of, || self.budget.lacks(bytes) == 0);
        self.budget.lacks(bytes) == 0
    }
}

fn blocks() -> Arc<Blocks> {
    let budget = Budget::new(TOTAL);
    let blocks = Arc::new(Blocks { budget: Arc::clone(&budget), held: Mutex::default() });
    let weak: Weak<Blocks> = Arc::downgrade(&blocks);
    budget.set_cache(weak);
    blocks
}

#[derive(Debug, Clone)]
enum Step {
    Resize { hold: usize, bytes: u64 },
    Store { rdd: u64, bytes: u64 },
    Read { place: usize },
    EndRead,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..2usize, 0..=TOTAL / 4).prop_map(|(hold, bytes)| Step::Resize { hold, bytes }),
        (0..3u64, 0..=TOTAL).prop_map(|(rdd, bytes)| Step::Store { rdd, bytes }),
        (0..8usize).prop_map(|place| Step::Read { place }),
        Just(Step::EndRead),
    ]
}

proptest! {
    #[test]
    fn the_sums_keep_their_bounds(steps in proptest::collection::vec(step(), 0..60)) {
        let blocks = blocks();
        let budget = &blocks.budget;
        let mut holds = [budget.hold(), budget.hold()];
        let mut readers = Vec::new();
        for step in steps {
            match step {
                Step::Resize { hold, bytes } => {
                    let grows = bytes > holds[hold].bytes();
                    holds[hold].resize(bytes);
                    let stored: u64 = blocks.held.lock().iter().map(|(_, block)| block.bytes()).sum();
                    let execution = budget.in_use().execution;
                    prop_assert!(!grows || stored == 0 || execution + stored <= TOTAL);
                }
                Step::Store { rdd, bytes } => {
                    let mut reservation = budget.reservation(RddId(rdd));
                    if reservation.try_grow(bytes) {
                        blocks.held.lock().push((RddId(rdd), Arc::new(reservation)));
                    }
                }
                Step::Read { place } => {
                    readers.extend(blocks.held.lock().get(place).map(|(_, block)| Arc::clone(block)));
                }
                Step::EndRead => drop(readers.pop()),
            }
            let sums = budget.in_use();
            prop_assert_eq!(sums.execution, holds.iter().map(Hold::bytes).sum::<u64>());
            prop_assert!(sums.leaving <= sums.cache && sums.cache <= TOTAL);
            prop_assert!(sums.execution + sums.cache <= TOTAL + TOTAL / 2);
            let readers: u64 = readers.iter().map(|block: &Arc<Reservation>| block.bytes()).sum();
            prop_assert!(sums.leaving <= readers);
        }
        drop((holds, readers));
        blocks.held.lock().clear();
        prop_assert_eq!(budget.in_use(), BudgetUse::default());
    }
}

#[test]
fn no_block_leaves_for_another_of_its_rdd() {
    let blocks = blocks();
    for rdd in [1, 2] {
        let mut reservation = blocks.budget.reservation(RddId(rdd));
        assert!(reservation.try_grow(TOTAL / 2));
        blocks.held.lock().push((RddId(rdd), Arc::new(reservation)));
    }
    let mut third = blocks.budget.reservation(RddId(1));
    assert!(!third.try_grow(TOTAL), "that would take the block of the same RDD");
    assert!(third.try_grow(TOTAL / 2));
    assert_eq!(blocks.held.lock().iter().map(|(rdd, _)| rdd.0).collect::<Vec<_>>(), [1]);
}

#[test]
fn tasks_on_many_threads_take_their_shares_and_leave_nothing() {
    let blocks = blocks();
    std::thread::scope(|scope| {
        for slot in 0..4u64 {
            let blocks = &blocks;
            scope.spawn(move || {
                for round in 0..500 {
                    let mut hold = blocks.budget.hold();
                    hold.resize((slot * 31 + round * 7) % (TOTAL / 8));
                    let mut reservation = blocks.budget.reservation(RddId(slot % 2));
                    if reservation.try_grow(round % 300) {
                        blocks.held.lock().push((RddId(slot % 2), Arc::new(reservation)));
                    }
                    hold.resize(TOTAL / 8);
                    assert!(blocks.budget.in_use().cache <= TOTAL);
                }
            });
        }
    });
    blocks.held.lock().clear();
    assert_eq!(blocks.budget.in_use(), BudgetUse::default());
}
