//! The whole cluster, simulated: `RSK_SEED=7` runs one seed and prints what happens, `RSK_SEEDS=5000` runs so many.

use integration_tests::simulation::{Sabotage, run};

/// As many as run within half a minute where nothing is optimised.
const SEEDS: u64 = 150;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|number| number.parse().ok())
}

#[test]
fn whatever_fails_all_that_must_hold_does() {
    if let Some(seed) = number("RSK_SEED") {
        let report = run(seed, None, true).unwrap_or_else(|violation| panic!("seed {seed}: {violation}"));
        eprintln!("{report:?}");
        return;
    }
    let first = number("RSK_FIRST").unwrap_or(1);
    let seeds = number("RSK_SEEDS").unwrap_or(SEEDS);
    let (mut faults, mut gave_up, mut failed) = (0, 0, Vec::new());
    for seed in first..first + seeds {
        match run(seed, None, false) {
            Ok(report) => {
                faults += report.faults;
                gave_up += u64::from(report.gave_up);
            }
            Err(violation) => failed.push(format!("RSK_SEED={seed}: {violation}")),
        }
    }
    assert!(failed.is_empty(), "{} seeds fail:\n{}", failed.len(), failed.join("\n"));
    assert!(gave_up <= seeds / 20, "drivers gave up too often: {gave_up} times");
    eprintln!("{faults} faults in {seeds} worlds; drivers gave up {gave_up} times");
    assert!(faults > 0, "nothing has failed, so nothing was seen");
}

#[test]
fn a_seed_decides_all() {
    assert_eq!(run(5, None, false), run(5, None, false));
}

/// What breaks on purpose is seen, and by the invariant that is there for it.
#[test]
fn each_invariant_can_fail() {
    for (sabotage, invariant) in [
        (Sabotage::ForgetProcesses, "no resource is offered or used twice"),
        (Sabotage::Boast, "sums equal the agent"),
        (Sabotage::LoseResult, "every partition is computed"),
        (Sabotage::CommitTwice, "each partition is committed once"),
        (Sabotage::ForgetNames, "epochs never fall"),
        (Sabotage::LeaveProcesses, "every accepted executor ends"),
        (Sabotage::StayAway, "views agree within 60 s of quiet"),
    ] {
        let seen = (1..300).filter_map(|seed| run(seed, Some(sabotage), false).err());
        let mut seen = seen.map(|violation| violation.invariant).take(20);
        assert!(seen.any(|seen| seen == invariant), "{sabotage:?} does not break: {invariant}");
    }
}
