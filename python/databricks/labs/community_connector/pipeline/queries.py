"""``ingest`` on open-source Spark, outside of a pipelines project: streaming queries that end."""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from databricks.labs.community_connector.errors import ConfigurationError, InternalError
from databricks.labs.community_connector.pipeline import refresh
from databricks.labs.community_connector.pipeline.plan import FORMAT, Plan, Stream, Table
from databricks.labs.community_connector.spark import sink

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.streaming import StreamingQuery

_LOGGER = logging.getLogger(__name__)

#: Tables whose queries run at a time, at most.
_PARALLEL = 4

#: Whether Spark refuses a checkpoint folder in which a query has begun but noted no batch.
_REFUSES_BEGUN = "spark.sql.streaming.verifyCheckpointDirectoryEmptyOnStart"

#: Seconds to wait for one query before the others are looked at.
_PATIENCE = 0.2


def run(spark: SparkSession, plan: Plan, checkpoint_location: str, full_refresh: bool | Sequence[str] = False) -> None:
    """Read everything that is there now. A table that fails does not stop the others.

    Tables of a full refresh are emptied first, each before its queries begin. Queries run side by side, but all are
    started from this thread: Spark finds data sources written in Python by the session that is active in the thread
    that asks for them.
    """
    sink.register_sink(spark)
    refreshed = refresh.chosen(plan, full_refresh)
    waiting = deque((table, _queries(spark, table, checkpoint_location, table in refreshed)) for table in plan.tables)
    with _begun_checkpoints(spark):
        failures = _run_all(waiting, _parallel(plan))
    _raise(failures, len(plan.tables))


def _parallel(plan: Plan) -> int:
    """Tell how many tables are read at a time: one where the source's definition has limits.

    Spark gives each query a Python process, which keeps limits by itself: queries side by side would exceed them.
    """
    try:
        return plan.connection().most_readers(_PARALLEL, 1)
    except ConfigurationError:
        # The data source was registered by other means, so nothing is known of its limits.
        return 1


def _run_all(waiting: deque[tuple[Table, Iterator[StreamingQuery]]], parallel: int) -> list[tuple[Table, Exception]]:
    """Run the queries of all tables, some at a time; give the tables that failed."""
    running: deque[tuple[Table, Iterator[StreamingQuery], StreamingQuery]] = deque()
    failures: list[tuple[Table, Exception]] = []
    try:
        while waiting or running:
            if waiting and len(running) < parallel:
                table, queries = waiting.popleft()
                query = None
            else:
                table, queries, query = running.popleft()
            try:
                if query is not None and not query.awaitTermination(_PATIENCE):
                    running.append((table, queries, query))
                elif (following := next(queries, None)) is not None:
                    running.append((table, queries, following))
            except Exception as error:
                failures.append((table, error))
    finally:
        for *_, query in running:
            query.stop()
    return failures


@contextmanager
def _begun_checkpoints(spark: SparkSession) -> Iterator[None]:
    """Let Spark go on in the folder of a query that died before its first batch was noted.

    Since 4.1 Spark refuses such a folder, for what an operator with state may have left there. Our queries have none,
    and nothing of a batch that is not noted has reached its table. Spark looks at the session's setting when the query
    already runs, so it stays until all have ended.
    """
    before = spark.conf.get(_REFUSES_BEGUN, None)
    spark.conf.set(_REFUSES_BEGUN, "false")
    try:
        yield
    finally:
        if before is None:
            spark.conf.unset(_REFUSES_BEGUN)
        else:
            spark.conf.set(_REFUSES_BEGUN, before)


def _raise(failures: list[tuple[Table, Exception]], tables: int) -> None:
    if len(failures) == 1:
        raise failures[0][1]
    if failures:
        lines = [f"`{'.'.join(table.destination)}`: {error}" for table, error in failures]
        message = "\n".join([f"{len(failures)} of {tables} tables failed", *lines])
        raise InternalError(message) from failures[0][1]


def _queries(
    spark: SparkSession, table: Table, checkpoint_location: str, is_refreshed: bool
) -> Iterator[StreamingQuery]:
    """Start the queries of a table: each must have ended before the next is asked for."""
    checkpoint = _checkpoint(checkpoint_location, table)
    if is_refreshed:
        refresh.begin_again(spark, table, checkpoint)
    for stream in table.streams():
        if table.is_snapshot:
            _write_snapshot(spark, stream)
        else:
            yield _start(spark, stream, f"{checkpoint}/{stream.name}")
        _LOGGER.info("%s of %s are up to date", stream.name, table.source_table)


def _write_snapshot(spark: SparkSession, stream: Stream) -> None:
    rows = spark.read.format(FORMAT).options(**stream.read_options).load()
    rows.write.format(sink.FORMAT).mode("append").options(**stream.write_options).save()


def _start(spark: SparkSession, stream: Stream, checkpoint: str) -> StreamingQuery:
    # Beside the checkpoint: Spark begins a query only in a folder that is empty, and may have died before it began.
    spool = {"spoolLocation": f"{checkpoint}_spool", **stream.read_options}
    rows = spark.readStream.format(FORMAT).options(**spool).load()
    writer = rows.writeStream.format(sink.FORMAT).options(**stream.write_options)
    return writer.option("checkpointLocation", checkpoint).trigger(availableNow=True).start()


def _checkpoint(location: str, table: Table) -> str:
    """Give the folder of the checkpoints of a table, and of nothing else."""
    parts = [re.sub(r"[^\w.-]", lambda match: f"~{ord(match[0]):02X}", part) for part in table.destination]
    return "/".join([location.rstrip("/"), *parts])
