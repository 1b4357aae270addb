"""`ingest` on Databricks, against a strict stand-in for the platform's module of pipelines.

No Databricks is at hand: the stand-in has the platform's functions with their names and kinds of arguments, refuses
everything else, and remembers what was declared.
"""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from lakehouse import ACME, spec
from pyspark.sql import Column, DataFrame

from databricks.labs.community_connector import errors, register
from databricks.labs.community_connector.pipeline import ingest


def check(name: str, value: object, *kinds: type) -> None:
    assert isinstance(value, kinds), f"{name} is {value!r}"


class StandIn(ModuleType):
    """What a pipeline of the platform offers."""

    def __init__(self) -> None:
        super().__init__("dlt")
        self.tables: dict[str, dict] = {}
        self.views: dict[str, object] = {}
        self.flows: dict[str, dict] = {}

    def create_streaming_table(self, name, comment=None, cluster_by=None, schema=None):
        check("name", name, str)
        check("cluster_by", cluster_by, list, type(None))
        assert name not in self.tables
        self.tables[name] = {"cluster_by": cluster_by}

    def view(self, query_function=None, *, name=None, comment=None):
        check("name", name, str)
        assert query_function is None and name.isidentifier() and name not in self.views

        def declare(function):
            self.views[name] = function

        return declare

    def append_flow(self, *, target, name=None):
        self._target(target)

        def declare(function):
            # `INVALID_FLOW_QUERY_TYPE.BATCH_RELATION_FOR_STREAMING_TABLE`
            assert function().isStreaming
            self._flow(name, {"kind": "append", "target": target, "rows": function})

        return declare

    def create_auto_cdc_flow(self, target, source, keys, sequence_by, apply_as_deletes=None, stored_as_scd_type=None,
                             name=None):  # fmt: skip
        self._target(target)
        assert source in self.views
        check("keys", keys, list)
        assert keys and all(isinstance(key, str) for key in keys)
        check("sequence_by", sequence_by, str, Column)
        check("apply_as_deletes", apply_as_deletes, str, Column, type(None))
        assert stored_as_scd_type in (1, 2, "1", "2")
        flow = {"kind": "cdc", "target": target, "source": source, "keys": keys, "stored_as": str(stored_as_scd_type)}
        self._flow(name, {**flow, "deletes": apply_as_deletes is not None})

    def create_auto_cdc_from_snapshot_flow(self, target, source, keys, stored_as_scd_type=None):
        self._target(target)
        assert source in self.views
        check("keys", keys, list)
        assert keys and stored_as_scd_type in (1, 2, "1", "2")
        flow = {"kind": "snapshot", "target": target, "source": source, "keys": keys}
        self._flow(f"{target} snapshots", {**flow, "stored_as": str(stored_as_scd_type)})

    def _target(self, target: object) -> None:
        check("target", target, str)
        assert target in self.tables

    def _flow(self, name: object, flow: dict) -> None:
        check("name", name, str)
        assert name not in self.flows
        self.flows[name] = flow


@pytest.fixture
def dlt(monkeypatch):
    module = StandIn()
    monkeypatch.setitem(sys.modules, "dlt", module)
    return module


def test_each_kind_of_table_is_declared_with_the_platforms_flows(spark, github, dlt):
    register(spark, "github")
    document = spec("my_github", {"issues": ACME, "commits": ACME, "branches": ACME, "teams": {"org": "acme"}})
    named = {"destination_catalog": "main", "destination_schema": "a`b", "destination_table": "issue history"}
    configuration = {**ACME, "scd_type": "SCD_TYPE_2", "cluster_by": ["state"]}
    document["objects"].append({"table": {"source_table": "issues", **named, "table_configuration": configuration}})
    ingest(spark, document, read_options={"upstream": github.url})
    assert list(dlt.tables) == ["`issues`", "`commits`", "`branches`", "`teams`", "`main`.`a``b`.`issue history`"]
    assert dlt.tables["`main`.`a``b`.`issue history`"]["cluster_by"] == ["state"]
    kinds = {flow["target"]: (flow["kind"], flow.get("stored_as")) for flow in dlt.flows.values()}
    assert kinds == {
        "`issues`": ("cdc", "1"),
        "`commits`": ("append", None),
        "`branches`": ("snapshot", "1"),
        "`teams`": ("snapshot", "1"),
        "`main`.`a``b`.`issue history`": ("cdc", "2"),
    }
    for name, function in dlt.views.items():
        frame = function()
        assert isinstance(frame, DataFrame)
        assert frame.isStreaming == (not name.endswith("snapshot")), name


def test_snapshot_that_is_to_be_appended_is_refused_before_anything_is_declared(spark, github, dlt):
    register(spark, "github")
    document = spec("my_github", {"issues": ACME, "branches": {**ACME, "scd_type": "APPEND_ONLY"}})
    with pytest.raises(errors.UnsupportedError, match="cannot be appended(.|\n)*`branches`(.|\n)*`SCD_TYPE_2`"):
        ingest(spark, document, read_options={"upstream": github.url})
    assert dlt.tables == {}


def test_deletes_are_a_second_flow_into_the_same_table(spark, simulate, dlt):
    hubspot = simulate("hubspot")
    register(spark, "hubspot")
    given = {"upstream": hubspot.url, "access_token": "simulated"}
    ingest(spark, spec("anything", {"contacts": {}}), read_options=given)
    flows = list(dlt.flows.values())
    assert [(flow["target"], flow["deletes"], flow["keys"]) for flow in flows] == [
        ("`contacts`", False, ["id"]),
        ("`contacts`", True, ["id"]),
    ]
    assert len({flow["source"] for flow in flows}) == 2
