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

#: Tasks that share a read, at most; each takes several partitions of the connector where there are more.
MOST_TASKS = 64

#: Tasks that share a read of a source with limits, where it is not known how many tasks run at a time.
FEW_TASKS = 4

#: What one task reads: partitions as a JSON list, and how many tasks share the read.
Share = tuple[str, int]


class Table(Travelling):
    """A table of a connection: its name, its options, and how it is read."""

    def __init__(
        self,
        options: Mapping[str, str],
        source: str | Callable[[ReadOptions], Connection],
        tasks_at_once: int | None = None,
    ) -> None:
        """Find the connection that the options name; nothing is asked of the source yet."""
        self.asked = ReadOptions.parse(options)
        self.tasks_at_once = tasks_at_once or FEW_TASKS
        self.connection = connect(self.asked, source)
        self.options: dict[str, str] = {}
        if not self.asked.is_virtual:
            self.options = self.options_of(self.asked.table, self.asked.rest)

    @property
    def name(self) -> str:
        """The table's name."""
        return self.asked.table

    def options_of(self, table: str, own: Mapping[str, str]) -> dict[str, str]:
        """Give the options of a table: its own, and those that `tableConfigs` has for it, whose names keep their case.

        Its own win, whatever the case of their names: among them may be the connection's.
        """
        names = {name.lower() for name in own}
        config = self.asked.table_configs.get(table, {})
        more = {name: value for name, value in config.items() if name.lower() not in names}
        return self.connection.table_options(table, {**own, **more})

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

    def shares(self, start: str, end: str) -> list[Share]:
        """Split a range among tasks; neighbours stay together. There is always a task.

        All of them may run at a time, so each keeps a share of the limits that the source's definition has. Fewer tasks
        would then leave some of the rate to nobody, more would each have little: there are as many as run at once.
        """
        partitions = self.connection.partitions(self.name, self.options, start, end)
        at_once = self.asked.max_tasks or self.tasks_at_once
        tasks = self.connection.most_readers(self.asked.max_tasks or MOST_TASKS, at_once)
        size = max(1, -(-len(partitions) // tasks))
        lists = [partitions[first : first + size] for first in range(0, len(partitions), size)] or [[]]
        return [(f"[{','.join(own)}]", len(lists)) for own in lists]

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

    def read_share(self, share: Share) -> Iterator[pa.RecordBatch]:
        """Give the rows of what one task reads."""
        partitions, readers = share
        read = self.connection.shared_by(readers).read_partitions(
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
