"""``ingest``: the tables of a pipeline spec, brought into Delta tables by Spark."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from databricks.labs.community_connector.errors import ConfigurationError
from databricks.labs.community_connector.pipeline import platform, project, queries
from databricks.labs.community_connector.pipeline.plan import Plan, make_plan
from databricks.labs.community_connector.pipeline.spec import Spec

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["ingest"]

#: Where tables are if nothing is said: as for the program ``community-connector``.
_LAKEHOUSE = "COMMUNITY_CONNECTOR_LAKEHOUSE"


def ingest(
    spark: SparkSession,
    pipeline_spec: Mapping[str, Any] | str | os.PathLike[str],
    *,
    lakehouse: str | None = None,
    checkpoint_location: str | None = None,
    read_options: Mapping[str, str] | None = None,
    write_options: Mapping[str, str] | None = None,
    full_refresh: bool | Sequence[str] = False,
) -> None:
    """Bring the tables of a pipeline spec up to date.

    Within a pipeline of Databricks this declares the platform's own tables and flows. Within a Declarative Pipelines
    project of open-source Spark it declares a sink and a flow for each table. Anywhere else it runs streaming queries
    until everything that is there now has been read, and returns then.

    The spec is a mapping, the path of a YAML or JSON file, or such a document's text. ``lakehouse`` is the folder or
    URL of the tables (on Databricks the catalog's own place counts), ``checkpoint_location`` that of Spark's
    checkpoints, ``_checkpoints`` in the lakehouse by default. ``read_options`` are given to every read,
    ``write_options`` to every write. ``full_refresh`` empties all tables, or those with these names, and reads them
    again from the beginning; within pipelines, a full refresh is asked of the pipeline.

    Raises ``ConfigurationError``, a ``ValueError``, with everything that is wrong with the spec.
    """
    spec = Spec.of(pipeline_spec)
    functions = platform.pipeline_functions()
    is_project = functions is None and project.is_active()
    if full_refresh and (is_project or functions is not None):
        raise ConfigurationError(
            "`full_refresh` cannot be given to `ingest` within a pipeline, which only declares its tables here",
            ["ask the pipeline for the full refresh when you run it"],
        )
    if functions is not None:
        platform.declare(spark, functions, make_plan(spark, spec, "", dict(read_options or {})))
        return
    place = lakehouse or os.environ.get(_LAKEHOUSE) or "./lakehouse"
    if "://" not in place:
        place = os.path.abspath(place)
    if is_project:
        project.skip_empty_metrics()
    plan: Plan = make_plan(spark, spec, place, dict(read_options or {}), dict(write_options or {}))
    if is_project:
        project.declare(spark, plan)
    else:
        queries.run(spark, plan, checkpoint_location or f"{place.rstrip('/')}/_checkpoints", full_refresh)
