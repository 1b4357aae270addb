"""Lakeflow community connectors: tables of many systems, for Spark.

``register(spark, "github")`` gives a session the format ``lakeflow_connect``.
"""

from databricks.labs.community_connector.registration import find_data_source, get_register_function, register

__all__ = ["find_data_source", "get_register_function", "register"]
