"""``ingest`` in a Declarative Pipelines project of open-source Spark: a sink and a flow for each read of a table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from databricks.labs.community_connector import registration
from databricks.labs.community_connector.errors import ConfigurationError
from databricks.labs.community_connector.pipeline.plan import FORMAT, Plan, Stream
from databricks.labs.community_connector.spark import sink, snapshot

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

#: What the workers of Python data sources report even where they have nothing to report.
_EMPTY_METRICS = "__python_accumulator__"


def is_active() -> bool:
    """Tell whether this code runs as a definition file of a pipelines project."""
    try:
        from pyspark.pipelines.graph_element_registry import get_active_graph_element_registry
    except ImportError:
        return False
    try:
        get_active_graph_element_registry()
    except Exception:
        return False
    return True


def declare(spark: SparkSession, plan: Plan) -> None:
    """Declare the sinks and flows of a plan."""
    from pyspark import pipelines as dp

    sink.register_sink(spark)
    if any(table.is_snapshot for table in plan.tables):
        spark.dataSource.register(snapshot.snapshots_of(registration.find_data_source(_source(plan))))
    for table in plan.tables:
        for stream in table.streams():
            name = re.sub(r"\W", "_", "_".join([*table.destination, stream.name]))
            dp.create_sink(name, sink.FORMAT, stream.write_options)
            dp.append_flow(target=name, name=f"{name}_flow")(_flow(spark, stream))


def _source(plan: Plan) -> str:
    try:
        return plan.connection().source
    except ConfigurationError as error:
        snapshots = ", ".join(f"`{table.source_table}`" for table in plan.tables if table.is_snapshot)
        raise ConfigurationError(
            f"which source the snapshots {snapshots} are of is not known to this definition file: {error.message}",
            ['call `register(spark, "…")` with the source\'s name before `ingest`, or create the connection here'],
        ) from error


def _flow(spark: SparkSession, stream: Stream) -> Callable[[], DataFrame]:
    format_name = snapshot.FORMAT if stream.name == "snapshot" else FORMAT

    def rows() -> DataFrame:
        return spark.readStream.format(format_name).options(**stream.read_options).load()

    return rows


def skip_empty_metrics() -> None:
    """Keep the program ``spark-pipelines`` of Spark 4.3 from failing after the pipeline has come to its good end.

    It exits with 1 and ``[UNKNOWN_RESPONSE] … __python_accumulator__`` after any pipeline with a data source in Python:
    it takes metrics that the data source's workers report for an answer that it does not know. Definition files run in
    the program's process, so the metrics are taken out of its way here. Where Spark's own client has changed, nothing
    is done.
    """
    from pyspark.sql.connect.client.core import PlanObservedMetrics, SparkConnectClient

    fetch = getattr(SparkConnectClient, "_execute_and_fetch_as_iterator", None)
    if fetch is None or hasattr(fetch, "skips_empty_metrics"):
        return

    def without_empty_metrics(self: SparkConnectClient, *arguments: Any, **named: Any) -> Iterator[Any]:  # noqa: ANN401
        for answer in fetch(self, *arguments, **named):
            if not (isinstance(answer, PlanObservedMetrics) and answer.name == _EMPTY_METRICS):
                yield answer

    without_empty_metrics.skips_empty_metrics = True  # type: ignore[attr-defined]
    SparkConnectClient._execute_and_fetch_as_iterator = without_empty_metrics  # type: ignore[method-assign]
