"""Rows a second of the data source into `noop`, beside the row-wise way: a Simple reader that parses field by field.

Usage: PYTHON bench/spark.py [SCALE]        PYTHON has the wheel and PySpark; SCALE 1 is 250 issues
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from databricks.labs.community_connector import register
from pyspark.sql import Row, SparkSession
from pyspark.sql import types as t
from pyspark.sql.datasource import DataSource, SimpleDataSourceStreamReader

os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")

OPTIONS = {"tableName": "issues", "owner": "acme", "repo": "rocket"}
RUNS = 2


def parsed(value: object, kind: t.DataType) -> object:
    """Give a JSON value as a column's type wants it, one value at a time."""
    if value is None:
        return None
    if isinstance(kind, t.StructType):
        return Row(**{field.name: parsed(value.get(field.name), field.dataType) for field in kind.fields})
    if isinstance(kind, t.ArrayType):
        return [parsed(element, kind.elementType) for element in (value if isinstance(value, list) else [value])]
    if isinstance(kind, t.MapType):
        return {parsed(key, kind.keyType): parsed(entry, kind.valueType) for key, entry in value.items()}
    if isinstance(kind, t.StringType):
        return str(value)
    if isinstance(kind, (t.IntegerType, t.LongType)):
        return int(float(value)) if isinstance(value, str) and "." in value else int(value)
    if isinstance(kind, (t.FloatType, t.DoubleType)):
        return float(value)
    if isinstance(kind, t.DecimalType):
        return Decimal(str(value))
    if isinstance(kind, t.BooleanType):
        return value.lower() in ("true", "t", "yes", "y", "1") if isinstance(value, str) else bool(value)
    if isinstance(kind, t.DateType):
        return date.fromisoformat(value[:10])
    if isinstance(kind, t.TimestampType):
        return datetime.fromisoformat(value.replace("Z", "+00:00")) if isinstance(value, str) else value
    if isinstance(kind, t.BinaryType):
        return base64.b64decode(value)
    raise ValueError(f"unsupported type {kind}")


class RowWiseReader(SimpleDataSourceStreamReader):
    """Fetches all pages with a plain client, parses each field, and gives `Row`s."""

    def __init__(self, url: str, schema: t.StructType) -> None:
        self.url = url
        self.schema = schema

    def initialOffset(self) -> dict:  # noqa: N802
        return {"done": False}

    def read(self, start: dict) -> tuple:
        rows = [] if start["done"] else [parsed(record, self.schema) for record in self.records()]
        return iter(rows), {"done": True}

    def records(self):
        url = f"{self.url}repos/acme/rocket/issues?state=all&sort=updated&direction=asc&per_page=100"
        while url:
            request = urllib.request.Request(url, headers={"Authorization": "Bearer simulated"})
            with urllib.request.urlopen(request) as answer:
                records = json.load(answer)
                links = answer.headers.get("Link", "")
            for record in records:
                yield {**record, "repository_owner": "acme", "repository_name": "rocket"}
            found = re.search(r'<([^>]+)>; rel="next"', links)
            url = self.url + found.group(1).split("/", 3)[3] if found else None


class RowWise(DataSource):
    """The row-wise way as a data source."""

    @classmethod
    def name(cls) -> str:
        return "row_wise"

    def schema(self) -> str:
        return self.options["ddl"]

    def simpleStreamReader(self, schema: t.StructType) -> RowWiseReader:  # noqa: N802
        return RowWiseReader(self.options["url"], schema)


def seconds(spark: SparkSession, form: str, options: dict[str, str]) -> tuple[float, int]:
    """Give the time of a stream from its start to its end, and the rows that it had."""
    with tempfile.TemporaryDirectory() as folder:
        frame = spark.readStream.format(form).options(**options).option("spoolLocation", f"{folder}/spool").load()
        writer = frame.writeStream.format("noop").option("checkpointLocation", f"{folder}/checkpoint")
        began = time.perf_counter()
        query = writer.trigger(availableNow=True).start()
        query.awaitTermination()
        taken = time.perf_counter() - began
        return taken, sum(progress.numInputRows for progress in query.recentProgress)


def main() -> None:
    """Run both ways, and print the best of a few runs."""
    scale = sys.argv[1] if len(sys.argv) > 1 else "100"
    program = Path(sys.executable).with_name("community-connector")
    command = [program, "--output", "json", "simulate", "github", "--scale", scale]
    simulator = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    url = json.loads(simulator.stdout.readline())["url"]
    # The row-wise way carries each batch through the driver whole.
    builder = SparkSession.builder.master("local[2]").config("spark.driver.memory", "3g")
    spark = builder.config("spark.ui.enabled", "false").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    try:
        register(spark, "github")
        spark.dataSource.register(RowWise)
        ours = {**OPTIONS, "token": "simulated", "upstream": url}
        schema = spark.readStream.format("lakeflow_connect").options(**ours).load().schema
        row_wise = {
            "url": url,
            "ddl": t.StructType([field for field in schema if field.name != "_rescued_data"]).toDDL(),
        }
        for name, form, options in (("ours", "lakeflow_connect", ours), ("row-wise", "row_wise", row_wise)):
            runs = [seconds(spark, form, options) for _ in range(RUNS)]
            best, rows = min(runs)
            times = ", ".join(f"{run[0]:.1f}" for run in runs)
            print(f"{name}: {rows} rows, best {best:.1f} s of {times}: {rows / best:,.0f} rows/s")
    finally:
        spark.stop()
        simulator.terminate()


if __name__ == "__main__":
    main()
