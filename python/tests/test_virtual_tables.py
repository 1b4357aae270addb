"""The tables that tell what a connection has."""

from __future__ import annotations

import json

import pytest

ACME = {"owner": "acme", "repo": "rocket"}


def test_metadata_has_one_row_for_each_name_in_their_order(read):
    names = ["repositories", "issues", "commits"]
    configs = {"repositories": {"org": "acme"}, "issues": ACME, "commits": ACME}
    frame = read("_community_table_metadata", tableNameList=json.dumps(names), tableConfigs=json.dumps(configs)).load()
    assert frame.schema.simpleString() == (
        "struct<tableName:string,primary_keys:array<string>,cursor_field:string,ingestion_type:string>"
    )
    assert not frame.schema["tableName"].nullable
    assert [tuple(row) for row in frame.collect()] == [
        ("repositories", ["id"], None, "snapshot"),
        ("issues", ["id"], "updated_at", "cdc"),
        ("commits", ["sha"], "commit.committer.date", "append"),
    ]


def test_metadata_without_names_has_no_rows(read):
    assert read("_community_table_metadata").load().collect() == []


def test_tables_of_a_source_without_namespaces_are_in_the_root(read):
    rows = read("_community_tables").load().collect()
    assert [row.tableName for row in rows] == sorted(row.tableName for row in rows)
    assert {"issues", "commits", "users"} <= {row.tableName for row in rows}
    assert all(row.namespace == [] for row in rows)


def test_source_without_namespaces_has_none(read):
    assert read("_community_namespaces").load().collect() == []


def test_namespace_for_a_source_without_namespaces_is_refused(read):
    with pytest.raises(Exception, match="the option `namespace` is given, .* but the source has no namespaces"):
        read("_community_tables", namespace="[]").load().collect()


def test_virtual_tables_are_not_streamed(spark, read, github):
    frame = spark.readStream.format("lakeflow_connect").options(
        **{"databricks.connection": "my_github", "tableName": "_community_tables", "upstream": github.url}
    )
    with pytest.raises(Exception, match="the virtual table `_community_tables` cannot be streamed"):
        frame.load().writeStream.format("noop").trigger(availableNow=True).start().awaitTermination()
