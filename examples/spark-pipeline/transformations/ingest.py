"""Declares a sink and a flow for each table of `pipeline.yaml`."""

import os
from pathlib import Path

from pyspark.sql import SparkSession

from databricks.labs.community_connector import register
from databricks.labs.community_connector.pipeline import ingest

spark = SparkSession.active()
register(spark, "github")

# `community-connector simulate github` serves a GitHub to try this with; its URL takes the place of the real one.
simulator = os.environ.get("GITHUB_SIMULATOR")

ingest(
    spark,
    Path(__file__).parent.parent / "pipeline.yaml",
    lakehouse=os.environ["COMMUNITY_CONNECTOR_LAKEHOUSE"],
    read_options={"upstream": simulator} if simulator else None,
)
