"""Tables and verdicts."""

import re
from statistics import median

COLUMNS = "{:<14}{:>26}{:>10}{:>10}{:>7}{:>8}{:>10}"


def table(workload, names, runs, small):
    """`runs`: peer -> its runs. Medians; the last column compares wall times with rsk's."""
    print(f"\n{workload.name}: {workload.what}{', but of a small input' if small else ''}")
    print(COLUMNS.format("", "wall s (least-most)", "job s", "CPU s", "MiB", "others", "wall/rsk"))
    base = median(run.wall_s for run in runs["rsk"]) if runs.get("rsk") else None
    for peer, name in names.items():
        if not runs.get(peer):
            print(COLUMNS.format(name, "no run ended well", "", "", "", "", ""))
            continue
        walls = [run.wall_s for run in runs[peer]]
        wall = f"{median(walls):.3f} ({min(walls):.3f}-{max(walls):.3f})"
        jobs = [run for run in map(job_s, runs[peer]) if run is not None]
        print(
            COLUMNS.format(
                name,
                wall,
                f"{median(jobs):.3f}" if jobs else "-",
                f"{median(run.cpu_s for run in runs[peer]):.2f}",
                f"{median(run.peak_mib for run in runs[peer]):.0f}",
                f"{max(run.others_s for run in runs[peer]):.1f}",
                f"{median(walls) / base:.2f}" if base else "-",
            ),
            flush=True,
        )


def job_s(run):
    """What the program itself says on stderr: without its start, for Spark without the JVM's and the context's."""
    found = re.search(r"^done in ([\d.]+) s", run.err, re.MULTILINE)
    return float(found.group(1)) if found else None


def verdict(workload, runs, small):
    """One line: the goal, the figure, and whether it is reached."""
    goal = workload.goal
    if not all(runs.get(peer) for peer in goal.needs):
        return f"{'NOT MEASURED':<13} {workload.name}: {goal.text}"
    walls = {peer: [run.wall_s for run in runs[peer]] for peer in goal.needs}
    figure = goal.figure(walls, workload.tasks_small if small else workload.tasks)
    word = "SMALL INPUT" if small else "PASS" if goal.reached(figure) else "FALLS SHORT"
    return f"{word:<13} {workload.name}: {goal.text}: {figure:{goal.format}} {goal.unit}"
