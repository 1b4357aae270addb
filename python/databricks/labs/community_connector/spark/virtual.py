"""The virtual tables: what a connection has, as rows."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from pyspark.sql.datasource import DataSourceReader, InputPartition

from databricks.labs.community_connector.errors import ConfigurationError
from databricks.labs.community_connector.spark.options import NAMESPACES, TABLE_METADATA, TABLES
from databricks.labs.community_connector.spark.shape import Shape
from databricks.labs.community_connector.spark.table import Table
from databricks.labs.community_connector.spark.travelling import Travelling

_TEXTS = pa.list_(pa.field("element", pa.string()))
_NAMESPACE = pa.field("namespace", _TEXTS, nullable=False)
_TABLE_NAME = pa.field("tableName", pa.string(), nullable=False)

_SCHEMAS: dict[str, tuple[str, pa.Schema]] = {
    TABLE_METADATA: (
        "tableName STRING NOT NULL, primary_keys ARRAY<STRING>, cursor_field STRING, ingestion_type STRING",
        pa.schema(
            [
                _TABLE_NAME,
                pa.field("primary_keys", _TEXTS),
                pa.field("cursor_field", pa.string()),
                pa.field("ingestion_type", pa.string()),
            ]
        ),
    ),
    NAMESPACES: ("namespace ARRAY<STRING> NOT NULL", pa.schema([_NAMESPACE])),
    TABLES: ("namespace ARRAY<STRING> NOT NULL, tableName STRING NOT NULL", pa.schema([_NAMESPACE, _TABLE_NAME])),
}


def virtual_schema(table: str) -> tuple[str, pa.Schema]:
    """Give the schema of a virtual table, as Spark SQL DDL and in Arrow."""
    return _SCHEMAS[table]


class VirtualReader(Travelling, DataSourceReader):
    """Reads a virtual table, on one worker."""

    def __init__(self, table: Table, shape: Shape) -> None:
        """Make a reader of a virtual table, with batches of this shape."""
        self.table = table
        self.shape = shape

    def partitions(self) -> list[InputPartition]:
        """Give the one partition."""
        return [InputPartition(None)]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """Give the rows."""
        rows = {TABLE_METADATA: self._metadata, NAMESPACES: self._namespaces, TABLES: self._tables}[self.table.name]()
        _, schema = virtual_schema(self.table.name)
        yield self.shape(pa.RecordBatch.from_pylist(rows, schema=schema))

    def _metadata(self) -> list[dict[str, object]]:
        asked, connection = self.table.asked, self.table.connection
        rows = []
        for name in asked.table_names:
            rows.append({"tableName": name, **connection.metadata(name, self.table.options_of(name, {}))})
        return rows

    def _namespaces(self) -> list[dict[str, object]]:
        namespaces = self.table.connection.list_namespaces(self.table.asked.namespace_prefix) or []
        return [{"namespace": namespace} for namespace in sorted(namespaces)]

    def _tables(self) -> list[dict[str, object]]:
        asked, connection = self.table.asked, self.table.connection
        if asked.namespace is not None:
            names = connection.list_tables_in_namespace(asked.namespace)
            if names is None:
                raise ConfigurationError(
                    f"the option `namespace` is given, `{asked.namespace}`, but the source has no namespaces",
                    ["leave it out"],
                )
            return [{"namespace": asked.namespace, "tableName": name} for name in sorted(names)]
        if connection.list_namespaces([]) is not None:
            raise ConfigurationError(
                "the option `namespace` is missing: the source has namespaces",
                ['give it as a JSON list; `.option("namespace", "[]")` is the root'],
            )
        return [{"namespace": [], "tableName": name} for name in sorted(connection.list_tables())]
