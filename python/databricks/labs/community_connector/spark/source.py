"""The data source, ``lakeflow_connect``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pyspark.sql.datasource import (
    DataSource,
    DataSourceReader,
    DataSourceStreamReader,
    SimpleDataSourceStreamReader,
)
from pyspark.util import is_remote_only

from databricks.labs.community_connector.errors import UnsupportedError
from databricks.labs.community_connector.spark.reader import TableReader
from databricks.labs.community_connector.spark.shape import Shape
from databricks.labs.community_connector.spark.table import Table
from databricks.labs.community_connector.spark.travelling import Travelling
from databricks.labs.community_connector.spark.virtual import VirtualReader, virtual_schema

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql.types import StructType

    from databricks.labs.community_connector.spark.connection import Connection
    from databricks.labs.community_connector.spark.options import ReadOptions


def data_source_of(
    source: str | Callable[[ReadOptions], Connection], tasks_at_once: int | None = None
) -> type[DataSource]:
    """Give the data source class of a source, or of what a function connects to.

    ``tasks_at_once`` are the tasks that the session runs at a time, where that is known: so many share a read of a
    source with limits.

    The class is nested, so that Spark pickles it itself: a worker without this package then says so.
    """

    class LakeflowConnect(DataSource):
        """Reads tables of a connection."""

        @classmethod
        def name(cls) -> str:
            return "lakeflow_connect"

        def __init__(self, options: Mapping[str, str]) -> None:
            super().__init__(dict(options))
            try:
                from databricks.labs.community_connector.spark.source import LakeflowSource
            except ImportError as error:
                import sys

                raise ImportError(
                    f"the package `lakeflow-community-connectors` cannot be imported by `{sys.executable}`, which runs "
                    f"the Python workers of Spark: {error}\n"
                    "hint: install the wheel there, or name the right Python by the environment variable "
                    "`PYSPARK_PYTHON` or the setting `spark.pyspark.python`"
                ) from error
            self.source = LakeflowSource(options, source, tasks_at_once)

        def schema(self) -> Any:  # noqa: ANN401
            return self.source.schema()

        def reader(self, schema: Any) -> DataSourceReader:  # noqa: ANN401
            return self.source.reader(schema)

        def streamReader(self, schema: Any) -> DataSourceStreamReader:  # noqa: ANN401
            return self.source.stream_reader(schema) or super().streamReader(schema)

        def simpleStreamReader(self, schema: Any) -> SimpleDataSourceStreamReader:  # noqa: ANN401
            return self.source.simple_stream_reader(schema)

    return LakeflowConnect


class LakeflowSource(Travelling):
    """What a read of a table is made of: its schema and its readers."""

    def __init__(
        self,
        options: Mapping[str, str],
        source: str | Callable[[ReadOptions], Connection],
        tasks_at_once: int | None = None,
    ) -> None:
        """Check the options and find the connection."""
        self.table = Table(options, source, tasks_at_once)

    def schema(self) -> str | pa.Schema:
        """Give the schema of the rows in Spark SQL DDL.

        An engine that speaks Spark's protocol beside Python with Spark's client alone, as Sail does, wants it in Arrow.
        """
        ddl, schema = self._schema()
        return schema if is_remote_only() else ddl

    def reader(self, schema: StructType | pa.Schema) -> DataSourceReader:
        """Give a reader of the whole table."""
        reader = VirtualReader if self.table.asked.is_virtual else TableReader
        return reader(self.table, self._shape(schema))

    def stream_reader(self, schema: StructType) -> DataSourceStreamReader | None:
        """Give a reader of the table's changes; nothing where this version of Spark needs the simple one."""
        from databricks.labs.community_connector.spark import stream

        self._check_streams()
        return stream.reader(self.table, self._shape(schema), self._schema()[1])

    def simple_stream_reader(self, schema: StructType) -> SimpleDataSourceStreamReader:
        """Give the reader of the table's changes for versions of Spark that do not tell readers where they are."""
        from databricks.labs.community_connector.spark import stream

        self._check_streams()
        return stream.simple_reader(self.table, self._shape(schema), self._schema()[1])

    def _schema(self) -> tuple[str, pa.Schema]:
        if self.table.asked.is_virtual:
            return virtual_schema(self.table.name)
        return self.table.schema()

    def _shape(self, schema: StructType | pa.Schema) -> Shape:
        return Shape(schema, self._schema()[1], self.table.name)

    def _check_streams(self) -> None:
        if self.table.asked.is_virtual:
            raise UnsupportedError(
                f"the virtual table `{self.table.name}` cannot be streamed", ["read it with `spark.read`"]
            )
        self.table.check_streams()
