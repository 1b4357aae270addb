"""Streams: every row once, whatever ends the query, and the same rows for the same range."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from simulator import Simulator

ACME = {"owner": "acme", "repo": "rocket"}


class Query:
    """A stream of a table into a folder of Parquet files, run after run."""

    def __init__(self, spark, simulator: Simulator, folder: Path, table: str, connection=None, **options: str) -> None:
        self.spark = spark
        self.folder = folder
        self.options = {"tableName": table, "upstream": simulator.url, **(connection or {}), **options}
        self.options.setdefault("spoolLocation", str(folder / "spool"))

    def run(self, fails_at: int | None = None) -> list[int]:
        """Run until nothing is left; give the rows of each batch. May fail at a batch, after it was read."""
        sizes: list[int] = []
        rows, folder = self.rows_folder, self.folder

        def write(frame, number: int) -> None:
            frame = frame.persist()
            sizes.append(frame.count())
            frame.write.mode("overwrite").parquet(str(rows / str(number)))
            frame.unpersist()
            if number == fails_at:
                raise RuntimeError("the sink is full")

        frame = self.spark.readStream.format("lakeflow_connect").options(**self.options).load()
        writer = frame.writeStream.foreachBatch(write).option("checkpointLocation", str(folder / "checkpoint"))
        writer.trigger(availableNow=True).start().awaitTermination()
        return sizes

    @property
    def rows_folder(self) -> Path:
        return self.folder / "rows"

    def column(self, name: str) -> list[object]:
        """The values of a column, of all batches."""
        return [row[0] for row in self.spark.read.parquet(f"{self.rows_folder}/*").select(name).collect()]

    def batch(self, number: int) -> list[str]:
        """The rows of one batch, in order."""
        return sorted(self.spark.read.parquet(str(self.rows_folder / str(number))).toJSON().collect())

    def offsets(self) -> list[dict]:
        """What the checkpoint has."""
        files = sorted((self.folder / "checkpoint" / "offsets").glob("[0-9]*"), key=lambda file: int(file.name))
        return [json.loads(file.read_text().splitlines()[-1]) for file in files]


@pytest.fixture
def moving(simulate) -> Simulator:
    """A GitHub that a test moves on."""
    return simulate("github")


@pytest.fixture
def query(spark, moving, tmp_path, home):
    from databricks.labs.community_connector import register

    register(spark, "github")

    def make(table: str, **options: str) -> Query:
        return Query(spark, moving, tmp_path, table, {"databricks.connection": "my_github", **ACME}, **options)

    return make


def test_run_brings_what_is_new_and_ends(query, moving):
    issues = query("issues")
    assert sum(issues.run()) > 100
    before = issues.column("id")
    assert len(set(before)) == len(before)
    assert sum(issues.run()) == 0
    moving.advance(issues={"added": 7, "changed": 4})
    assert sum(issues.run()) == 11
    assert len(set(issues.column("id"))) == len(before) + 7


def test_offsets_are_canonical_json(query):
    issues = query("issues")
    issues.run()
    for offset in issues.offsets():
        assert list(offset) == ["kind", "offset", "range", "stream"]
        assert offset["kind"] == "spool"


def test_limit_of_rows_makes_several_batches_without_fetching_twice(query, moving):
    before = moving.request_count()
    issues = query("issues", maxRowsPerBatch="100")
    sizes = issues.run()
    limited = moving.request_count() - before
    ids = issues.column("id")
    assert len(sizes) >= 2
    assert sum(sizes) == len(ids) == len(set(ids))
    assert limited < 2 * len(sizes) + 10


def test_failed_batch_is_replayed_row_for_row(query, moving):
    issues = query("issues", maxRowsPerBatch="100")
    with pytest.raises(Exception, match="the sink is full"):
        issues.run(fails_at=1)
    before = issues.batch(1)
    # What changes meanwhile must not get into the range that is replayed.
    moving.advance(issues={"added": 20, "changed": 20})
    issues.run()
    assert issues.batch(1) == before
    assert len(set(issues.column("id"))) == len(issues.column("id")) - 20


def test_ranges_are_removed_when_a_later_one_is_committed(query, tmp_path):
    issues = query("issues", maxRowsPerBatch="100")
    sizes = issues.run()
    issues.run()
    [stream] = list((tmp_path / "spool").iterdir())
    kept = sorted(int(folder.name) for folder in stream.iterdir())
    assert kept[-1] == len(sizes)
    assert len(kept) <= 2


def test_lost_spool_is_told(query, tmp_path):
    import shutil

    issues = query("issues")
    with pytest.raises(Exception, match="the sink is full"):
        issues.run(fails_at=0)
    shutil.rmtree(tmp_path / "spool")
    with pytest.raises(Exception, match="a range of the stream is not in the spool(.|\n)*`spoolLocation`"):
        issues.run()


def test_table_that_can_be_split_is_streamed_by_ranges(query, moving):
    commits = query("commits", splitRanges="true")
    assert sum(commits.run()) > 50
    shas = commits.column("sha")
    assert len(shas) == len(set(shas))
    assert all(offset["kind"] == "range" for offset in commits.offsets())


def test_failed_range_is_replayed(query):
    commits = query("commits", splitRanges="true")
    with pytest.raises(Exception, match="the sink is full"):
        commits.run(fails_at=0)
    before = commits.batch(0)
    commits.run()
    assert commits.batch(0) == before
    assert len(before) > 50


def test_options_that_change_the_kind_of_offset_need_a_new_checkpoint(query):
    query("commits", splitRanges="true").run()
    with pytest.raises(Exception, match="expected an offset of kind `spool`(.|\n)*need a new checkpoint"):
        query("commits").run()


def test_snapshot_is_not_streamed(query):
    with pytest.raises(Exception, match="table `branches` cannot be streamed: its ingestion type is `snapshot`"):
        query("branches").run()


def test_deleted_rows_are_a_stream_of_their_own(spark, simulate, tmp_path):
    from databricks.labs.community_connector import register

    hubspot = simulate("hubspot")
    register(spark, "hubspot")
    connection = {"access_token": "simulated"}
    contacts = Query(spark, hubspot, tmp_path / "rows", "contacts", connection)
    deletes = Query(spark, hubspot, tmp_path / "deletes", "contacts", connection, isDeleteFlow="true")
    contacts.run()
    deletes.run()
    everything = set(contacts.column("id"))
    told_before = len(deletes.column("id")) if deletes.rows_folder.exists() else 0
    hubspot.advance(contacts={"deleted": 5, "added": 3})
    assert sum(contacts.run()) == 3
    assert sum(deletes.run()) == 5
    gone = deletes.column("id")[told_before:]
    assert set(gone) <= everything
