"""``register``: gives a Spark session the format ``lakeflow_connect``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from databricks.labs.community_connector import _native

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.datasource import DataSource


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
    data_source = find_data_source(source_name)

    def register_lakeflow_source(spark: SparkSession) -> None:
        spark.dataSource.register(data_source)

    return register_lakeflow_source


def register(spark: SparkSession, source_name: str) -> None:
    """Give a session the format ``lakeflow_connect``, for connections to this source."""
    get_register_function(source_name)(spark)
