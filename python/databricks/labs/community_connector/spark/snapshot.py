"""The format ``lakeflow_snapshot``: whole tables as a stream, one batch for each run.

A pipelines project has streaming flows only, and a table that tells of no changes cannot be streamed. Its whole can:
each run of a query is one batch, the table as it is then. A batch that is read again may have become another, newer
whole, which is as right as the first.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pyspark.sql.datasource import DataSource, DataSourceReader, DataSourceStreamReader, InputPartition

from databricks.labs.community_connector.spark import admission
from databricks.labs.community_connector.spark.travelling import Travelling

if TYPE_CHECKING:
    import pyarrow as pa

FORMAT = "lakeflow_snapshot"


def snapshots_of(source: type[DataSource]) -> type[DataSource]:
    """Give the data source class of the snapshots of a data source."""

    class LakeflowSnapshot(source):  # type: ignore[misc, valid-type]
        """Streams whole tables."""

        @classmethod
        def name(cls) -> str:
            return "lakeflow_snapshot"

        def streamReader(self, schema: Any) -> DataSourceStreamReader:  # noqa: ANN401
            from databricks.labs.community_connector.spark.snapshot import SnapshotStreamReader

            return SnapshotStreamReader(self.reader(schema))

    return LakeflowSnapshot


class SnapshotStreamReader(Travelling, DataSourceStreamReader, admission.SupportsTriggerAvailableNow):
    """Streams what a batch reader gives, once for each run."""

    def __init__(self, reader: DataSourceReader) -> None:
        """Stream what this reader gives."""
        self.reader = reader
        self._end = {"snapshot": uuid.uuid4().hex}

    def initialOffset(self) -> dict[str, Any]:
        """Give the place before the first snapshot."""
        return {"snapshot": ""}

    def getDefaultReadLimit(self) -> admission.ReadLimit:
        """Ask for no limit: a snapshot is whole."""
        return admission.default_limit(None)

    def prepareForTriggerAvailableNow(self) -> None:
        """Do nothing: a run has one snapshot."""

    def latestOffset(self, start: dict[str, Any] | None = None, limit: object = None) -> dict[str, Any]:
        """Give the place behind this run's snapshot."""
        return self._end

    def partitions(self, start: dict[str, Any], end: dict[str, Any]) -> list[InputPartition]:
        """Split the table as a batch read does."""
        return list(self.reader.partitions())

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """Give the rows of one task."""
        return self.reader.read(partition)

    def commit(self, end: dict[str, Any]) -> None:
        """Do nothing: nothing is kept."""
