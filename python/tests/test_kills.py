"""Exactly once: the driver or a Python worker is killed at many instants, and every row is there once."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

from lakehouse import ACME, rows, run_embedded, spec, staged
from processes import python_processes

#: Kills in a row; the instants differ, and are those of the seed.
KILLS = int(os.environ.get("LAKEFLOW_TEST_KILLS", "3"))
SEED = int(os.environ.get("LAKEFLOW_TEST_SEED", "1"))

#: What Spark says where a Python process did not start in time.
_GIVEN_UP = ("failed to connect back", "CANNOT_OPEN_SOCKET")

_APPEND = {**ACME, "scd_type": "APPEND_ONLY"}
_TABLES = {"issues": _APPEND, "comments": ACME, "commits": ACME}


def _files(lake: Path) -> int:
    """The work that has been done, as the number of files that it has left."""
    return sum(len(files) for _, _, files in os.walk(lake))


def _is_running(driver: subprocess.Popen) -> bool:
    try:
        driver.wait(0.02)
    except subprocess.TimeoutExpired:
        return True
    return False


def _run(command: list[str], lake: Path, after: int | None, kills_worker: bool) -> str:
    """Run a driver; kill it, or a worker of it, once so many more files are there. Tells what became of it.

    Spark itself gives up on a Python process that takes long to start on a busy machine: one more way to die.
    """
    end = None if after is None else _files(lake) + after
    log = lake.parent / "driver.log"
    with log.open("wb") as errors:
        driver = subprocess.Popen(command, stdout=errors, stderr=errors, start_new_session=True)
    killed = False
    while _is_running(driver):
        if end is None or killed or _files(lake) < end:
            continue
        workers = python_processes(driver.pid) if kills_worker else []
        if workers:
            os.kill(random.choice(workers).pid, signal.SIGKILL)
        else:
            os.killpg(driver.pid, signal.SIGKILL)
        killed = True
    driver.wait()
    if killed:
        return "killed"
    if driver.returncode == 0:
        return "ended"
    text = log.read_text()
    assert any(sign in text for sign in _GIVEN_UP), text
    return "given up"


def test_killed_at_many_instants_every_row_is_there_once(simulate, home, tmp_path):
    github = simulate("github")
    lake = tmp_path / "spark"
    lake.mkdir()
    document = spec("my_github", _TABLES)
    command = [sys.executable, str(Path(__file__).with_name("ingest_process.py")), json.dumps(document), str(lake)]
    command.append(github.url)
    instants = random.Random(SEED)
    kills = 0
    while kills < KILLS:
        outcome = _run(command, lake, instants.randrange(1, 40), kills_worker=kills % 3 == 2)
        print(f"{kills} of {KILLS} kills; a driver was {outcome} with {_files(lake)} files in the lakehouse")
        kills += outcome == "killed"
        if outcome == "ended":
            github.advance(issues={"added": 80}, comments={"added": 80}, commits={"added": 80})
    while _run(command, lake, None, kills_worker=False) != "ended":
        pass
    run_embedded(tmp_path / "embedded", document, github)
    for table in _TABLES:
        assert rows(lake, table) == rows(tmp_path / "embedded", table), f"{table}, seed {SEED}"
    assert staged(lake) == []
