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

from processes import task_workers

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


def test_killed_worker_loses_and_doubles_nothing(spark, simulate):
    simulator = simulate("github", latency="300ms", scale=4)
    frame = slow_read(spark, simulator)
    before = simulator.request_count()
    thread, outcome = in_background(lambda: [row.id for row in frame.select("id").collect()])
    wait_for(lambda: simulator.request_count() > before + 2)
    for worker in wait_for(task_workers):
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


#: A session that reads a table, in a process of its own: SIMULATOR.
READING_SESSION = """
import sys
from pyspark.sql import SparkSession
from databricks.labs.community_connector import register

spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
register(spark, "github")
options = {"tableName": "issues", "owner": "acme", "repo": "rocket", "token": "simulated", "upstream": sys.argv[1]}
spark.read.format("lakeflow_connect").options(**options).load().collect()
"""


def told_by_session(tmp_path: Path, python: Path, simulator) -> str:
    """What a session says whose workers run with this Python."""
    environment = {**os.environ, "PYSPARK_PYTHON": str(python)}
    script = tmp_path / "session.py"
    script.write_text(READING_SESSION)
    command = [sys.executable, script, simulator.url]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path)
    assert ended.returncode != 0
    return ended.stderr


def other_python(tmp_path: Path, module: str, content: str, when: str = "*") -> Path:
    """A Python that finds another module before all others, when its arguments fit a pattern of the shell."""
    modules = tmp_path / "modules"
    (modules / module).parent.mkdir(parents=True)
    (modules / module).write_text(content)
    python = tmp_path / "python"
    python.write_text(
        f'#!/bin/sh\ncase "$*" in {when}) PYTHONPATH="{modules}:$PYTHONPATH" ;; esac\n'
        f'export PYTHONPATH\nexec "{sys.executable}" "$@"\n'
    )
    python.chmod(0o755)
    return python


def python_without_the_wheel(tmp_path: Path, when: str = "*") -> Path:
    """A Python that finds another `databricks`, as one without our wheel does."""
    return other_python(tmp_path, "databricks/__init__.py", "", when)


def test_worker_without_the_wheel_says_what_to_do(tmp_path, github, home):
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
    told = subprocess.run(
        [python_without_the_wheel(tmp_path), "-c", code], capture_output=True, text=True, check=False
    ).stderr
    assert "the package `lakeflow-community-connectors` cannot be imported by" in told
    assert "hint: install the wheel into the Python environment of every executor" in told
    assert "`PYSPARK_PYTHON`" in told


def test_session_with_a_python_without_the_wheel_says_what_to_do(tmp_path, github):
    told = told_by_session(tmp_path, python_without_the_wheel(tmp_path), github)
    assert "the package `lakeflow-community-connectors` cannot be imported by" in told
    assert "hint: install the wheel there, or name the right Python by the environment variable" in told


def test_executor_without_the_wheel_says_what_to_do(tmp_path, github):
    # Only tasks run there; what plans the read has the wheel.
    told = told_by_session(tmp_path, python_without_the_wheel(tmp_path, '*"pyspark.daemon pyspark.worker"'), github)
    assert "the package `lakeflow-community-connectors` cannot be imported by" in told
    assert "hint: install the wheel into the Python environment of every executor" in told


def test_python_of_another_version_says_what_to_do(tmp_path, github):
    content = (
        "import sys\nfrom collections import namedtuple\n"
        'fields = "major minor micro releaselevel serial"\n'
        'sys.version_info = namedtuple("version_info", fields)(3, 99, 0, "final", 0)\n'
    )
    told = told_by_session(tmp_path, other_python(tmp_path, "sitecustomize.py", content), github)
    assert "Python in worker has different version: 3.99" in told
    assert "PYSPARK_PYTHON and PYSPARK_DRIVER_PYTHON" in told
