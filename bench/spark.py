"""What the data source takes on Spark. Prints three comparisons, each with its goal.

Usage: PYTHON bench/spark.py [SCALE]        PYTHON has the wheel and PySpark; SCALE 160 (default) is 40,000 issues

row-wise    Rows a second into `noop`, as a stream with AvailableNow, of all issues: the data source (through its spool)
            beside a Simple reader that fetches the same pages with a plain client, parses field by field in Python and
            gives `Row`s. `local[2]`.
hand-over   Seconds of a batch read of all issues by Spark into `noop` (one task), beside those of the native reader
            that makes the same typed batches and is drained in this process, without Spark. Both fetch the same pages;
            the difference is what it costs to get the batches into Spark. `local[2]`.
executors   Seconds of a batch read of all commits, which are split, from a source that answers after 100 ms: one
            executor process with one core beside two of them. `local-cluster`.

Runs that are compared take turns, after one that does not count; the best of each is taken. A query of Spark takes
seconds to start and to stop whatever it reads, so the first two are made at two scales, of which one is four times the
other (SCALE / 4 and SCALE row-wise, SCALE and 4 SCALE for the hand-over): the difference is what the rows cost. Both are
printed, the whole and the rows alone.
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from databricks.labs.community_connector import _native, register
from pyspark.sql import Row, SparkSession
from pyspark.sql import types as t
from pyspark.sql.datasource import DataSource, SimpleDataSourceStreamReader

os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")

REPOSITORY = {"owner": "acme", "repo": "rocket"}
TOKEN = {"token": "simulated"}
RUNS = 3


def parsed(value: object, kind: t.DataType) -> object:
    """Give a JSON value as a column's type wants it, one value at a time."""
    if value is None:
        return None
    if isinstance(kind, t.StructType):
        return Row(**{field.name: parsed_field(value, field) for field in kind.fields})
    if isinstance(kind, t.ArrayType):
        return [parsed(element, kind.elementType) for element in (value if isinstance(value, list) else [value])]
    if isinstance(kind, t.MapType):
        return {parsed(key, kind.keyType): parsed(entry, kind.valueType) for key, entry in value.items()}
    try:
        return parsed_primitive(value, kind)
    except (ValueError, TypeError) as error:
        raise ValueError(f"expected {kind}, found {value!r}: {error}") from error


def parsed_field(record: dict, field: t.StructField) -> object:
    """Give a field of a record; one that must be there is looked for."""
    if field.name in record:
        return parsed(record[field.name], field.dataType)
    if not field.nullable:
        raise ValueError(f"expected a field {field.name}, found {sorted(record)}")
    return None


def parsed_primitive(value: object, kind: t.DataType) -> object:
    """Give a value that has no parts."""
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

    def initialOffset(self) -> dict:
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

    def simpleStreamReader(self, schema: t.StructType) -> RowWiseReader:
        return RowWiseReader(self.options["url"], schema)


def streamed(spark: SparkSession, form: str, options: dict[str, str]) -> int:
    """Stream a table to its end; give the rows that it had."""
    with tempfile.TemporaryDirectory() as folder:
        frame = spark.readStream.format(form).options(**options).option("spoolLocation", f"{folder}/spool").load()
        writer = frame.writeStream.format("noop").option("checkpointLocation", f"{folder}/checkpoint")
        query = writer.trigger(availableNow=True).start()
        query.awaitTermination()
        return sum(progress.numInputRows for progress in query.recentProgress)


def read_by_spark(spark: SparkSession, options: dict[str, str]) -> None:
    """Read a table in one batch."""
    frame = spark.read.format("lakeflow_connect").options(**options).load()
    frame.write.format("noop").mode("overwrite").save()


def read_natively(url: str) -> int:
    """Make the batches of all issues in this process; give the rows that they have."""
    connection = _native.Connection.resolve(TOKEN, source="github", upstream=url)
    read = connection.read("issues", REPOSITORY)
    return sum(batch.num_rows for batch, _ in read if batch is not None)


def best(what: str, runs: list[float]) -> float:
    """Print the times of some runs, and give the shortest."""
    print(f"  {what}: best {min(runs):.2f} s of {', '.join(f'{run:.2f}' for run in runs)}", flush=True)
    return min(runs)


def compared(first: Callable[[], object], second: Callable[[], object]) -> tuple[list[float], list[float]]:
    """Run two ways in turns; give the seconds of each."""
    times: tuple[list[float], list[float]] = ([], [])
    first(), second()
    for _ in range(RUNS):
        for way, taken in zip((first, second), times, strict=True):
            began = time.perf_counter()
            way()
            taken.append(time.perf_counter() - began)
    return times


