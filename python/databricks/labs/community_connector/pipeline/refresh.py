"""A full refresh: tables are emptied and read again from the beginning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.fs as pafs

from databricks.labs.community_connector.errors import ConfigurationError, StorageError
from databricks.labs.community_connector.pipeline.plan import FORMAT, Plan, Table
from databricks.labs.community_connector.spark import sink
from databricks.labs.community_connector.spark.spool import open_location

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def chosen(plan: Plan, full_refresh: bool | Sequence[str]) -> list[Table]:
    """Give the tables that are to be refreshed: all, none, or those with these names.

    Names are those of source tables or destinations, as for the program. Raises ``ConfigurationError`` for one that
    the plan does not have.
    """
    if isinstance(full_refresh, bool):
        return plan.tables if full_refresh else []
    names = [full_refresh] if isinstance(full_refresh, str) else list(full_refresh)
    for name in names:
        if not any(table.is_called(name) for table in plan.tables):
            known = ", ".join(f"`{table.source_table}`" for table in plan.tables)
            raise ConfigurationError(f"unknown table of this pipeline `{name}`", [f"it has {known}"])
    return [table for table in plan.tables if any(table.is_called(name) for name in names)]


def begin_again(spark: SparkSession, table: Table, checkpoints: str) -> None:
    """Empty a table, and forget how far its streams have come, whose checkpoints are in this folder.

    The checkpoints go first: where this dies in between, the table still has the place of the old query, so a new one
    is refused until the refresh is asked for again.
    """
    streams = list(table.streams())
    for stream in streams:
        _remove(f"{checkpoints}/{stream.name}")
        _remove(f"{checkpoints}/{stream.name}_spool")
    stream = streams[0]
    rows = spark.read.format(FORMAT).options(**stream.read_options).load()
    nothing = spark.createDataFrame([], rows.schema)
    nothing.write.format(sink.FORMAT).mode("overwrite").options(**stream.write_options).save()


def _remove(folder: str) -> None:
    try:
        filesystem, path = open_location(folder)
        if filesystem.get_file_info(path).type != pafs.FileType.NotFound:
            filesystem.delete_dir(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise StorageError(
            f"the checkpoint `{folder}` cannot be removed, which a full refresh begins with: {error}",
            ["remove the folder by hand, and ask for the full refresh again"],
        ) from error
