"""A connector written in Python, as it is, on Spark: the tables that the embedded engine gives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from lakehouse import rows, run_embedded, spec

from databricks.labs.community_connector import errors, find_data_source, register
from databricks.labs.community_connector.pipeline import ingest

SHOP = "shop:ShopConnector"
TABLES = ["products", "customers", "orders", "visits", "metrics"]


@pytest.fixture
def shop(home) -> str:
    """A connection to the shop, beside the others."""
    file = Path(os.environ["COMMUNITY_CONNECTOR_CONNECTIONS"])
    document = yaml.safe_load(file.read_text())
    document["my_shop"] = {"source": SHOP}
    file.write_text(yaml.safe_dump(document))
    return "my_shop"


def test_tables_equal_those_of_the_embedded_engine(spark, shop, tmp_path):
    register(spark, SHOP)
    counts = []
    for day in (2, 4):
        document = spec(shop, {table: {"day": str(day)} for table in TABLES})
        run_embedded(tmp_path / "embedded", document)
        ingest(spark, document, lakehouse=str(tmp_path / "spark"))
        found = {table: rows(tmp_path / "spark", table) for table in TABLES}
        assert found == {table: rows(tmp_path / "embedded", table) for table in TABLES}
        counts.append(sum(map(len, found.values())))
    assert 0 < counts[0] < counts[1]


def test_options_reach_the_connector_whatever_case_spark_gives_them(spark, shop, tmp_path):
    register(spark, SHOP)
    options = {"databricks.connection": shop, "tableName": "visits", "day": "2", "firstPages": "3"}
    frame = spark.read.format("lakeflow_connect").options(**options).load()
    wanted = {f"/products/{number}" for number in range(3)}
    assert {row.page for row in frame.collect()} == wanted
    document = spec(shop, {"visits": {"day": "2", "firstPages": "3"}})
    ingest(spark, document, lakehouse=str(tmp_path / "spark"))
    assert {row["page"] for row in rows(tmp_path / "spark", "visits")} == wanted


def test_partitions_are_read_by_several_tasks(spark, shop, tmp_path):
    register(spark, SHOP)
    options = {"databricks.connection": shop, "tableName": "metrics", "day": "2"}
    frame = spark.read.format("lakeflow_connect").options(**options).load()
    assert frame.rdd.getNumPartitions() > 1
    everything = frame.count()
    stream = spark.readStream.format("lakeflow_connect").options(**options, splitRanges="true").load()
    for _ in range(2):
        writer = stream.writeStream.format("parquet").option("path", str(tmp_path / "rows"))
        writer = writer.option("checkpointLocation", str(tmp_path / "checkpoint"))
        writer.trigger(availableNow=True).start().awaitTermination()
        assert spark.read.parquet(str(tmp_path / "rows")).count() == everything > 50


@pytest.mark.parametrize(
    ("connector", "told"),
    [
        ("Raising", r"raised `KeyError` in `read_table`(.|\n)*broken.py:"),
        ("Misshapen", "record 1 of `read_table` is a `list` of length 1, expected a dictionary"),
        ("Stuck", "without moving its offset(.|\n)*called with {} and returned {}"),
    ],
)
def test_what_a_connector_does_wrong_is_told_through_spark(spark, home, connector, told):
    register(spark, f"broken:{connector}")
    with pytest.raises(Exception, match=told):
        spark.read.format("lakeflow_connect").option("tableName", "things").load().collect()


def test_namespace_must_be_given_where_the_connector_has_some(spark, shop):
    register(spark, SHOP)
    reader = spark.read.format("lakeflow_connect").option("databricks.connection", shop)
    with pytest.raises(Exception, match="the option `namespace` is missing(.|\n)*JSON list"):
        reader.option("tableName", "_community_tables").load().collect()
    below = reader.option("tableName", "_community_namespaces").option("namespacePrefix", '["sales"]').load()
    assert [row.namespace for row in below.collect()] == [["sales", "web"]]


def test_namespaces_are_those_of_the_connector(spark, shop):
    register(spark, SHOP)
    reader = spark.read.format("lakeflow_connect").option("databricks.connection", shop)
    found = reader.option("tableName", "_community_namespaces").load().collect()
    assert [row.namespace for row in found] == [["sales"], ["web"]]
    tables = reader.option("tableName", "_community_tables").option("namespace", '["sales", "web"]').load()
    assert [(row.namespace, row.tableName) for row in tables.collect()] == [(["sales", "web"], "orders")]


def test_module_that_is_not_there_is_told(spark, tmp_path):
    register(spark, "nowhere:Connector")
    with pytest.raises(Exception, match="nowhere"):
        spark.read.format("lakeflow_connect").option("tableName", "orders").load()
    with pytest.raises(errors.ConfigurationError):
        find_data_source("githob")
