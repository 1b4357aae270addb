"""The native module by itself: logs, pickling, reads with checkpoints."""

from __future__ import annotations

import logging
import pickle

import pytest

from databricks.labs.community_connector import errors
from databricks.labs.community_connector._native import Connection

ACME = {"owner": "acme", "repo": "rocket"}
LOGGER = "databricks.labs.community_connector"


@pytest.fixture
def connection(github) -> Connection:
    return Connection.resolve({"token": "simulated"}, source="github", upstream=github.url)


def test_logs_reach_python_without_secrets(github, caplog):
    with caplog.at_level(logging.DEBUG, LOGGER):
        connection = Connection.resolve({"token": "simulated"}, source="github", upstream=github.url)
        list(connection.read("issues", ACME))
    records = [record for record in caplog.records if record.name.startswith(f"{LOGGER}.lakeflow_http")]
    assert records
    assert all("simulated" not in record.getMessage().replace("simulated github", "") for record in records)


def test_nothing_is_logged_that_nobody_wants(connection, caplog):
    with caplog.at_level(logging.ERROR, LOGGER):
        copy = pickle.loads(pickle.dumps(connection))
        list(copy.read("issues", ACME))
    assert caplog.records == []


def test_read_goes_on_where_a_checkpoint_is(connection):
    whole = [
        row for batch, _ in connection.read("issues", ACME, batch_rows=50) if batch for row in batch["id"].to_pylist()
    ]
    read = connection.read("issues", ACME, batch_rows=50)
    first: list[int] = []
    for batch, checkpoint in read:
        first.extend(batch["id"].to_pylist() if batch else [])
        if checkpoint is not None:
            break
    read.close()
    copy = pickle.loads(pickle.dumps(connection))
    rest = [row for batch, _ in copy.read("issues", ACME, start=checkpoint) if batch for row in batch["id"].to_pylist()]
    assert 0 < len(first) < len(whole)
    assert first + rest == whole


def test_error_has_kind_context_and_hint(connection):
    with pytest.raises(errors.ConfigurationError) as caught:
        connection.metadata("isues", {})
    assert caught.value.kind == "configuration"
    assert "did you mean `issues`" in str(caught.value)
    assert caught.value.hints


def test_dead_source_is_unavailable():
    connection = Connection.resolve({"token": "t"}, source="github", upstream="http://127.0.0.1:9/")
    with pytest.raises(errors.UnavailableError):
        list(connection.read("issues", ACME))


def test_connector_in_python_has_the_options_that_the_platform_puts_among_those_of_the_read(home, monkeypatch):
    from databricks.labs.community_connector.spark.table import Table

    injected = {"databricks.connection": "of_the_catalog", "sourceName": "shop", "token": "open sesame"}
    options = {**injected, "externalOptionsAllowList": "tableName,day", "tableName": "visits", "day": "2"}
    with pytest.raises(errors.ConfigurationError, match="unknown source `shop`"):
        Table(options, "shop:ShopConnector")
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    table = Table(options, "shop:ShopConnector")
    assert table.connection.source == "shop:ShopConnector"
    assert table.options == {"token": "open sesame", "day": "2"}
    assert sum(batch.num_rows for batch in table.read()) > 100


def test_program_is_part_of_the_wheel():
    import subprocess

    from simulator import PROGRAM

    told = subprocess.run([PROGRAM, "sources"], capture_output=True, text=True, check=True).stdout
    assert "github" in told
    wrong = subprocess.run([PROGRAM, "surces"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
    assert "unrecognized subcommand" in wrong.stderr
