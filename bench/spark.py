"""What the data source takes on Spark. Prints three comparisons, each with its goal.

Usage: PYTHON bench/spark.py [SCALE]        PYTHON has the wheel and PySpark; SCALE 160 (default) is 40,000 issues

row-wise    Rows a second into `noop`, as a stream with AvailableNow, of all issues: the data source (through its spool)
            beside a Simple reader that fetches the same pages with a plain client, parses field by field in Python and
            gives `Row`s; then the same without what a stream of 1,000 issues takes, which is Spark's start of a query.
            `local[2]`.
hand-over   Seconds of a batch read of all issues by Spark into `noop` (one task), beside those of the native reader
            that makes the same typed batches and is drained in this process, without Spark, and beside those of Spark
            when it reads these batches from a file, without us. `local[2]`.
executors   Seconds of a batch read of all commits, which are split, from a source that answers after 100 ms: one
            executor process with one core beside two of them. `local-cluster`.

Runs that are compared take turns, after one that does not count; the best of each is taken.
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

import pyarrow as pa
from databricks.labs.community_connector import _native, register
from pyspark.sql import Row, SparkSession
from pyspark.sql import types as t
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition, SimpleDataSourceStreamReader

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


class PreparedReader(DataSourceReader):
    """Gives the batches of an Arrow file, in one task."""

    def __init__(self, file: str) -> None:
        self.file = file

    def partitions(self) -> list[InputPartition]:
        return [InputPartition(None)]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        with pa.memory_map(self.file) as file, pa.ipc.open_file(file) as batches:
            for position in range(batches.num_record_batches):
                yield batches.get_batch(position)


class Prepared(DataSource):
    """Batches that are there already, as a data source."""

    @classmethod
    def name(cls) -> str:
        return "prepared"

    def reader(self, schema: t.StructType) -> PreparedReader:
        return PreparedReader(self.options["file"])


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


def native_batches(url: str) -> Iterator[pa.RecordBatch]:
    """Make the batches of all issues in this process."""
    connection = _native.Connection.resolve(TOKEN, source="github", upstream=url)
    return (batch for batch, _ in connection.read("issues", REPOSITORY) if batch is not None)


def rows_of(batches: Iterator[pa.RecordBatch]) -> int:
    """Drain some batches; give their rows."""
    return sum(batch.num_rows for batch in batches)


def best(what: str, runs: list[float]) -> float:
    """Print the times of some runs, and give the shortest."""
    print(f"  {what}: best {min(runs):.2f} s of {', '.join(f'{run:.2f}' for run in runs)}", flush=True)
    return min(runs)


def compared(*ways: Callable[[], object]) -> list[list[float]]:
    """Run some ways in turns; give the seconds of each."""
    times: list[list[float]] = [[] for _ in ways]
    for way in ways:
        way()
    for _ in range(RUNS):
        for way, taken in zip(ways, times, strict=True):
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
    everywhere = {"spark.driver.memory": "8g", "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
    spark = SparkSession.builder.master(master).config(map={**everywhere, **settings}).getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    register(spark, "github")
    spark.dataSource.register(RowWise)
    spark.dataSource.register(Prepared)
    try:
        yield spark
    finally:
        spark.stop()


def compare_row_wise(spark: SparkSession, url: str, small: str) -> None:
    """Compare the stream with the row-wise way."""
    ours = {"tableName": "issues", "upstream": url, **REPOSITORY, **TOKEN}
    schema = spark.readStream.format("lakeflow_connect").options(**ours).load().schema
    ddl = t.StructType([field for field in schema if field.name != "_rescued_data"]).toDDL()
    row_wise = {"url": url, "ddl": ddl}
    rows, few = streamed(spark, "lakeflow_connect", ours), streamed(spark, "row_wise", row_wise | {"url": small})
    runs = compared(
        lambda: streamed(spark, "lakeflow_connect", ours),
        lambda: streamed(spark, "row_wise", row_wise),
        lambda: streamed(spark, "lakeflow_connect", ours | {"upstream": small}),
        lambda: streamed(spark, "row_wise", row_wise | {"url": small}),
    )
    print(f"row-wise: {rows} issues, streamed")
    names = ("data source", "row-wise", f"data source, {few} issues", f"row-wise, {few} issues")
    fast, slow, fast_start, slow_start = (best(name, times) for name, times in zip(names, runs, strict=True))
    print(f"  {rows / fast:,.0f} rows/s, row-wise {rows / slow:,.0f} rows/s: {slow / fast:.1f} times (goal: 10)")
    more, fast, slow = rows - few, fast - fast_start, slow - slow_start
    print(f"  without the start {more / fast:,.0f} rows/s, row-wise {more / slow:,.0f} rows/s: {slow / fast:.1f} times")


def compare_hand_over(spark: SparkSession, url: str) -> None:
    """Compare Spark's read with the native reader alone, and with Spark alone."""
    ours = {"tableName": "issues", "upstream": url, **REPOSITORY, **TOKEN}
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/batches.arrow"
        batches = list(native_batches(url))
        with pa.ipc.new_file(file, batches[0].schema) as writer:
            for batch in batches:
                writer.write_batch(batch)
        rows, size = rows_of(iter(batches)), sum(batch.nbytes for batch in batches)
        del batches
        schema = spark.read.format("lakeflow_connect").options(**ours).load().schema
        prepared = spark.read.format("prepared").schema(schema).option("file", file).load()
        runs = compared(
            lambda: read_by_spark(spark, ours),
            lambda: rows_of(native_batches(url)),
            lambda: prepared.write.format("noop").mode("overwrite").save(),
        )
    print(f"hand-over: {rows} issues, {size >> 20} MiB of Arrow, in one task")
    names = ("data source", "native reader alone", "Spark alone")
    whole, native, spark_alone = (best(name, times) for name, times in zip(names, runs, strict=True))
    print(f"  {whole / native - 1:.0%} more than the native reader (goal: under 30%)")
    print(f"  {whole / (native + spark_alone) - 1:+.0%} beside both, one after the other")


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
    scale = sys.argv[1] if len(sys.argv) > 1 else "160"
    with simulator("--scale", scale) as url, simulator("--scale", "4") as small, session("local[2]") as spark:
        compare_row_wise(spark, url, small)
        compare_hand_over(spark, url)
    compare_executors()


if __name__ == "__main__":
    main()
