"""Connectors of one table that each do one thing wrong."""

from __future__ import annotations

from databricks.labs.community_connector.interface import LakeflowConnect


class Broken(LakeflowConnect):
    """What they have in common."""

    def list_tables(self):
        return ["things"]

    def get_table_schema(self, table_name, table_options):
        return "id BIGINT"

    def read_table_metadata(self, table_name, table_options):
        return {"ingestion_type": "append"}


class Raising(Broken):
    def read_table(self, table_name, start_offset, table_options):
        return iter([{}["id"]]), {"at": 1}


class Misshapen(Broken):
    def read_table(self, table_name, start_offset, table_options):
        return iter([[1]]), {"at": 1}


class Stuck(Broken):
    def read_table(self, table_name, start_offset, table_options):
        return iter([{"id": 1}]), start_offset
