"""Batches in the schema that the engine asked for."""

from __future__ import annotations

from datetime import datetime, timezone

import pyarrow as pa
import pytest

from databricks.labs.community_connector import errors
from databricks.labs.community_connector.spark.shape import Shape

OWN = pa.schema(
    [pa.field("id", pa.int64()), pa.field("at", pa.timestamp("us", tz="UTC")), pa.field("name", pa.string())]
)
ROWS = pa.RecordBatch.from_pylist([{"id": 1, "at": datetime(2026, 1, 2, tzinfo=timezone.utc), "name": "a"}], schema=OWN)


def test_engine_that_asks_in_arrow_gets_instants_as_it_means_them():
    wanted = pa.schema([pa.field("at", pa.timestamp("us")), pa.field("id", pa.int64())])
    shaped = Shape(wanted, OWN, "issues")(ROWS)
    assert shaped.schema.equals(wanted)
    assert shaped.to_pylist() == [{"at": datetime(2026, 1, 2), "id": 1}]


def test_own_schema_is_handed_on_as_it_is():
    assert Shape(OWN, OWN, "issues")(ROWS) is ROWS


def test_unknown_column_is_refused_with_those_that_there_are():
    with pytest.raises(errors.ConfigurationError, match="no column `nonsense`\nhint: it has `id`, `at`, `name`"):
        Shape(pa.schema([pa.field("nonsense", pa.int64())]), OWN, "issues")
