"""What becomes of a read when workers die, are stopped, or are not set up."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from databricks.labs.community_connector._native import Connection

ACME = {"owner": "acme", "repo": "rocket"}


def wait_for(what, patience: float = 120):
    """Ask again and again, until there is an answer."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if answer := what():
            return answer
        time.sleep(0.05)
    raise AssertionError("it did not come")


def workers(home: Path) -> list[int]:
    """The Python workers of our session: children of its daemon."""

    def text(process: str, file: str) -> str:
        try:
            return Path("/proc", process, file).read_bytes().decode(errors="replace").replace("\0", " ")
        except OSError:
            return ""

    def is_daemon(process: str) -> bool:
        return "pyspark.daemon" in text(process, "cmdline") and str(home) in text(process, "environ")

    daemons = [
        process.name for process in Path("/proc").iterdir() if process.name.isdecimal() and is_daemon(process.name)
    ]
    parents = {process: text(process, "stat").rsplit(")", 1)[-1].split()[1:2] for process in daemons}
    return [int(process) for process, parent in parents.items() if parent and parent[0] in daemons]


def slow_read(spark, simulator):
    from databricks.labs.community_connector import register

    register(spark, "github")
    options = {"databricks.connection": "my_github", "tableName": "issues", "upstream": simulator.url, **ACME}
    return spark.read.format("lakeflow_connect").options(**options).option("per_page", "10").load()


def in_background(act) -> tuple[threading.Thread, list]:
    outcome: list = []

    def run() -> None:
        try:
            outcome.append(act())
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, outcome


@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
def test_killed_worker_loses_and_doubles_nothing(spark, simulate, home):
    simulator = simulate("github", latency="150ms")
    frame = slow_read(spark, simulator)
    before = simulator.request_count()
    thread, outcome = in_background(lambda: [row.id for row in frame.select("id").collect()])
    wait_for(lambda: simulator.request_count() > before + 2)
    for worker in workers(home):
        os.kill(worker, signal.SIGKILL)
    thread.join()
    ids = outcome[0]
    assert isinstance(ids, list), ids
    assert len(ids) == len(set(ids)) > 100


def test_cancelled_job_stops_its_requests(spark, simulate):
    simulator = simulate("github", latency="200ms", scale=20)
    frame = slow_read(spark, simulator)
    before = simulator.request_count()

    def collect() -> None:
        spark.sparkContext.setJobGroup("cancelled", "a read that is cancelled", interruptOnCancel=True)
        frame.write.format("noop").mode("overwrite").save()

    thread, outcome = in_background(collect)
    wait_for(lambda: simulator.request_count() > before + 2)
    spark.sparkContext.cancelJobGroup("cancelled")
    thread.join()
    assert isinstance(outcome[0], Exception)

    def stands_still() -> bool:
        count = simulator.request_count()
        time.sleep(1)
        return simulator.request_count() == count

    wait_for(stands_still)
    # All of it would be some six hundred pages.
    assert simulator.request_count() - before < 400


def test_closed_read_stops_its_requests(simulate):
    simulator = simulate("github", latency="50ms", scale=20)
    connection = Connection.resolve({"token": "simulated"}, source="github", upstream=simulator.url)
    read = connection.read("issues", {**ACME, "per_page": "10"}, batch_rows=10)
    next(read)
    read.close()
    assert next(read, None) is None
    count = wait_for(lambda: (simulator.request_count(), time.sleep(0.5))[0])
    assert wait_for(lambda: simulator.request_count() == count)


@pytest.fixture
def python_without_the_wheel(tmp_path: Path) -> Path:
    """A Python that finds another `databricks`, as one without our wheel does."""
    other = tmp_path / "other" / "databricks"
    other.mkdir(parents=True)
    (other / "__init__.py").write_text("")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{other.parent}:$PYTHONPATH" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return python


def test_worker_without_the_wheel_says_what_to_do(tmp_path, python_without_the_wheel, github, home):
    from pyspark.cloudpickle import dumps

    from databricks.labs.community_connector.spark.table import Table

    table = Table(
        {"tableName": "issues", "upstream": github.url, "databricks.connection": "my_github", **ACME}, "github"
    )
    pickled = tmp_path / "table.pickle"
    pickled.write_bytes(dumps(table))
    assert len(pickled.read_bytes()) < 10_000
    assert pickle.loads(pickled.read_bytes()).name == "issues"
    code = f"import pickle; pickle.load(open({str(pickled)!r}, 'rb'))"
    told = subprocess.run([python_without_the_wheel, "-c", code], capture_output=True, text=True, check=False).stderr
    assert "the package `lakeflow-community-connectors` cannot be imported by" in told
    assert "hint: install the wheel into the Python environment of every executor" in told
    assert "`PYSPARK_PYTHON`" in told


def test_session_with_the_wrong_python_says_what_to_do(tmp_path, python_without_the_wheel, home):
    script = tmp_path / "session.py"
    script.write_text(
        "from pyspark.sql import SparkSession\n"
        "from databricks.labs.community_connector import register\n"
        "spark = SparkSession.builder.master('local[1]').config('spark.ui.enabled', 'false').getOrCreate()\n"
        "register(spark, 'github')\n"
        "spark.read.format('lakeflow_connect').option('tableName', 'issues').load()\n"
    )
    environment = {**os.environ, "PYSPARK_PYTHON": str(python_without_the_wheel)}
    told = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, env=environment).stderr
    assert "the package `lakeflow-community-connectors` cannot be imported by" in told
    assert "hint: install the wheel there, or name the right Python by the environment variable" in told
