"""``Table``: a table of a connection, as a read was asked for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from databricks.labs.community_connector.errors import UnsupportedError
from databricks.labs.community_connector.spark.connection import Connection, connect
from databricks.labs.community_connector.spark.options import ReadOptions
from databricks.labs.community_connector.spark.travelling import Travelling

if TYPE_CHECKING:
    import pyarrow as pa

#: Rows of a batch: what Spark takes fastest.
BATCH_ROWS = 10_000


class Table(Travelling):
    """A table of a connection: its name, its options, and how it is read."""

    def __init__(self, options: Mapping[str, str], source: str | Callable[[ReadOptions], Connection]) -> None:
        """Find the connection that the options name; nothing is asked of the source yet."""
        self.asked = ReadOptions.parse(options)
        self.connection = connect(self.asked, source)
        self.options: dict[str, str] = {}
        if not self.asked.is_virtual:
            self.options = self.connection.table_options(self.asked.table, self.asked.rest)

    @property
    def name(self) -> str:
        """The table's name."""
        return self.asked.table

    def schema(self) -> tuple[str, pa.Schema]:
        """Give the schema of the rows, as Spark SQL DDL and in Arrow."""
        return self.connection.schema(
            self.name, self.options, deletes=self.asked.deletes, bad_values=self.asked.bad_values
        )

    def is_partitioned(self) -> bool:
        """Tell whether several workers can share the read."""
        return not self.asked.deletes and self.connection.is_partitioned(self.name, self.options)

    def check_streams(self) -> None:
        """Raise ``UnsupportedError`` where the table tells of no changes."""
        kind = self.connection.metadata(self.name, self.options)["ingestion_type"]
        if kind == "snapshot":
            raise UnsupportedError(
                f"table `{self.name}` cannot be streamed: its ingestion type is `snapshot`",
                ["read the whole of it with `spark.read`, and apply the difference"],
            )

    def latest_offset(self, start: str = "{}", until: str | None = None) -> str:
        """Tell how far the table can be read by several workers now."""
        return self.connection.latest_offset(self.name, self.options, start=start, until=until)

    def partitions(self, start: str, end: str) -> list[str]:
        """Give the partitions of a range."""
        return self.connection.partitions(self.name, self.options, start, end)

    def read(self) -> Iterator[pa.RecordBatch]:
        """Give all rows."""
        read = self.connection.read(
            self.name,
            self.options,
            deletes=self.asked.deletes,
            bad_values=self.asked.bad_values,
            batch_rows=BATCH_ROWS,
        )
        try:
            yield from (batch for batch, _ in read if batch is not None)
        finally:
            read.close()

    def read_partitions(self, partitions: str) -> Iterator[pa.RecordBatch]:
        """Give the rows of some partitions."""
        read = self.connection.read_partitions(
            self.name,
            self.options,
            partitions,
            bad_values=self.asked.bad_values,
            batch_rows=BATCH_ROWS,
        )
        try:
            yield from (batch for batch, _ in read if batch is not None)
        finally:
            read.close()
