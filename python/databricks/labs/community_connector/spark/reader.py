"""``TableReader``: reads a whole table."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from pyspark.sql.datasource import DataSourceReader, InputPartition

from databricks.labs.community_connector.spark.shape import Shape
from databricks.labs.community_connector.spark.table import Table
from databricks.labs.community_connector.spark.travelling import Travelling


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
        return [InputPartition(share) for share in self.table.shares("{}", self.table.latest_offset())]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """Give the rows of one task."""
        if partition.value is None:
            batches = self.table.read()
        else:
            batches = self.table.read_share(partition.value)
        return map(self.shape, batches)
