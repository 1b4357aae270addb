"""`ingest` on open-source Spark: the tables that the embedded engine gives, run after run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import yaml
from lakehouse import ACME, GITHUB, rows, run_embedded, spec, staged

from databricks.labs.community_connector import errors, register
from databricks.labs.community_connector.pipeline import ingest

CHANGES = {
    "issues": {"added": 3, "changed": 5},
    "pull_requests": {"added": 1, "changed": 2},
    "comments": {"added": 2, "changed": 2},
    "commits": {"added": 4},
    "branches": {"added": 1, "deleted": 1},
    "teams": {"changed": 1},
}


@pytest.fixture
def connection(home) -> str:
    """A connection to HubSpot, beside the one to GitHub."""
    file = Path(os.environ["COMMUNITY_CONNECTOR_CONNECTIONS"])
    document = yaml.safe_load(file.read_text())
    document["my_hubspot"] = {"source": "hubspot", "options": {"access_token": "simulated"}}
    file.write_text(yaml.safe_dump(document))
    return "my_hubspot"


def without_instants(found: list[dict[str, object]], is_snapshot_history: bool) -> list[dict[str, object]]:
    """Rows of a history of snapshots without the instants of their runs, which differ."""
    if not is_snapshot_history:
        return found
    kept = [{k: v for k, v in row.items() if k != "__START_AT"} | {"__END_AT": "__END_AT" in row} for row in found]
    return sorted(kept, key=str)


def assert_equal(tmp_path: Path, document: dict[str, object], histories: set[str] = frozenset()) -> int:
    count = 0
    for entry in document["objects"]:
        table = entry["table"].get("destination_table") or entry["table"]["source_table"]
        found, expected = (
            without_instants(rows(tmp_path / lake, table), table in histories) for lake in ("spark", "embedded")
        )
        assert found == expected, table
        count += len(found)
    return count


def test_all_tables_of_github_equal_those_of_the_embedded_engine(spark, simulate, tmp_path):
    github = simulate("github")
    register(spark, "github")
    document = spec("my_github", GITHUB)
    history = {"source_table": "comments", "destination_table": "comment_history"}
    document["objects"].append({"table": {**history, "table_configuration": {**ACME, "scd_type": "SCD_TYPE_2"}}})
    history = {"source_table": "teams", "destination_table": "team_history"}
    document["objects"].append({"table": {**history, "table_configuration": {"org": "acme", "scd_type": "SCD_TYPE_2"}}})
    for changes in ({}, CHANGES):
        github.advance(**changes)
        run_embedded(tmp_path / "embedded", document, github)
        ingest(spark, document, lakehouse=str(tmp_path / "spark"), read_options={"upstream": github.url})
        assert assert_equal(tmp_path, document, {"team_history"}) > 1000
    assert staged(tmp_path / "spark") == []


def test_deletes_equal_those_of_the_embedded_engine(spark, simulate, tmp_path, connection):
    hubspot = simulate("hubspot")
    document = spec(connection, {"contacts": {}, "companies": {"scd_type": "SCD_TYPE_2"}})
    counts = []
    for changes in ({}, {"contacts": {"added": 3, "changed": 4, "deleted": 5}, "companies": {"deleted": 2}}):
        hubspot.advance(**changes)
        run_embedded(tmp_path / "embedded", document, hubspot)
        ingest(spark, document, lakehouse=str(tmp_path / "spark"), read_options={"upstream": hubspot.url})
        assert_equal(tmp_path, document)
        counts.append(len(rows(tmp_path / "spark", "contacts")))
    assert counts[1] == counts[0] - 2


def test_query_that_died_before_its_first_batch_was_noted_is_begun_again(spark, github, tmp_path):
    register(spark, "github")
    lake = tmp_path / "lake"
    offsets = lake / "_checkpoints" / "default" / "issues" / "changes" / "offsets"
    offsets.mkdir(parents=True)
    # What Spark leaves where it dies while it notes the first batch.
    (offsets / ".0.9e2d7c1a-3c0b-4b57-a4f5-1a5cf7f3f0b1.tmp").write_text("v1\n")
    setting = spark.conf.get("spark.sql.streaming.verifyCheckpointDirectoryEmptyOnStart")
    ingest(spark, spec("my_github", {"issues": ACME}), lakehouse=str(lake), read_options={"upstream": github.url})
    assert (offsets / "0").exists()
    assert len(rows(lake, "issues")) > 100
    assert spark.conf.get("spark.sql.streaming.verifyCheckpointDirectoryEmptyOnStart") == setting


def test_full_refresh_reads_tables_again_whose_checkpoint_is_lost(spark, simulate, tmp_path):
    github = simulate("github")
    register(spark, "github")
    lake = tmp_path / "spark"
    document = spec("my_github", {"issues": ACME, "commits": ACME})

    def run(**arguments: object) -> None:
        ingest(spark, document, lakehouse=str(lake), read_options={"upstream": github.url}, **arguments)

    run()
    checkpoints = lake / "_checkpoints" / "default"
    kept = (checkpoints / "commits" / "changes" / "metadata").read_text()
    shutil.rmtree(checkpoints / "issues")
    github.advance(issues={"added": 3, "changed": 5}, commits={"added": 2})
    with pytest.raises(Exception, match="expected the next batch of query"):
        run()
    with pytest.raises(errors.ConfigurationError, match="unknown table of this pipeline `isues`"):
        run(full_refresh=["isues"])
    run(full_refresh=["default.issues"])
    run_embedded(tmp_path / "embedded", document, github)
    assert assert_equal(tmp_path, document) > 200
    assert (checkpoints / "commits" / "changes" / "metadata").read_text() == kept


def test_spec_is_refused_as_the_program_refuses_it(spark, tmp_path):
    with pytest.raises(errors.ConfigurationError, match="did you mean `source_table`"):
        ingest(spark, {"connection_name": "my_github", "objects": [{"table": {"source_tabel": "issues"}}]})
    file = tmp_path / "pipeline.yaml"
    file.write_text("connection_name: my_github\nobjects: []\n")
    with pytest.raises(errors.ConfigurationError, match=r"pipeline.yaml:2:10.*expected at least one table"):
        ingest(spark, file)
    with pytest.raises(errors.ConfigurationError, match="cannot be read"):
        ingest(spark, str(tmp_path / "nowhere.yaml"))
    with pytest.raises(errors.ConfigurationError, match="expected a pipeline spec, found 3"):
        ingest(spark, 3)


def test_table_without_keys_is_refused_before_anything_is_written(spark, github, tmp_path):
    register(spark, "github")
    document = spec("my_github", {"issues": {**ACME, "sequence_by": "nonsense"}})
    with pytest.raises(errors.ConfigurationError, match="unknown column `nonsense`"):
        ingest(spark, document, lakehouse=str(tmp_path / "lake"), read_options={"upstream": github.url})
    assert not (tmp_path / "lake").exists()
