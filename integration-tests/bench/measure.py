"""Runs one process and says what it cost."""

import os
import select
import signal
import subprocess
import time
from dataclasses import dataclass

TICKS = os.sysconf("SC_CLK_TCK")
LONGEST_S = 3600


@dataclass
class Run:
    """`started_at`: seconds since 1970. `peak_mib`: the highest sum of resident memory over the process and its descendants, sampled.
    `others_s`: CPU seconds that the rest of the machine used meanwhile: much of it makes the run worth little."""

    started_at: float
    wall_s: float
    cpu_s: float
    peak_mib: float
    others_s: float
    code: int
    out: str
    err: str


def measure(command, environment, scratch):
    """Writes dirty pages back, then runs `command` to its end. Its output goes through files in `scratch`."""
    os.sync()
    paths = [os.path.join(scratch, name) for name in ("stdout", "stderr")]
    with open(paths[0], "wb") as out, open(paths[1], "wb") as err:
        busy, started_at, started = machine_cpu_s(), time.time(), time.monotonic()
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
        )
        try:
            peak = watch(process.pid)
            wall = time.monotonic() - started
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            _, status, used = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
    cpu = used.ru_utime + used.ru_stime
    others = max(0.0, machine_cpu_s() - busy - cpu)
    texts = [open(path, errors="replace").read() for path in paths]
    return Run(started_at, wall, cpu, peak / 1024, others, process.returncode, *texts)


def watch(pid):
    """Waits for the process to end; answers the peak of its tree in KiB. Looks often at first, for short runs."""
    peak, pause, started = 0, 0.001, time.monotonic()
    ended = os.pidfd_open(pid)
    try:
        while True:
            peak = max(peak, tree_kib(pid))
            if select.select([ended], [], [], pause)[0]:
                return peak
            if time.monotonic() - started > LONGEST_S:
                raise TimeoutError(f"still running after {LONGEST_S} s")
            pause = min(pause * 1.5, 0.1)
    finally:
        os.close(ended)


def tree_kib(root):
    """Resident now, summed; or what the root alone had at its peak, if that was more."""
    total, highest_of_root = 0, 0
    todo = [(root, None)]
    while todo:
        pid, size_of_parent = todo.pop()
        memory = memory_kib(pid)
        # A child between vfork and exec borrows its parent's memory: it is there once.
        if memory and memory["VmSize"] != size_of_parent:
            total += memory["VmRSS"]
            if pid == root:
                highest_of_root = memory["VmHWM"]
            todo += [(child, memory["VmSize"]) for child in children(pid)]
    return max(total, highest_of_root)


def memory_kib(pid):
    try:
        with open(f"/proc/{pid}/status") as status:
            fields = dict(line.split(":", 1) for line in status)
        return {key: int(fields[key].split()[0]) for key in ("VmSize", "VmRSS", "VmHWM")}
    except (OSError, KeyError):
        return None


def children(pid):
    found = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as line:
                found += map(int, line.read().split())
    except OSError:
        pass
    return found


def machine_cpu_s():
    with open("/proc/stat") as stat:
        user, nice, system, _idle, _wait, irq, softirq, steal = map(int, stat.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / TICKS
