"""Two executor processes share a read."""

from __future__ import annotations

import json
import subprocess
import sys

from test_limits import A_MONTH_AGO, MOST, PARAMETERS, most_at_once

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

def who(batches):
    # The parent of a worker is the daemon of its executor.
    import pyarrow as pa
    rows = sum(batch.num_rows for batch in batches)
    yield pa.RecordBatch.from_pydict({"executor": [os.getppid()], "rows": [rows]})

for source, keys, options in json.loads(sys.argv[1]):
    register(spark, source)
    frame = spark.read.format("lakeflow_connect").options(**options).load()
    counts = frame.mapInArrow(who, "executor LONG, rows LONG").groupBy("executor").sum("rows").collect()
    print(json.dumps([[row[1] for row in counts], frame.select(keys).distinct().count()]))
spark.stop()
"""


def test_both_executors_read_rows_and_keep_the_limits_together(github, simulate, home, tmp_path):
    script = tmp_path / "cluster.py"
    script.write_text(SCRIPT)
    mixpanel = simulate("mixpanel", latency="100ms")
    commits = {"databricks.connection": "my_github", "tableName": "commits", "owner": "acme", "repo": "rocket"}
    events = {**PARAMETERS, "tableName": "events", "start_date": A_MONTH_AGO}
    reads = [
        ("github", ["sha"], {**commits, "upstream": github.url}),
        ("mixpanel", ["event", "time", "insert_id"], {**events, "upstream": mixpanel.url}),
    ]
    ended = subprocess.run(
        [sys.executable, script, json.dumps(reads)], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert ended.returncode == 0, ended.stderr
    for line in ended.stdout.splitlines()[-2:]:
        rows, distinct = json.loads(line)
        assert len([count for count in rows if count > 0]) == 2, rows
        assert sum(rows) == distinct
    assert most_at_once(mixpanel) <= MOST
