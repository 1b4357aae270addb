"""The Python processes of Spark, by `ps`."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class Process:
    """A process as `ps` shows it."""

    pid: int
    parent: int
    command: str


def python_processes(driver: int) -> list[Process]:
    """What Spark runs in Python below a driver: planners, readers of streams, daemons and their workers."""
    found = subprocess.run(["ps", "-eww", "-o", "pid=,ppid=,args="], check=True, capture_output=True, text=True).stdout
    lines = [line.split(None, 2) for line in found.splitlines()]
    everything = [Process(int(pid), int(parent), command) for pid, parent, command in lines]
    family, added = {driver}, True
    while added:
        children = {process.pid for process in everything if process.parent in family}
        added = not children <= family
        family |= children
    return [process for process in everything if process.pid in family and " -m pyspark." in process.command]


def task_workers(driver: int = os.getpid()) -> list[int]:
    """The workers of the tasks of a driver: each is the child of a daemon."""
    processes = python_processes(driver)
    daemons = {process.pid for process in processes if process.command.endswith("pyspark.daemon pyspark.worker")}
    return [process.pid for process in processes if process.parent in daemons]
