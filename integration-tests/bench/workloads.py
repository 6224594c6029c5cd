"""What is run, what its answer is, and what the project asks of it."""

import re
from dataclasses import dataclass
from statistics import median
from typing import Callable, Optional


JOBS = 500
PADDED_MIB = 20


@dataclass(frozen=True)
class Goal:
    """`figure` takes the wall seconds of each peer in `needs`, in the order of the rounds, and the number of tasks."""

    text: str
    unit: str
    needs: tuple
    figure: Callable
    reached: Callable
    format: str


def faster_than_spark(times):
    return Goal(
        text=f"at least {times} times as fast as Spark",
        unit="times as fast",
        needs=("rsk", "spark"),
        figure=lambda wall, _: median(wall["spark"]) / median(wall["rsk"]),
        reached=lambda figure: figure >= times,
        format=".2f",
    )


def tasks_a_second(least):
    return Goal(
        text=f"at least {least:,} tasks/s over the whole process",
        unit="tasks/s",
        needs=("rsk",),
        figure=lambda wall, tasks: tasks / median(wall["rsk"]),
        reached=lambda figure: figure >= least,
        format=",.0f",
    )


def of_local(times):
    return Goal(
        text=f"on a cluster within {times} times the time of local mode",
        unit="times its time",
        needs=("rsk", "cluster"),
        figure=lambda wall, _: median(wall["cluster"]) / median(wall["rsk"]),
        reached=lambda figure: figure <= times,
        format=".2f",
    )


UNDER_HALF_A_SECOND = Goal(
    text="a whole program, from submit to end, in less than 500 ms",
    unit="ms",
    needs=("cluster",),
    figure=lambda wall, _: 1000 * median(wall["cluster"]),
    reached=lambda figure: figure < 500,
    format=".0f",
)

JOB_UNDER_5_MS = Goal(
    text="less than 5 ms a job, the start of executors included",
    unit="ms a job",
    needs=("cluster",),
    figure=lambda wall, _: 1000 * median(wall["cluster"]) / JOBS,
    reached=lambda figure: figure < 5,
    format=".2f",
)

TASKS_ON_A_CLUSTER = Goal(
    text="at least 20,000 tasks/s on a cluster, over the whole process",
    unit="tasks/s",
    needs=("cluster",),
    figure=lambda wall, tasks: tasks / median(wall["cluster"]),
    reached=lambda figure: figure >= 20_000,
    format=",.0f",
)

def first_task_under(milliseconds):
    return Goal(
        text=f"the first task runs less than {milliseconds} ms after `rsk submit` of a program of {PADDED_MIB} MiB",
        unit="ms",
        needs=("cluster",),
        figure=lambda wall, _: 1000 * median(wall["cluster"]),
        reached=lambda figure: figure < milliseconds,
        format=".0f",
    )


UNDER_50_MS = Goal(
    text="less than 50 ms",
    unit="ms",
    needs=("rsk",),
    figure=lambda wall, _: 1000 * median(wall["rsk"]),
    reached=lambda figure: figure < 50,
    format=".1f",
)

WITHIN_5_PERCENT = Goal(
    text="within 5 % of the loop by hand",
    unit="times its time, the median over pairs",
    needs=("rsk", "hand"),
    figure=lambda wall, _: median(rsk / hand for rsk, hand in zip(wall["rsk"], wall["hand"])),
    reached=lambda figure: figure <= 1.05,
    format=".3f",
)




@dataclass(frozen=True)
class Workload:
    """One job for all peers. INPUT and OUTPUT among the arguments stand for paths.

    The answer is what `check`, arguments of bench-check, says of the output; else what the peer printed after a text.
    """

    name: str
    what: str
    program: str
    arguments: tuple
    goal: Optional[Goal]
    # What is asked where it runs on a cluster.
    cluster: Optional[Goal] = None
    arguments_small: Optional[tuple] = None
    input: Optional[str] = None
    check: Optional[tuple] = None
    printed: str = r"answer (\S+)"
    tolerance: float = 0.0
    # The moment up to which it is measured, seconds since 1970; else its end.
    until: Optional[str] = None
    # The program is stripped and then made so large, by random bytes at its end: other ones in each run, or the same.
    padded_mib: int = 0
    padded_anew: bool = False
    pairs: bool = False
    tasks: int = 10_000
    tasks_small: int = 1_000

    def answer_in(self, text):
        found = re.search(self.printed, text)
        return found.group(1) if found else None

    def agree(self, one, other):
        try:
            one, other = float(one), float(other)
        except ValueError:
            return one == other
        return abs(one - other) <= self.tolerance * abs(other)


FIRST_TASK = r"first task at (\S+)"

WORKLOADS = [
    Workload(
        name="trivial",
        what="a whole program of one task",
        program="bench-trivial",
        arguments=(),
        goal=UNDER_50_MS,
        cluster=UNDER_HALF_A_SECOND,
    ),
    Workload(
        name="submit-cold",
        what="until the first task of a program runs that the cluster has never seen",
        program="bench-first",
        arguments=(),
        goal=None,
        cluster=first_task_under(1000),
        until=FIRST_TASK,
        padded_mib=PADDED_MIB,
        padded_anew=True,
    ),
    Workload(
        name="submit-warm",
        what="until the first task of a program runs that has run there before",
        program="bench-first",
        arguments=(),
        goal=None,
        cluster=first_task_under(500),
        until=FIRST_TASK,
        padded_mib=PADDED_MIB,
    ),
    Workload(
        name="jobs",
        what=f"{JOBS} jobs of one task, one after another",
        program="bench-jobs",
        arguments=(JOBS,),
        goal=None,
        cluster=JOB_UNDER_5_MS,
    ),
    Workload(
        name="tasks",
        what="10,000 empty tasks",
        program="bench-tasks",
        arguments=(10_000,),
        arguments_small=(1_000,),
        goal=tasks_a_second(50_000),
        cluster=TASKS_ON_A_CLUSTER,
    ),
    Workload(
        name="listing",
        what="10,000 tasks over a listing of 10,000 files, with a value of 1 MiB",
        program="bench-listing",
        arguments=("INPUT",),
        input="listing",
        goal=tasks_a_second(10_000),
    ),
    Workload(
        name="pi",
        what="Monte Carlo pi",
        program="examples/pi",
        arguments=(100, 2_000_000_000),
        arguments_small=(100, 200_000_000),
        printed=r"pi is roughly (\S+)",
        goal=WITHIN_5_PERCENT,
        pairs=True,
    ),
    Workload(
        name="words",
        what="word count of 1 GiB",
        program="examples/word_count",
        arguments=("INPUT", "OUTPUT"),
        input="words",
        check=("words", "OUTPUT"),
        goal=faster_than_spark(5),
        cluster=of_local(1.25),
    ),
    Workload(
        name="sort",
        what="sort of 10 M records of 100 bytes",
        program="examples/tera_sort",
        arguments=("INPUT", "OUTPUT"),
        input="sort",
        check=("sorted", "INPUT", "OUTPUT"),
        goal=faster_than_spark(5),
        cluster=of_local(1.25),
    ),
    Workload(
        name="rank",
        what="10 iterations of PageRank on 10 M edges",
        program="examples/page_rank",
        arguments=("INPUT", 10),
        input="graph",
        printed=r"(?i)\bsum\b[^\n\d]*(\d+(?:\.\d+)?(?:e\d+)?)",
        tolerance=1e-6,
        goal=faster_than_spark(8),
        cluster=of_local(1.25),
    ),
]
