"""The sink, format ``lakeflow_delta``: batches that Spark has read, applied to Delta tables exactly once."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyspark.sql.datasource import (
    DataSource,
    DataSourceArrowWriter,
    DataSourceStreamWriter,
    DataSourceWriter,
    WriterCommitMessage,
)

from databricks.labs.community_connector import _native
from databricks.labs.community_connector.errors import ConfigurationError, InternalError, UnsupportedError
from databricks.labs.community_connector.spark.shape import spark_schema
from databricks.labs.community_connector.spark.travelling import Travelling

try:
    from pyspark.sql.datasource import DataSourceStreamArrowWriter
except ImportError:  # Spark 4.0
    DataSourceStreamArrowWriter = None  # type: ignore[assignment, misc]

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession
    from pyspark.sql.types import StructType

FORMAT = "lakeflow_delta"

#: What Spark tells a task of its streaming query.
_QUERY = "sql.streaming.queryId"
_BATCH = "streaming.sql.batchId"


class LakeflowDelta(DataSource):
    """Writes rows into Delta tables; ``docs/guides/spark-pipelines.md`` has the options."""

    @classmethod
    def name(cls) -> str:
        """Give the name of the format."""
        return FORMAT

    def __init__(self, options: Mapping[str, str]) -> None:
        """Take the options, and refuse what is none."""
        super().__init__(dict(options.items()))
        self.sink = _native.Sink(self.options)

    def schema(self) -> str:
        """Refuse to be read."""
        raise UnsupportedError(
            f"the format `{FORMAT}` only writes", ["the tables are Delta tables: read them with any reader of such"]
        )

    def writer(self, schema: StructType, overwrite: bool) -> DataSourceWriter:
        """Give the writer of a batch."""
        return BatchWriter(self.sink, spark_schema(schema), overwrite)

    def streamWriter(self, schema: StructType, overwrite: bool) -> DataSourceStreamWriter:
        """Give the writer of a stream's batches."""
        if DataSourceStreamArrowWriter is None:
            raise UnsupportedError(
                "streams into Delta tables need Spark 4.1: version 4.0 hands over rows, not Arrow batches",
                ["use a later Spark; batch writes work with 4.0"],
            )
        return StreamWriter(self.sink, spark_schema(schema), overwrite)


@dataclass
class Share(WriterCommitMessage):
    """What a task tells the driver: where its rows are."""

    text: str


class _Writer(Travelling):
    """What the writers have in common."""

    def __init__(self, sink: _native.Sink, schema: pa.Schema, overwrite: bool) -> None:
        """Write rows of this schema into a sink."""
        self.sink = sink
        self.rows = schema
        self.overwrite = overwrite

    def apply(self, messages: Sequence[WriterCommitMessage | None], number: int | None) -> None:
        """Apply a batch."""
        self.sink.apply(self.rows, _texts(messages), number, overwrite=self.overwrite)

    def clear(self, messages: Sequence[WriterCommitMessage | None], number: int | None) -> None:
        """Remove what was staged: whoever tries the batch again stages it again."""
        self.sink.clear(_texts(messages), number)


class BatchWriter(_Writer, DataSourceArrowWriter):
    """Writes one batch: all of it, or nothing."""

    def __init__(self, sink: _native.Sink, schema: pa.Schema, overwrite: bool) -> None:
        """Name the write; all tasks and the driver have the name from here."""
        super().__init__(sink, schema, overwrite)
        self.query = str(uuid.uuid4())

    def write(self, iterator: Iterator[pa.RecordBatch]) -> Share:
        """Stage the rows of one task."""
        return Share(self.sink.stage(iterator, self.query))

    def commit(self, messages: list[WriterCommitMessage | None]) -> None:
        """Apply the batch."""
        self.apply(messages, None)

    def abort(self, messages: list[WriterCommitMessage | None]) -> None:
        """Remove what was staged."""
        self.clear(messages, None)


class StreamWriter(_Writer, DataSourceStreamArrowWriter or object):  # type: ignore[misc]
    """Writes the batches of a streaming query, each once."""

    def write(self, iterator: Iterator[pa.RecordBatch]) -> Share:
        """Stage the rows of one task."""
        query, number = _place()
        return Share(self.sink.stage(iterator, query, number))

    def commit(self, messages: list[WriterCommitMessage | None], batchId: int) -> None:
        """Apply the batch, unless the table has it already."""
        self.apply(messages, batchId)

    def abort(self, messages: list[WriterCommitMessage | None], batchId: int) -> None:
        """Remove what was staged."""
        self.clear(messages, batchId)


def register_sink(spark: SparkSession) -> None:
    """Give a Spark session the format ``lakeflow_delta``."""
    spark.dataSource.register(LakeflowDelta)


def _place() -> tuple[str, int]:
    """Tell which batch of which query this task belongs to."""
    from pyspark import TaskContext

    context: Any = TaskContext.get()
    query = context and context.getLocalProperty(_QUERY)
    number = context and context.getLocalProperty(_BATCH)
    if query is None or number is None:
        raise InternalError("Spark does not tell its task which streaming query it belongs to")
    return query, int(number)


def _texts(messages: Sequence[WriterCommitMessage | None]) -> list[str]:
    stray = next((message for message in messages if not isinstance(message, Share | None)), None)
    if stray is not None:
        raise ConfigurationError(f"expected what a task of this sink has told, found `{stray!r}`")
    return [message.text for message in messages if isinstance(message, Share)]
