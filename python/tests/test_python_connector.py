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
