"""Clusters of two agents, or workers, of one core each, on this machine, for as long as they are needed."""

import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager

WITHIN_S = 60


@contextmanager
def rsk(programs, scratch):
    """Its master's address."""
    command = [programs / "rsk", "dev", "--agents", "2", "--cpus", "1", "--mem", "5g", "--listen", "127.0.0.1:0"]
    with started([*command, "--log", "error"], dict(os.environ), scratch / "rsk-dev") as log:
        yield waited(lambda: log.read_text().split("\n", 1)[0] if "\n" in log.read_text() else None)


@contextmanager
def spark(home, environment, scratch):
    """Its master's address."""
    port = free_port()
    run = [home / "bin/spark-class"]
    master = [*run, "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", "0"]
    worker = [*run, "org.apache.spark.deploy.worker.Worker", "--cores", "1", "--memory", "5g", "--webui-port", "0"]
    address = f"spark://127.0.0.1:{port}"
    with started(master, environment, scratch / "spark-master") as log:
        waited(lambda: "I have been elected leader" in log.read_text())
        folders = [scratch / f"spark-worker-{number}" for number in (1, 2)]
        workers = [[*worker, "--work-dir", folder, address] for folder in folders]
        with started(workers[0], environment, folders[0]) as one, started(workers[1], environment, folders[1]) as two:
            for of_worker in (one, two):
                waited(lambda: "Successfully registered" in of_worker.read_text())
            yield address


@contextmanager
def started(command, environment, folder):
    """Its log, while it runs."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "log"
    with open(log, "wb") as to:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=to, stderr=to, start_new_session=True
        )
    try:
        yield log
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(WITHIN_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def waited(look):
    until = time.monotonic() + WITHIN_S
    while time.monotonic() < until:
        seen = look()
        if seen:
            return seen
        time.sleep(0.1)
    raise TimeoutError(f"a cluster has not started within {WITHIN_S} s")


def free_port():
    with socket.socket() as own:
        own.bind(("127.0.0.1", 0))
        return own.getsockname()[1]
