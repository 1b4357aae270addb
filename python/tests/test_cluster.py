"""Two executor processes share a read."""

from __future__ import annotations

import json
import subprocess
import sys

SCRIPT = """
import json, os, sys
from pyspark.sql import SparkSession
from databricks.labs.community_connector import register

spark = (
    SparkSession.builder.master("local-cluster[2,1,1024]")
    .config("spark.executor.memory", "512m")
    .config("spark.executor.cores", "1")
    .config("spark.scheduler.minRegisteredResourcesRatio", "1.0")
    .config("spark.ui.enabled", "false")
    .getOrCreate()
)
register(spark, "github")
options = json.loads(sys.argv[1])
frame = spark.read.format("lakeflow_connect").options(**options).load()

def who(batches):
    # The parent of a worker is the daemon of its executor.
    import pyarrow as pa
    rows = sum(batch.num_rows for batch in batches)
    yield pa.RecordBatch.from_pydict({"executor": [os.getppid()], "rows": [rows]})

counts = frame.mapInArrow(who, "executor LONG, rows LONG").groupBy("executor").sum("rows").collect()
print(json.dumps([[row[0], row[1]] for row in counts]))
print(json.dumps(frame.select("sha").distinct().count()))
spark.stop()
"""


def test_both_executors_read_rows(github, home, tmp_path):
    script = tmp_path / "cluster.py"
    script.write_text(SCRIPT)
    options = {
        "databricks.connection": "my_github",
        "tableName": "commits",
        "owner": "acme",
        "repo": "rocket",
        "upstream": github.url,
    }
    ended = subprocess.run(
        [sys.executable, script, json.dumps(options)], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert ended.returncode == 0, ended.stderr
    *_, shares, distinct = ended.stdout.splitlines()
    rows = [count for _, count in json.loads(shares)]
    assert len([count for count in rows if count > 0]) == 2, rows
    assert sum(rows) == json.loads(distinct)