@contextmanager
def simulator(*arguments: str) -> Iterator[str]:
    """Run a simulated GitHub; gives its address."""
    program = Path(sys.executable).with_name("community-connector")
    command = [program, "--output", "json", "simulate", "github", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield json.loads(process.stdout.readline())["url"]
    finally:
        process.terminate()
        process.wait()


@contextmanager
def session(master: str, **settings: str) -> Iterator[SparkSession]:
    """Run a Spark session that knows both data sources."""
    # The row-wise way carries each batch through the driver whole.
    everywhere = {"spark.driver.memory": "3g", "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
    spark = SparkSession.builder.master(master).config(map={**everywhere, **settings}).getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    register(spark, "github")
    spark.dataSource.register(RowWise)
    try:
        yield spark
    finally:
        spark.stop()


def compare_row_wise(spark: SparkSession, url: str) -> tuple[int, float, float]:
    """Compare the stream with the row-wise way; give the rows and the seconds of both."""
    ours = {"tableName": "issues", "upstream": url, **REPOSITORY, **TOKEN}
    schema = spark.readStream.format("lakeflow_connect").options(**ours).load().schema
    ddl = t.StructType([field for field in schema if field.name != "_rescued_data"]).toDDL()
    rows = streamed(spark, "lakeflow_connect", ours)
    row_wise_rows = streamed(spark, "row_wise", {"url": url, "ddl": ddl})
    if rows != row_wise_rows:
        raise SystemExit(f"expected the same rows, found {rows} and {row_wise_rows}")
    print(f"row-wise: {rows} issues, streamed")
    fast, slow = compared(
        lambda: streamed(spark, "lakeflow_connect", ours),
        lambda: streamed(spark, "row_wise", {"url": url, "ddl": ddl}),
    )
    fast, slow = best("data source", fast), best("row-wise", slow)
    print(f"  {rows / fast:,.0f} rows/s, row-wise {rows / slow:,.0f} rows/s: {slow / fast:.1f} times")
    return rows, fast, slow


def compare_hand_over(spark: SparkSession, url: str) -> tuple[int, float, float]:
    """Compare Spark's read with the native reader alone; give the rows and the seconds of both."""
    rows = read_natively(url)
    print(f"hand-over: {rows} issues, in one batch")
    ours = {"tableName": "issues", "upstream": url, **REPOSITORY, **TOKEN}
    in_spark, alone = compared(lambda: read_by_spark(spark, ours), lambda: read_natively(url))
    in_spark, alone = best("Spark", in_spark), best("native reader", alone)
    print(f"  Spark takes {in_spark / alone - 1:.0%} more")
    return rows, in_spark, alone


def at_two_scales(
    compare: Callable[[SparkSession, str], tuple[int, float, float]], spark: SparkSession, small: int
) -> tuple[float, float]:
    """Compare at a scale and at four times of it; give the microseconds that a row costs in the one way and the other."""
    measured = []
    for scale in (small, 4 * small):
        with simulator("--scale", str(scale)) as url:
            measured.append(compare(spark, url))
    (few, *first), (many, *second) = measured
    one, other = ((more - less) / (many - few) * 1e6 for less, more in zip(first, second, strict=True))
    return one, other


def compare_executors() -> None:
    """Compare two executor processes with one."""
    with simulator("--scale", "100", "--latency", "100ms") as url:
        ours = {"tableName": "commits", "upstream": url, "per_page": "25", **REPOSITORY, **TOKEN}
        print("executors: 20000 commits in parts of one week, pages of 25 that take 100 ms")
        times = []
        for count in (1, 2):
            everybody = {"spark.executor.memory": "512m", "spark.scheduler.minRegisteredResourcesRatio": "1.0"}
            with session(f"local-cluster[{count},1,1024]", **everybody) as spark:
                read_by_spark(spark, ours)
                runs = []
                for _ in range(RUNS):
                    began = time.perf_counter()
                    read_by_spark(spark, ours)
                    runs.append(time.perf_counter() - began)
            times.append(best(f"{count} of one core", runs))
    print(f"  two are {times[0] / times[1]:.2f} times as fast (goal: 1.8)")


def main() -> None:
    """Make the comparisons."""
    scale = int(sys.argv[1]) if len(sys.argv) > 1 else 160
    with session("local[2]") as spark:
        fast, slow = at_two_scales(compare_row_wise, spark, scale // 4)
        print(f"  a row more: {fast:.1f} us, row-wise {slow:.1f} us: {slow / fast:.1f} times (goal: 10)")
        in_spark, alone = at_two_scales(compare_hand_over, spark, scale)
        print(f"  a row more: Spark {in_spark:.1f} us, native reader {alone:.1f} us: ", end="")
        print(f"{in_spark / alone - 1:.0%} more (goal: under 30%)")
    compare_executors()


if __name__ == "__main__":
    main()
