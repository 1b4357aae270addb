"""The stream readers: a range is known before it is read, and gives the same rows when it is read again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
from pyspark.sql.datasource import DataSourceStreamReader, InputPartition, SimpleDataSourceStreamReader

from databricks.labs.community_connector.spark import admission
from databricks.labs.community_connector.spark.offsets import RangeOffset, SpoolOffset
from databricks.labs.community_connector.spark.planning import Planner
from databricks.labs.community_connector.spark.shape import Shape
from databricks.labs.community_connector.spark.spool import Spool
from databricks.labs.community_connector.spark.table import Table
from databricks.labs.community_connector.spark.travelling import Travelling

#: How far a range stays behind the present: instants of sources are often whole seconds, and this second is not over.
_UNFINISHED = timedelta(seconds=1)


def reader(table: Table, shape: Shape, schema: pa.Schema) -> DataSourceStreamReader | None:
    """Give the stream reader that fits a table; nothing where this version of Spark needs the simple one."""
    if table.asked.split_ranges and table.asked.max_rows is None and table.is_partitioned():
        return RangeStreamReader(table, shape)
    return SpoolStreamReader(table, shape, schema) if admission.IS_THERE else None


def simple_reader(table: Table, shape: Shape, schema: pa.Schema) -> SimpleDataSourceStreamReader:
    """Give the reader for versions of Spark that do not tell a stream reader where it is."""
    return SpoolSimpleReader(table, shape, schema)


def _now(behind: timedelta = timedelta()) -> str:
    return (datetime.now(timezone.utc) - behind).isoformat()


class RangeStreamReader(Travelling, DataSourceStreamReader, admission.SupportsTriggerAvailableNow):
    """Streams a table that can be split: the driver asks how far it goes, workers read the range."""

    def __init__(self, table: Table, shape: Shape) -> None:
        """Stream a table, with batches of this shape."""
        self.table = table
        self.shape = shape
        self.until: str | None = None
        self.target: dict[str, Any] | None = None

    def initialOffset(self) -> dict[str, Any]:
        """Give the beginning."""
        return RangeOffset().document()

    def getDefaultReadLimit(self) -> admission.ReadLimit:
        """Ask for no limit: how many rows a range has is not known before it is read."""
        return admission.default_limit(None)

    def prepareForTriggerAvailableNow(self) -> None:
        """Remember what now is, and read no further than the connector says first."""
        self.until = _now(_UNFINISHED)
        self.target = None

    def latestOffset(
        self, start: dict[str, Any] | None = None, limit: admission.ReadLimit | None = None
    ) -> dict[str, Any]:
        """Tell how far the table can be read. A run that ends has one end, though the connector's moves on."""
        if self.target is not None:
            return self.target
        place = RangeOffset() if start is None else RangeOffset.parse(start)
        latest = RangeOffset(self.table.latest_offset(place.offset, self.until or _now(_UNFINISHED))).document()
        if self.until is not None:
            self.target = latest
        return latest

    def partitions(self, start: dict[str, Any], end: dict[str, Any]) -> list[InputPartition]:
        """Split a range."""
        shares = self.table.shares(RangeOffset.parse(start).offset, RangeOffset.parse(end).offset)
        return [InputPartition(share) for share in shares]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """Give the rows of one task."""
        return map(self.shape, self.table.read_share(partition.value))

    def commit(self, end: dict[str, Any]) -> None:
        """Do nothing: nothing is kept."""


class _SpoolReader(Travelling):
    """What the readers with a spool have in common."""

    def __init__(self, table: Table, shape: Shape, schema: pa.Schema) -> None:
        """Stream a table whose rows have this schema, with batches of this shape."""
        self.table = table
        self.shape = shape
        self.schema = schema
        self._planner: Planner | None = None
        self._initial: SpoolOffset | None = None

    def travelling_state(self) -> dict[str, Any]:
        """Leave the driver's part behind."""
        return {**self.__dict__, "_planner": None}

    @property
    def planner(self) -> Planner:
        """The driver's part."""
        if self._planner is None:
            self._planner = Planner(self.table, self.schema)
        return self._planner

    def initialOffset(self) -> dict[str, Any]:
        """Begin a stream of its own name in the spool."""
        self._initial = self._initial or SpoolOffset.initial()
        return self._initial.document()

    def files(self, start: dict[str, Any], end: dict[str, Any]) -> list[str]:
        """Give the files of a range."""
        first, last = SpoolOffset.parse(start), SpoolOffset.parse(end)
        return Spool(self.table.asked.spool, last.stream).files(first.range + 1, last.range)

    def rows(self, name: str) -> Iterator[pa.RecordBatch]:
        """Give the rows of one file."""
        return map(self.shape, Spool(self.table.asked.spool, "").read(name))

    def commit(self, end: dict[str, Any]) -> None:
        """Remove what no restart can ask for any more."""
        place = SpoolOffset.parse(end)
        Spool(self.table.asked.spool, place.stream).remove_before(place.range)


class SpoolStreamReader(_SpoolReader, DataSourceStreamReader, admission.SupportsTriggerAvailableNow):
    """Streams a table with opaque offsets: the driver reads each range into the spool, workers serve it from there."""

    def getDefaultReadLimit(self) -> admission.ReadLimit:
        """Ask for the limit of the option `maxRowsPerBatch`."""
        return admission.default_limit(self.table.asked.max_rows)

    def prepareForTriggerAvailableNow(self) -> None:
        """Remember what now is."""
        self.planner.stop_at(_now())

    def latestOffset(self, start: dict[str, Any], limit: admission.ReadLimit) -> dict[str, Any]:
        """Read the next range, and give its end."""
        return self.planner.plan(SpoolOffset.parse(start), admission.row_limit(limit)).document()

    def partitions(self, start: dict[str, Any], end: dict[str, Any]) -> list[InputPartition]:
        """Give a task to each file of the range."""
        return [InputPartition(name) for name in self.files(start, end)]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """Give the rows of one file."""
        return self.rows(partition.value)


class SpoolSimpleReader(_SpoolReader, SimpleDataSourceStreamReader):
    """The same for versions of Spark without admission control; the driver hands the rows on itself."""

    def read(self, start: dict[str, Any]) -> tuple[Iterator[pa.RecordBatch], dict[str, Any]]:
        """Read the next range, and give its rows and its end."""
        end = self.planner.plan(SpoolOffset.parse(start), None).document()
        return iter(list(self.readBetweenOffsets(start, end))), end

    def readBetweenOffsets(self, start: dict[str, Any], end: dict[str, Any]) -> Iterator[pa.RecordBatch]:
        """Give the rows of a range again."""
        for name in self.files(start, end):
            yield from self.rows(name)
