"""``ingest`` on open-source Spark, outside of a pipelines project: streaming queries that end."""

from __future__ import annotations

import logging
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from databricks.labs.community_connector.errors import InternalError
from databricks.labs.community_connector.pipeline.plan import FORMAT, Plan, Stream, Table
from databricks.labs.community_connector.spark import sink

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_LOGGER = logging.getLogger(__name__)

#: Tables that are read at a time.
_PARALLEL = 4


def run(spark: SparkSession, plan: Plan, checkpoint_location: str) -> None:
    """Read everything that is there now. A table that fails does not stop the others."""
    sink.register_sink(spark)
    with ThreadPoolExecutor(_PARALLEL) as pool:
        tasks = [(table, pool.submit(_run_table, spark, table, checkpoint_location)) for table in plan.tables]
        failures = [(table, task.exception()) for table, task in tasks if task.exception() is not None]
    if len(failures) == 1:
        raise failures[0][1]
    if failures:
        lines = [f"`{'.'.join(table.destination)}`: {error}" for table, error in failures]
        raise InternalError("\n".join([f"{len(failures)} of {len(plan.tables)} tables failed", *lines])) from failures[
            0
        ][1]


def _run_table(spark: SparkSession, table: Table, checkpoint_location: str) -> None:
    for stream in table.streams():
        if table.is_snapshot:
            _write_snapshot(spark, stream)
        else:
            _run_query(spark, stream, _checkpoint(checkpoint_location, table, stream))
        _LOGGER.info("%s of %s are up to date", stream.name, table.source_table)


def _write_snapshot(spark: SparkSession, stream: Stream) -> None:
    rows = spark.read.format(FORMAT).options(**stream.read_options).load()
    rows.write.format(sink.FORMAT).mode("append").options(**stream.write_options).save()


def _run_query(spark: SparkSession, stream: Stream, checkpoint: str) -> None:
    spool = {"spoolLocation": f"{checkpoint}/spool", **stream.read_options}
    rows = spark.readStream.format(FORMAT).options(**spool).load()
    query = (
        rows.writeStream.format(sink.FORMAT)
        .options(**stream.write_options)
        .option("checkpointLocation", checkpoint)
        .trigger(availableNow=True)
        .start()
    )
    query.awaitTermination()


def _checkpoint(location: str, table: Table, stream: Stream) -> str:
    parts = [re.sub(r"[^\w.-]", lambda match: f"~{ord(match[0]):02X}", part) for part in table.destination]
    return "/".join([location.rstrip("/"), *parts, stream.name])
