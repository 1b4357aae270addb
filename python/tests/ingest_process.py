"""A driver that runs `ingest` once: SPEC LAKEHOUSE SIMULATOR. A process of its own, so that it can be killed."""

import json
import sys

from pyspark.sql import SparkSession

from databricks.labs.community_connector import register
from databricks.labs.community_connector.pipeline import ingest

document, lakehouse, simulator = sys.argv[1:]
session = (
    SparkSession.builder.master("local[2,4]")
    .config("spark.ui.enabled", "false")
    .config("spark.sql.shuffle.partitions", "2")
    .getOrCreate()
)
session.sparkContext.setLogLevel("OFF")
register(session, "github")
options = {"upstream": simulator, "maxRowsPerBatch": "25"}
ingest(session, json.loads(document), lakehouse=lakehouse, read_options=options)
