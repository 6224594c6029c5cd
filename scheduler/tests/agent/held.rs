//! Executors that the kernel's control groups hold within what they have bought, of either kind. It needs root.

use crate::{Pair, cleaned, ended, sandbox, spec, until};
use rsk_proto::{ExecutorEnd, ExecutorId, MasterToAgent};
use std::{fs, path::Path};

/// An agent that may make groups.
fn holding() -> Pair {
    let one_for_all = Path::new("/sys/fs/cgroup");
    let kinds = if one_for_all.join("cgroup.controllers").exists() { [""; 2] } else { ["cpu", "memory"] };
    for kind in kinds {
        let trial = one_for_all.join(kind).join(format!("rsk-test-{}", std::process::id()));
        let made = fs::create_dir(&trial);
        made.unwrap_or_else(|error| panic!("run the tests as root, where cgroups may be made: {error}"));
        fs::remove_dir(trial).unwrap();
    }
    Pair::start_with(|config| config.cgroups = true)
}

#[test]
fn an_executor_beyond_its_memory_is_said_to_have_been() {
    let pair = holding();
    // The first process itself grows: what it starts at once may have been started before it was taken into the group.
    pair.launch("x=$(head -c 300000000 /dev/zero | tr '\\0' x); exit 3");
    match ended(&pair.master) {
        ExecutorEnd::OutOfMemory { limit_bytes, peak_bytes } => {
            assert_eq!(limit_bytes, 64 << 20);
            assert!(peak_bytes > 32 << 20 && peak_bytes <= limit_bytes, "{peak_bytes}");
        }
        end => panic!("{end}"),
    }
}

#[test]
fn executors_that_want_one_cpu_have_it_by_what_they_bought() {
    let pair = holding();
    let program =
        b"#!/bin/sh\nexec taskset -c 0 sh -c 'n=0; while [ $n -lt 100000000 ]; do n=$((n+1)); done'\n";
    let program = pair.master.put(program);
    // Others than the test above has: their groups have the same names in all agents of this machine.
    for (executor, resources) in [(2, "cpus:1;mem:64"), (3, "cpus:3;mem:64")] {
        let mut spec = spec(program);
        (spec.executor, spec.resources) = (ExecutorId(executor), resources.parse().unwrap());
        pair.master.order(MasterToAgent::Launch(Box::new(spec)));
    }
    let of = |executor| sandbox(pair.folder.path()).with_file_name(ExecutorId(executor).to_string());
    let (of_one, of_other) = (of(2), of(3));
    let used = |sandbox: &Path| ticks(sandbox).unwrap_or(0);
    until("both use it", || used(&of_one) > 0 && used(&of_other) > 0);
    let before = (used(&of_one), used(&of_other));
    // Two seconds of the CPU, in hundredths.
    until("they have used it for a while", || used(&of_one) + used(&of_other) > before.0 + before.1 + 200);
    let (one, other) = (used(&of_one) - before.0, used(&of_other) - before.1);
    cleaned(&pair.master);
    assert!((2 * one..5 * one).contains(&other), "{one} and {other} hundredths of a second");
}

/// The CPU time that the processes of a sandbox have used, in hundredths of a second.
fn ticks(sandbox: &Path) -> Option<u64> {
    let mark = format!("RSK_SANDBOX={}\0", sandbox.display());
    let mut all = fs::read_dir("/proc").unwrap().filter_map(|entry| Some(entry.ok()?.path()));
    let process = all.find(|process| {
        let environment = fs::read(process.join("environ")).unwrap_or_default();
        String::from_utf8_lossy(&environment).contains(&mark)
    })?;
    let stat = fs::read_to_string(process.join("stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}
