"""The plan: a pipeline spec held against what its connector knows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from databricks.labs.community_connector import _native, registration
from databricks.labs.community_connector.pipeline.spec import Spec
from databricks.labs.community_connector.spark.connection import Connection, connect
from databricks.labs.community_connector.spark.options import TABLE_METADATA, ReadOptions
from databricks.labs.community_connector.spark.shape import spark_schema

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from databricks.labs.community_connector._native import SpecTable

FORMAT = "lakeflow_connect"

#: Tables of which everything is asked at once; each name once.
Round = list[int]


@dataclass(frozen=True)
class Stream:
    """One read of a table on its way to its destination."""

    #: ``changes``, ``deletes`` or ``snapshot``.
    name: str
    read_options: dict[str, str]
    write_options: dict[str, str]


@dataclass(frozen=True)
class Table:
    """One table on its way to its destination."""

    source_table: str
    #: The parts of the destination's name, the catalog only where the spec names one.
    destination: list[str]
    flow: str
    keys: list[str]
    sequence_by: list[str]
    cluster_by: list[str]
    has_deletes: bool
    read_options: dict[str, str]
    write_options: dict[str, str] = field(default_factory=dict)

    @property
    def is_snapshot(self) -> bool:
        """Tell whether every read gives the whole table."""
        return self.write_options.get("snapshot") == "true"

    def is_called(self, name: str) -> bool:
        """Tell whether a user means this table: by its source table or its destination."""
        return name in (self.source_table, self.destination[-1], ".".join(self.destination))

    def streams(self) -> Iterator[Stream]:
        """Give the reads, in the order in which they are best made."""
        name = "snapshot" if self.is_snapshot else "changes"
        yield Stream(name, self.read_options, {**self.write_options, "flow_name": name})
        if self.has_deletes:
            deletes = {"flow_name": "deletes", "apply_as_deletes": "true"}
            yield Stream("deletes", {**self.read_options, "isDeleteFlow": "true"}, {**self.write_options, **deletes})


@dataclass(frozen=True)
class Plan:
    """What ``ingest`` will do."""

    tables: list[Table]

    def connection(self) -> Connection:
        """Connect as the reads do, in this process; raises ``ConfigurationError`` where that cannot be done here."""
        return connect(ReadOptions.parse(self.tables[0].read_options), registration.registered())


def make_plan(
    spark: SparkSession,
    spec: Spec,
    lakehouse: str,
    read_options: dict[str, str],
    write_options: dict[str, str] | None = None,
) -> Plan:
    """Ask the connector about the tables of a spec, through Spark; raises ``ConfigurationError`` with all problems."""
    common = {**read_options, "databricks.connection": spec.connection_name}
    reads = [{**common, **_read_options(table)} for table in spec.tables]
    metadata = _metadata(spark, spec, common)
    known = []
    for read, row in zip(reads, metadata, strict=True):
        schema = _load(spark, read).schema
        known.append((spark_schema(schema), list(row.primary_keys or []), row.cursor_field, row.ingestion_type))
    planned = _native.plan_spec(spec.text, spec.origin, known, lakehouse)
    tables = [
        Table(
            source_table=table["source_table"],
            destination=[part for part in (table["catalog"], table["schema"], table["table"]) if part is not None],
            flow=table["flow"],
            keys=table["keys"],
            sequence_by=table["sequence_by"],
            cluster_by=table["cluster_by"],
            has_deletes=table["has_deletes"],
            read_options=read,
            write_options={**table["sink"], **(write_options or {})},
        )
        for table, read in zip(planned, reads, strict=True)
    ]
    return Plan(tables)


def _read_options(table: SpecTable) -> dict[str, str]:
    """Give the options of a read. The table's own go as JSON: Spark lower-cases names of options, not values."""
    name = table["source_table"]
    own = {"tableConfigs": json.dumps({name: table["options"]})} if table["options"] else {}
    return {**own, "tableName": name, "bad_values": table["bad_values"]}


def _load(spark: SparkSession, options: dict[str, str]) -> DataFrame:
    return spark.read.format(FORMAT).options(**options).load()


def _metadata(spark: SparkSession, spec: Spec, common: dict[str, str]) -> list:
    """Give the metadata of each table; one that the spec has twice, with other options, is asked for twice."""
    found: dict[int, object] = {}
    for numbers in _rounds([table["source_table"] for table in spec.tables]):
        configs = {spec.tables[number]["source_table"]: spec.tables[number]["options"] for number in numbers}
        options = {
            **common,
            "tableName": TABLE_METADATA,
            "tableNameList": json.dumps(list(configs)),
            "tableConfigs": json.dumps(configs),
        }
        found.update(zip(numbers, _with_source(spark, spec.connection_name, options).collect(), strict=True))
    return [found[number] for number in range(len(spec.tables))]


def _with_source(spark: SparkSession, connection_name: str, options: dict[str, str]) -> DataFrame:
    """Read with the registered source; where none is, register that of the connection."""
    try:
        return _load(spark, options)
    except Exception as error:
        if "DATA_SOURCE_NOT_FOUND" not in str(error):
            raise
    registration.register(spark, _native.Connection.resolve({}, name=connection_name).source)
    return _load(spark, options)


def _rounds(names: list[str]) -> list[Round]:
    rounds: list[Round] = []
    seen: dict[str, int] = {}
    for number, name in enumerate(names):
        turn = seen.get(name, 0)
        seen[name] = turn + 1
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append(number)
    return rounds
