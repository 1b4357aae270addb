"""The options of a read, as Spark hands them over: text, with names in any case."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from databricks.labs.community_connector.errors import ConfigurationError

PREFIX = "_community_"

TABLE_METADATA = "_community_table_metadata"
NAMESPACES = "_community_namespaces"
TABLES = "_community_tables"

VIRTUAL_TABLES = (TABLE_METADATA, NAMESPACES, TABLES)

#: Options of the platform that say nothing to a connector.
_PASSED_OVER = ("externaloptionsallowlist", "path")


@dataclass(frozen=True)
class ReadOptions:
    """What a read was asked for."""

    table: str
    connection: str | None = None
    source: str | None = None
    upstream: str | None = None
    deletes: bool = False
    bad_values: str = "rescue"
    table_names: list[str] = field(default_factory=list)
    table_configs: dict[str, dict[str, str]] = field(default_factory=dict)
    namespace: list[str] | None = None
    namespace_prefix: list[str] = field(default_factory=list)
    spool: str | None = None
    max_rows: int | None = None
    #: Tasks that share a read, at most; where nothing is said, the source's limits decide.
    max_tasks: int | None = None
    #: Whether workers may read the ranges of a stream from the source.
    split_ranges: bool = False
    #: What is left: parameters of the connection (so it is not shown) and options of the table, names as they came.
    rest: dict[str, str] = field(default_factory=dict, repr=False)

    @classmethod
    def parse(cls, options: Mapping[str, str]) -> ReadOptions:
        """Tell our own options from those of the connection and the table.

        Raises ``ConfigurationError``, a ``ValueError``, naming the option and its value.
        """
        given = dict(options.items())
        names = {name.lower(): name for name in given}

        def take(name: str) -> str | None:
            return given.pop(names[name.lower()], None) if name.lower() in names else None

        for name in _PASSED_OVER:
            take(name)
        configs = _json("tableConfigs", take("tableConfigs"), dict) or {}
        return cls(
            table=_table(take("tableName")),
            connection=take("databricks.connection"),
            source=take("sourceName"),
            upstream=take("upstream"),
            deletes=_truth("isDeleteFlow", take("isDeleteFlow")),
            bad_values=take("bad_values") or "rescue",
            table_names=_names("tableNameList", take("tableNameList")) or [],
            table_configs={table: _table_config(table, config) for table, config in configs.items()},
            namespace=_names("namespace", take("namespace")),
            namespace_prefix=_names("namespacePrefix", take("namespacePrefix")) or [],
            spool=take("spoolLocation"),
            max_rows=_count("maxRowsPerBatch", take("maxRowsPerBatch"), "rows"),
            max_tasks=_count("maxTasks", take("maxTasks"), "tasks"),
            split_ranges=_truth("splitRanges", take("splitRanges")),
            rest=given,
        )

    @property
    def is_virtual(self) -> bool:
        """Tell whether the table is one of ours, not of the source."""
        return self.table in VIRTUAL_TABLES


def _table(name: str | None) -> str:
    if not name:
        raise ConfigurationError(
            "the option `tableName` is missing", ['say which table to read: `.option("tableName", "issues")`']
        )
    if name.startswith(PREFIX) and name not in VIRTUAL_TABLES:
        known = ", ".join(f"`{table}`" for table in VIRTUAL_TABLES)
        raise ConfigurationError(f"unknown virtual table `{name}`", [f"names that begin with `{PREFIX}` are {known}"])
    return name


def _misfit(name: str, expected: str, value: object) -> ConfigurationError:
    return ConfigurationError(f"expected {expected} as option `{name}`, found `{value}`")


def _truth(name: str, value: str | None) -> bool:
    if value is None or value.lower() == "false":
        return False
    if value.lower() == "true":
        return True
    raise _misfit(name, "`true` or `false`", value)


def _count(name: str, value: str | None, what: str) -> int | None:
    if value is None:
        return None
    if not value.strip().isdecimal() or int(value) == 0:
        raise _misfit(name, f"a positive number of {what}", value)
    return int(value)


def _json(name: str, value: str | None, kind: type) -> Any:  # noqa: ANN401
    if value is None:
        return None
    expected = "a JSON list" if kind is list else "a JSON object"
    try:
        parsed = json.loads(value)
    except ValueError as error:
        raise _misfit(name, expected, value) from error
    if not isinstance(parsed, kind):
        raise _misfit(name, expected, value)
    return parsed


def _names(name: str, value: str | None) -> list[str] | None:
    parsed = _json(name, value, list)
    if parsed is not None and not all(isinstance(entry, str) for entry in parsed):
        raise _misfit(name, "a JSON list of names", value)
    return parsed


def _table_config(table: str, config: object) -> dict[str, str]:
    if not isinstance(config, dict):
        raise _misfit("tableConfigs", f"a JSON object of options for table `{table}`", json.dumps(config))
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in config.items()}
