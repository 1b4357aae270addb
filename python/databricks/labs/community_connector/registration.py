"""``register``: gives a Spark session the format ``lakeflow_connect``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from databricks.labs.community_connector import _native

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.datasource import DataSource


#: The source that was registered last in this process.
_registered: str | None = None


def registered() -> str | None:
    """Give the name of the source that was registered last; nothing where none was."""
    return _registered


def find_data_source(source_name: str) -> type[DataSource]:
    """Give the data source class of a source: ``find_data_source("github")``.

    Raises ``ConfigurationError``, a ``ValueError``, where there is no such source.
    """
    from databricks.labs.community_connector.spark.source import data_source_of

    if not isinstance(source_name, str):
        raise TypeError(f"expected the name of a source, found {source_name!r}")
    _native.Connection.resolve({}, source=source_name)
    return data_source_of(source_name)


def get_register_function(source_name: str) -> Callable[[SparkSession], None]:
    """Give the function that registers a source with a session: ``get_register_function("github")(spark)``."""
    from databricks.labs.community_connector.spark.source import data_source_of

    find_data_source(source_name)

    def register_lakeflow_source(spark: SparkSession) -> None:
        global _registered
        spark.dataSource.register(data_source_of(source_name, _tasks_at_once(spark)))
        _registered = source_name

    return register_lakeflow_source


def register(spark: SparkSession, source_name: str) -> None:
    """Give a session the format ``lakeflow_connect``, for connections to this source."""
    get_register_function(source_name)(spark)


def _tasks_at_once(spark: SparkSession) -> int | None:
    """Tell how many tasks a session runs at a time now; nothing where it does not tell, as a remote one."""
    try:
        return spark.sparkContext.defaultParallelism
    except AttributeError:
        return None
