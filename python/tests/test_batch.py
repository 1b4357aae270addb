"""Whole tables, read by `spark.read`."""

from __future__ import annotations

import json
import subprocess

import pytest
from simulator import PROGRAM, Simulator

ACME = {"owner": "acme", "repo": "rocket"}


def rows_of_the_program(github: Simulator, table: str, **options: str) -> list[dict]:
    """The same rows as the program prints them."""
    flags = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
    printed = subprocess.run(
        [PROGRAM, "read", "my_github", table, *flags, "--upstream", github.url, "--format", "jsonl"],
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in printed.stdout.splitlines()]


def test_table_has_the_rows_that_the_program_reads(read, github):
    frame = read("issues", **ACME).load()
    rows = {row.id: row for row in frame.collect()}
    expected = rows_of_the_program(github, "issues", **ACME)
    assert len(expected) > 100
    assert sorted(rows) == sorted(row["id"] for row in expected)
    for row in expected:
        found = rows[row["id"]]
        assert (found.title, found.state, found.number) == (row["title"], row["state"], row["number"])
        assert [label.name for label in found.labels] == [label["name"] for label in row["labels"]]
    assert frame.columns[-1] == "_rescued_data"


def test_instants_do_not_depend_on_the_time_zone_of_the_session(read, github):
    from pyspark.sql import functions as f

    frame = read("issues", **ACME).load()
    found = {row.id: row.at for row in frame.select("id", f.unix_seconds("updated_at").alias("at")).collect()}
    expected = {row["id"]: row["updated_at"] for row in rows_of_the_program(github, "issues", **ACME)}
    from datetime import datetime

    parsed = {
        key: int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()) for key, text in expected.items()
    }
    assert found == parsed


def test_table_that_can_be_split_is_read_by_several_tasks(read, github):
    frame = read("commits", **ACME).load()
    assert frame.rdd.getNumPartitions() > 1
    shas = [row.sha for row in frame.select("sha").collect()]
    expected = rows_of_the_program(github, "commits", **ACME)
    assert sorted(shas) == sorted(row["sha"] for row in expected)


def test_schema_of_the_user_leaves_out_columns(read):
    frame = read("issues", **ACME).schema("title STRING, id BIGINT").load()
    row = frame.first()
    assert row.asDict().keys() == {"title", "id"}
    assert isinstance(row.id, int)


def test_schema_of_the_user_with_another_type_is_refused(read):
    with pytest.raises(Exception, match="column `id` of table `issues` is .*int64.*, not .*string"):
        read("issues", **ACME).schema("id STRING").load().collect()


def test_schema_of_the_user_with_an_unknown_column_is_refused(read):
    with pytest.raises(Exception, match="table `issues` has no column `nonsense`"):
        read("issues", **ACME).schema("nonsense STRING").load().collect()


def test_names_of_options_have_any_case(read):
    frame = read(None, TABLENAME="issues", OWNER="acme", Repo="rocket").load()
    assert frame.count() > 100


def test_parameters_among_the_options_need_no_connection(spark, read, github):
    options = {"tableName": "issues", "token": "simulated", "upstream": github.url, "sourceName": "github", **ACME}
    assert spark.read.format("lakeflow_connect").options(**options).load().count() > 100


def test_class_and_function_of_a_source_register_it(spark, read, github):
    from pyspark.sql.datasource import DataSource

    from databricks.labs.community_connector import find_data_source, get_register_function, register

    options = {"tableName": "issues", "databricks.connection": "my_github", "upstream": github.url, **ACME}
    source = find_data_source("github")
    assert issubclass(source, DataSource) and source.name() == "lakeflow_connect"
    for give in (get_register_function("github"), lambda session: session.dataSource.register(source)):
        # A source that does not have the table, so that each has to register its own.
        register(spark, "stripe")
        give(spark)
        assert spark.read.format("lakeflow_connect").options(**options).load().count() > 100


def test_sql_reads_through_a_view(spark, read, github):
    spark.sql(
        "CREATE OR REPLACE TEMPORARY VIEW issues USING lakeflow_connect OPTIONS (`databricks.connection` 'my_github', "
        f"tableName 'issues', owner 'acme', repo 'rocket', upstream '{github.url}')"
    )
    assert spark.sql("SELECT count(DISTINCT id) AS n FROM issues").first().n > 100


def test_values_that_do_not_fit_can_end_the_read(read):
    frame = read("issues", **ACME, bad_values="fail").load()
    assert "_rescued_data" not in frame.columns
    assert not frame.schema["id"].nullable
    assert frame.count() > 100
