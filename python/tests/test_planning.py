"""The driver's part of a stream: ranges in the spool, of a connector that a test controls."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from databricks.labs.community_connector import errors
from databricks.labs.community_connector.spark.offsets import RangeOffset, SpoolOffset
from databricks.labs.community_connector.spark.planning import Planner
from databricks.labs.community_connector.spark.spool import Spool
from databricks.labs.community_connector.spark.stream import RangeStreamReader
from databricks.labs.community_connector.spark.table import Table

SCHEMA = pa.schema([pa.field("id", pa.int64())])


def rows(*ids: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"id": list(ids)}, schema=SCHEMA)


class Read:
    """A read that gives what a test says; an exception among it is raised."""

    def __init__(self, items: list) -> None:
        self.items = iter(items)
        self.is_closed = False

    def __iter__(self) -> Read:
        return self

    def __next__(self):
        item = next(self.items)
        if isinstance(item, Exception):
            raise item
        return item

    def close(self) -> None:
        self.is_closed = True


class Connection:
    """A connection whose reads a test says, by the offset that they begin at."""

    def __init__(self, reads: dict[str, list]) -> None:
        self.reads = reads
        self.begun: list[str] = []
        self.given: list[Read] = []

    def table_options(self, table: str, options: dict[str, str]) -> dict[str, str]:
        return options

    def latest_offset(self, table: str, options: dict[str, str], *, start: str, until: str) -> str:
        """Say another end whenever it is asked, as a connector does whose end is the present."""
        self.begun.append(start)
        return f'{{"at":{len(self.begun)}}}'

    def read(self, table: str, options: dict[str, str], *, start: str, **_: object) -> Read:
        self.begun.append(start)
        self.given.append(Read(self.reads.get(start, [(None, start)])))
        return self.given[-1]


def planner(tmp_path: Path, reads: dict[str, list]) -> tuple[Planner, Connection, Spool]:
    connection = Connection(reads)
    table = Table({"tableName": "events", "spoolLocation": str(tmp_path)}, lambda options: connection)
    return Planner(table, SCHEMA), connection, Spool(str(tmp_path), "stream")


def ids(spool: Spool, first: int, last: int) -> list[int]:
    return [
        value for name in spool.files(first, last) for batch in spool.read(name) for value in batch["id"].to_pylist()
    ]


START = SpoolOffset("stream")
ONE, TWO = '{"at":1}', '{"at":2}'


def test_range_has_what_the_read_gave_and_ends_where_it_ended(tmp_path):
    plan, _, spool = planner(tmp_path, {"{}": [(rows(1, 2), ONE), (rows(3), TWO)]})
    end = plan.plan(START, None)
    assert end == SpoolOffset("stream", 1, TWO)
    assert ids(spool, 1, 1) == [1, 2, 3]
    assert plan.plan(end, None) == end


def test_range_is_planned_once(tmp_path):
    plan, connection, _ = planner(tmp_path, {"{}": [(rows(1), ONE)]})
    assert plan.plan(START, None) == plan.plan(START, None)
    assert connection.begun == ["{}"]


def test_limit_closes_a_range_at_a_checkpoint_and_goes_on_with_the_same_read(tmp_path):
    plan, connection, spool = planner(tmp_path, {"{}": [(rows(1, 2), None), (rows(3), ONE), (rows(4), TWO)]})
    first = plan.plan(START, 1)
    second = plan.plan(first, 1)
    assert (ids(spool, 1, 1), ids(spool, 2, 2)) == ([1, 2, 3], [4])
    assert second.offset == TWO
    assert connection.begun == ["{}"]


def test_restarted_query_begins_a_read_of_its_own(tmp_path):
    plan, _, _ = planner(tmp_path, {"{}": [(rows(1), ONE), (rows(2), TWO)]})
    first = plan.plan(START, 1)
    restarted, connection, spool = planner(tmp_path, {ONE: [(rows(2), TWO)]})
    restarted.plan(first, 1)
    assert connection.begun == [ONE]
    assert ids(spool, 1, 2) == [1, 2]


def test_range_that_was_cut_off_is_written_anew(tmp_path):
    plan, connection, spool = planner(tmp_path, {"{}": [(rows(1), ONE), errors.UnavailableError("gone")]})
    with pytest.raises(errors.UnavailableError):
        plan.plan(START, None)
    assert connection.given[0].is_closed
    again, _, _ = planner(tmp_path, {"{}": [(rows(1), ONE), (rows(2), TWO)]})
    again.plan(START, None)
    assert ids(spool, 1, 1) == [1, 2]


def test_nothing_new_after_the_last_range_of_a_run_asks_the_source_nothing(tmp_path):
    plan, connection, _ = planner(tmp_path, {"{}": [(rows(1), ONE)]})
    plan.stop_at("2026-01-01T00:00:00+00:00")
    end = plan.plan(START, None)
    assert plan.plan(end, None) == end
    assert connection.begun == ["{}"]


def test_connector_that_repeats_its_offset_is_stopped(tmp_path):
    plan, _, _ = planner(tmp_path, {"{}": [(rows(1), "{}")]})
    with pytest.raises(errors.DefinitionError, match="gave rows without moving its offset"):
        plan.plan(START, None)


def test_connector_that_ends_without_a_checkpoint_is_stopped(tmp_path):
    plan, _, _ = planner(tmp_path, {"{}": [(rows(1), ONE), (rows(2), None)]})
    with pytest.raises(errors.DefinitionError, match="ended a read without a checkpoint"):
        plan.plan(START, None)


def test_large_ranges_are_shared_among_files(tmp_path, monkeypatch):
    monkeypatch.setattr("databricks.labs.community_connector.spark.spool.FILE_BYTES", 16)
    plan, _, spool = planner(tmp_path, {"{}": [(rows(1, 2), None), (rows(3, 4), None), (rows(5), ONE)]})
    plan.plan(START, None)
    assert len(spool.files(1, 1)) == 3
    assert ids(spool, 1, 1) == [1, 2, 3, 4, 5]


def test_offsets_are_the_same_text_whatever_the_order_of_their_keys():
    import json

    mixed = {"stream": "s", "range": 2, "offset": {"b": 1, "a": {"d": 1, "c": 2}}, "kind": "spool"}
    document = SpoolOffset.parse(mixed).document()
    assert json.dumps(document) == (
        '{"kind": "spool", "offset": {"a": {"c": 2, "d": 1}, "b": 1}, "range": 2, "stream": "s"}'
    )
    assert RangeOffset.parse(RangeOffset('{"until":"x"}').document()).offset == '{"until":"x"}'


def test_run_that_ends_has_one_end_though_the_connector_moves_on():
    connection = Connection({})
    reader = RangeStreamReader(Table({"tableName": "events"}, lambda options: connection), lambda batch: batch)
    assert reader.latestOffset() != reader.latestOffset()
    reader.prepareForTriggerAvailableNow()
    end = reader.latestOffset()
    assert reader.latestOffset(end) == end


def test_options_keep_their_case_and_those_of_the_read_win():
    configs = '{"events": {"labelIds": "a", "pageSize": "9"}, "others": {"x": "y"}}'
    table = Table({"tableName": "events", "tableConfigs": configs, "pagesize": "1"}, lambda options: Connection({}))
    assert table.options == {"labelIds": "a", "pagesize": "1"}
