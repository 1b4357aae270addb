"""``Shape``: batches in exactly the schema that the engine asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from databricks.labs.community_connector.errors import ConfigurationError
from databricks.labs.community_connector.spark.travelling import Travelling

if TYPE_CHECKING:
    from pyspark.sql.types import StructType


class Shape(Travelling):
    """The columns that are wanted, of those that a table has."""

    def __init__(self, wanted: StructType | pa.Schema, own: pa.Schema, table: str) -> None:
        """Compare what the engine wants with what the table has.

        Spark wants a ``StructType``: the table's own schema, or that of the user, which may leave out columns. Other
        engines that speak Spark's protocol want a ``pyarrow.Schema``, and may mean instants without a time zone.
        """
        is_arrow = isinstance(wanted, pa.Schema)
        unknown = [name for name in wanted.names if name not in own.names]
        if unknown:
            names = ", ".join(f"`{name}`" for name in own.names)
            raise ConfigurationError(f"table `{table}` has no column `{unknown[0]}`", [f"it has {names}"])
        self.schema = wanted if is_arrow else spark_schema(wanted)
        self.columns: list[str] | None = None if wanted.names == own.names else list(wanted.names)
        self.casts = is_arrow and not self.schema.equals(pa.schema([own.field(name) for name in wanted.names]))
        for field in () if is_arrow else self.schema:
            found = own.field(field.name)
            if not field.equals(found):
                raise ConfigurationError(
                    f"column `{field.name}` of table `{table}` is `{found}`, not `{field}`",
                    ["leave the schema out, or give the column its own type and cast it afterwards"],
                )

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Give a batch the shape."""
        if self.columns is not None:
            batch = batch.select(self.columns)
        if self.casts:
            batch = pa.RecordBatch.from_arrays(
                [column.cast(field.type) for column, field in zip(batch.columns, self.schema, strict=True)],
                schema=self.schema,
            )
        return batch


def spark_schema(wanted: StructType) -> pa.Schema:
    """Give the Arrow schema that Spark demands of the batches of a data source."""
    from pyspark.sql.pandas.types import to_arrow_schema

    try:
        return to_arrow_schema(wanted, timezone="UTC")
    except TypeError:  # Spark 4.0 and 4.1 have no such argument, and mean UTC.
        return to_arrow_schema(wanted)
