"""The sink: batches and streams of one's own, each row once, whatever ends the query."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from lakehouse import rows, staged
from simulator import PROGRAM

COLUMNS = "id BIGINT, at BIGINT, text STRING, gone BOOLEAN"


def row(key: int, at: int, text: str) -> dict[str, object]:
    return {"id": key, "at": at, "text": text}


@pytest.fixture
def lake(tmp_path) -> Path:
    return tmp_path / "lake"


class Query:
    """A stream of JSON files into a table."""

    def __init__(self, spark, lake: Path, name: str = "default", **options: str) -> None:
        from databricks.labs.community_connector.spark.sink import register_sink

        register_sink(spark)
        self.spark = spark
        self.inbox = lake.parent / f"inbox-{name}"
        self.checkpoint = lake.parent / f"checkpoint-{name}"
        self.inbox.mkdir(exist_ok=True)
        self.options = {"path": f"{lake}/sales/orders", "flow_name": name, **options}

    def start(self, **options: str):
        frame = self.spark.readStream.schema(COLUMNS).option("maxFilesPerTrigger", 1).json(str(self.inbox))
        if "apply_as_deletes" not in self.options:
            frame = frame.drop("gone")
        writer = frame.writeStream.format("lakeflow_delta").options(**self.options, **options)
        return writer.option("checkpointLocation", str(self.checkpoint)).trigger(availableNow=True).start()

    def run(self, *batches: list[dict[str, object]], **options: str) -> None:
        """Run to the end, one batch for each list."""
        for batch in batches:
            number = len(list(self.inbox.iterdir()))
            (self.inbox / f"{number:04}.json").write_text("\n".join(map(json.dumps, batch)))
        self.start(**options).awaitTermination()

    def forget_last_commit(self) -> None:
        """Make the checkpoint what it is where the driver dies between the table's commit and Spark's."""
        commits = [file for file in (self.checkpoint / "commits").iterdir() if file.name.isdecimal()]
        last = max(commits, key=lambda file: int(file.name))
        last.unlink()
        last.with_name(f".{last.name}.crc").unlink(missing_ok=True)


def test_batches_append_and_overwrite(spark, lake):
    from databricks.labs.community_connector.spark.sink import register_sink

    register_sink(spark)
    frame = spark.createDataFrame([(1, 1, "a"), (2, 1, "b")], "id BIGINT, at BIGINT, text STRING")
    for mode, count in [("append", 2), ("append", 4), ("overwrite", 2)]:
        frame.write.format("lakeflow_delta").mode(mode).save(f"{lake}/sales/orders")
        assert len(rows(lake, "sales.orders")) == count
    assert staged(lake) == []


def test_stream_upserts_deletes_and_goes_on(spark, lake):
    query = Query(spark, lake, keys="id", sequence_by="at", apply_as_deletes="gone")
    query.run([row(1, 1, "a"), row(2, 1, "b")], [row(1, 2, "a2"), {"id": 2, "at": 2, "gone": True}])
    assert rows(lake, "sales.orders") == [row(1, 2, "a2")]
    query.run([row(2, 1, "late"), row(1, 1, "late"), row(3, 1, "c")])
    assert rows(lake, "sales.orders") == [row(3, 1, "c"), row(1, 2, "a2")]
    assert staged(lake) == []


def test_batch_that_spark_replays_is_there_once(spark, lake):
    query = Query(spark, lake)
    query.run([row(1, 1, "a")], [row(2, 1, "b")])
    query.forget_last_commit()
    query.run([row(3, 1, "c")])
    assert rows(lake, "sales.orders") == [row(1, 1, "a"), row(2, 1, "b"), row(3, 1, "c")]
    assert staged(lake) == []


def test_task_that_fails_for_good_leaves_nothing_and_its_batch_comes_once(spark, lake):
    query = Query(spark, lake, apply_as_deletes="id")  # no boolean: the driver refuses what the tasks have staged
    with pytest.raises(Exception, match="expected a boolean column `id`"):
        query.run([row(1, 1, "a")])
    assert staged(lake) == []
    del query.options["apply_as_deletes"]
    query.run()
    assert rows(lake, "sales.orders") == [row(1, 1, "a")]


def test_lost_checkpoint_is_told_and_can_be_taken_over(spark, lake):
    query = Query(spark, lake, keys="id", sequence_by="at")
    query.run([row(1, 1, "a")])
    first = json.loads((query.checkpoint / "metadata").read_text())["id"]
    shutil.rmtree(query.checkpoint)
    with pytest.raises(Exception, match=f"`take_over` to `{first}`"):
        query.run([row(1, 2, "b")])
    assert rows(lake, "sales.orders") == [row(1, 1, "a")]
    query.run(take_over=first)
    assert rows(lake, "sales.orders") == [row(1, 2, "b")]


def restore(spark, lake: Path) -> None:
    """Set the table back to its second batch."""
    history = subprocess.run(
        [PROGRAM, "--lakehouse", lake, "--output", "json", "history", "sales.orders"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    versions = sorted(json.loads(line)["version"] for line in history.splitlines() if '"version"' in line)
    command = [PROGRAM, "--lakehouse", lake, "restore", "sales.orders", "--version", str(versions[-2])]
    subprocess.run(command, check=True, capture_output=True)


def overwrite(spark, lake: Path) -> None:
    """Replace the table's rows by another query's."""
    frame = spark.createDataFrame([(2, 1, "b"), (1, 1, "a")], "id BIGINT, at BIGINT, text STRING")
    frame.write.format("lakeflow_delta").mode("overwrite").save(f"{lake}/sales/orders")


@pytest.mark.parametrize("set_back", [restore, overwrite])
def test_table_that_was_set_back_under_a_query_is_told_and_can_be_gone_on_with(spark, lake, set_back: Callable):
    query = Query(spark, lake)
    for batch in (row(1, 1, "a"), row(2, 1, "b"), row(3, 1, "c")):
        query.run([batch])
    name = json.loads((query.checkpoint / "metadata").read_text())["id"]
    set_back(spark, lake)
    message = "the table was restored, recreated or overwritten"
    with pytest.raises(Exception, match=f"{message}(.|\n)*`take_over` to `{name}`"):
        query.run([row(4, 1, "d")])
    left = [row(1, 1, "a"), row(2, 1, "b")]
    assert rows(lake, "sales.orders") == left
    query.run(take_over=name)
    assert rows(lake, "sales.orders") == [*left, row(4, 1, "d")]
    query.run([row(5, 1, "e")])
    assert rows(lake, "sales.orders") == [*left, row(4, 1, "d"), row(5, 1, "e")]
    assert staged(lake) == []


def test_streams_side_by_side_fill_one_table(spark, lake):
    queries = [Query(spark, lake, name=f"q{number}") for number in range(3)]
    for number, query in enumerate(queries):
        for batch in range(2):
            (query.inbox / f"{batch}.json").write_text(json.dumps(row(number * 10 + batch, 1, "x")))
    for running in [query.start() for query in queries]:
        running.awaitTermination()
    assert sorted(found["id"] for found in rows(lake, "sales.orders")) == [0, 1, 10, 11, 20, 21]


def test_option_that_is_none_is_refused_with_the_nearest(spark, lake):
    from databricks.labs.community_connector.errors import ConfigurationError
    from databricks.labs.community_connector.spark.sink import LakeflowDelta

    with pytest.raises(ConfigurationError, match="sequence_by"):
        LakeflowDelta({"path": f"{lake}/sales/orders", "sequenceby": "at"})
    with pytest.raises(ConfigurationError, match="`lakehouse` and `table`"):
        LakeflowDelta({"keys": "id"})
