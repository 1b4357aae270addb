"""``ingest`` within a pipeline of Databricks: the platform's own tables and flows."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any

from databricks.labs.community_connector.errors import UnsupportedError
from databricks.labs.community_connector.pipeline.plan import FORMAT, Plan, Table

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

#: Modules that have the functions, the newer one first, and the function that only the platform's own have.
_MODULES = ("pyspark.pipelines", "dlt")
_MARK = "create_auto_cdc_from_snapshot_flow"

#: The schema of a destination for which the spec names none; on the platform, the pipeline's own takes its place.
_UNNAMED_SCHEMA = "default"

_STORED_AS = {"upsert": "1", "snapshot": "1", "history": "2", "snapshot_history": "2"}


def pipeline_functions() -> ModuleType | None:
    """Give the module with the platform's functions; nothing where this is not the platform."""
    for name in _MODULES:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        if hasattr(module, _MARK):
            return module
    return None


def declare(spark: SparkSession, functions: Any, plan: Plan) -> None:  # noqa: ANN401
    """Declare the tables and flows of a plan; raises ``UnsupportedError`` for what cannot be appended."""
    appended = [table.source_table for table in plan.tables if table.flow == "append" and table.is_snapshot]
    if appended:
        names = ", ".join(f"`{name}`" for name in appended)
        raise UnsupportedError(
            f"snapshots cannot be appended in a pipeline of the platform, whose flows append streams alone: {names}",
            ["leave `scd_type: APPEND_ONLY` out; `SCD_TYPE_2` keeps every version of a row"],
        )
    for table in plan.tables:
        _Declaration(spark, functions, table).declare()


class _Declaration:
    """The declaration of one table."""

    def __init__(self, spark: SparkSession, functions: Any, table: Table) -> None:  # noqa: ANN401
        self.spark = spark
        self.functions = functions
        self.table = table
        parts = table.destination
        if len(parts) == 2 and parts[0] == _UNNAMED_SCHEMA:
            parts = parts[1:]
        self.target = ".".join(f"`{part.replace('`', '``')}`" for part in parts)
        # Views have no schema of their own: the destination, which no other table has, is their name.
        self.view_name = "source_" + re.sub(r"\W", "_", "_".join(parts))

    def declare(self) -> None:
        options = {"cluster_by": self.table.cluster_by} if self.table.cluster_by else {}
        self.functions.create_streaming_table(name=self.target, **options)
        if self.table.flow == "append":
            self._append()
        elif self.table.is_snapshot:
            self._apply_snapshots()
        else:
            self._apply_changes()

    def _append(self) -> None:
        self.functions.append_flow(target=self.target, name=f"{self.view_name}_append_flow")(
            self._reader(self.spark.readStream, self.table.read_options)
        )

    def _apply_snapshots(self) -> None:
        self.functions.create_auto_cdc_from_snapshot_flow(
            target=self.target,
            source=self._view("snapshot", self.spark.read, self.table.read_options),
            keys=self.table.keys,
            stored_as_scd_type=_STORED_AS[self.table.flow],
        )

    def _apply_changes(self) -> None:
        common = {
            "target": self.target,
            "keys": self.table.keys,
            "sequence_by": self._sequence(),
            "stored_as_scd_type": _STORED_AS[self.table.flow],
        }
        source = self._view("upsert", self.spark.readStream, self.table.read_options)
        self.functions.create_auto_cdc_flow(source=source, name=f"{source}_flow", **common)
        if self.table.has_deletes:
            from pyspark.sql.functions import expr

            options = {**self.table.read_options, "isDeleteFlow": "true"}
            source = self._view("delete", self.spark.readStream, options)
            self.functions.create_auto_cdc_flow(
                source=source, name=f"{source}_flow", apply_as_deletes=expr("true"), **common
            )

    def _sequence(self) -> Column:
        from pyspark.sql.functions import col, struct

        columns = [col(column) for column in self.table.sequence_by]
        return columns[0] if len(columns) == 1 else struct(*columns)

    def _view(self, what: str, read: Any, options: dict[str, str]) -> str:  # noqa: ANN401
        name = f"{self.view_name}_{what}"
        declare = getattr(self.functions, "temporary_view", None) or self.functions.view
        declare(name=name)(self._reader(read, options))
        return name

    def _reader(self, read: Any, options: dict[str, str]) -> Callable[[], DataFrame]:  # noqa: ANN401
        def rows() -> DataFrame:
            return read.format(FORMAT).options(**options).load()

        return rows
