"""The schema that Spark is told and the batches that it is given have one source, and agree in every table."""

from __future__ import annotations

import pytest

from databricks.labs.community_connector._native import Connection

GITHUB = ({"token": "t"}, {"owner": "acme", "repo": "rocket"})
SHOPIFY = ({"shop": "acme", "auth_method": "access_token", "access_token": "t"}, {})
ZENDESK = ({"subdomain": "acme", "email": "a@example.com", "token": "t"}, {})


@pytest.mark.parametrize(
    ("source", "given", "table"),
    [
        ("github", GITHUB, "issues"),
        ("github", GITHUB, "pull_requests"),
        ("github", GITHUB, "commits"),
        ("github", GITHUB, "branches"),
        ("shopify", SHOPIFY, "orders"),
        ("shopify", SHOPIFY, "products"),
        ("zendesk", ZENDESK, "tickets"),
        ("zendesk", ZENDESK, "ticket_comments"),
    ],
)
def test_schema_is_exactly_what_spark_makes_of_its_ddl(spark, source, given, table):
    from pyspark.sql.pandas.types import to_arrow_schema
    from pyspark.sql.types import StructType

    parameters, options = given
    connection = Connection.resolve(parameters, source=source)
    is_deleting = connection.metadata(table, options)["ingestion_type"] == "cdc_with_deletes"
    for bad_values in ("rescue", "fail"):
        for deletes in (False, True) if is_deleting else (False,):
            ddl, schema = connection.schema(table, options, deletes=deletes, bad_values=bad_values)
            expected = to_arrow_schema(StructType.fromDDL(ddl), timezone="UTC")
            assert schema.equals(expected), f"{schema}\n\n{expected}"
