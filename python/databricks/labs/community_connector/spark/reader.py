"""``TableReader``: reads a whole table."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from pyspark.sql.datasource import DataSourceReader, InputPartition

from databricks.labs.community_connector.spark.shape import Shape
from databricks.labs.community_connector.spark.table import Table
from databricks.labs.community_connector.spark.travelling import Travelling

#: Tasks that share a read, at most; each takes several partitions of the connector where there are more.
MOST_TASKS = 64


class TableReader(Travelling, DataSourceReader):
    """Reads a whole table: by several workers where the connector can split it, else by one."""

    def __init__(self, table: Table, shape: Shape) -> None:
        """Make a reader of a table, with batches of this shape."""
        self.table = table
        self.shape = shape

    def partitions(self) -> list[InputPartition]:
        """Split the read where that can be done."""
        if not self.table.is_partitioned():
            return [InputPartition(None)]
        return tasks(self.table.partitions("{}", self.table.latest_offset()))

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """Give the rows of one task."""
        if partition.value is None:
            batches = self.table.read()
        else:
            batches = self.table.read_partitions(partition.value)
        return map(self.shape, batches)


def tasks(partitions: list[str]) -> list[InputPartition]:
    """Share partitions, each a JSON object, among tasks; neighbours stay together. There is always a task."""
    size = max(1, -(-len(partitions) // MOST_TASKS))
    shares = [partitions[first : first + size] for first in range(0, len(partitions), size)]
    return [InputPartition(f"[{','.join(share)}]") for share in shares or [[]]]
