"""Sessions, simulators and connections that the tests share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from simulator import Simulator

os.environ["PYSPARK_PYTHON"] = sys.executable
os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
# Where connectors written in Python are found, by Spark's workers and by the program.
_PLACES = [str(Path(__file__).parent / "connectors"), os.environ.get("PYTHONPATH")]
os.environ["PYTHONPATH"] = os.pathsep.join(place for place in _PLACES if place)


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what would go to the user's own: connections and spool; set before any session starts."""
    folder = tmp_path_factory.mktemp("home")
    connections = folder / "connections.yaml"
    connections.write_text('my_github: {source: github, options: {token: "env:TEST_GITHUB_TOKEN"}}\n')
    connections.chmod(0o600)
    os.environ["TEST_GITHUB_TOKEN"] = "simulated"
    os.environ["COMMUNITY_CONNECTOR_CONNECTIONS"] = str(connections)
    os.environ["XDG_CACHE_HOME"] = str(folder / "cache")
    return folder


@pytest.fixture(scope="session")
def spark(home: Path):
    """The session of most tests."""
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[2,4]")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "2")
        .config("spark.sql.warehouse.dir", str(home / "warehouse"))
        .config("spark.sql.session.timeZone", "Asia/Kathmandu")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def simulate() -> Iterator[Callable[..., Simulator]]:
    """Starts simulators; they end with the session."""
    running: list[Simulator] = []

    def start(source: str, **arguments: object) -> Simulator:
        running.append(Simulator(source, **arguments))
        return running[-1]

    yield start
    for simulator in running:
        simulator.stop()


@pytest.fixture(scope="session")
def github(simulate: Callable[..., Simulator]) -> Simulator:
    """A GitHub that stands still."""
    return simulate("github")


@pytest.fixture
def read(spark, github: Simulator):
    """Gives a reader of tables of the GitHub that stands still."""
    from databricks.labs.community_connector import register

    register(spark, "github")

    def reader(table: str | None, **options: str):
        given = {"databricks.connection": "my_github", "upstream": github.url, **options}
        if table is not None:
            given["tableName"] = table
        return spark.read.format("lakeflow_connect").options(**given)

    return reader
