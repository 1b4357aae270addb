"""The connector's class, by its name."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

from .failure import FaultError

#: What a class must have to be a connector.
METHODS = ("list_tables", "get_table_schema", "read_table_metadata", "read_table")


def load(name: str) -> type:
    """Give the class that ``module:Class`` names; of a ``LakeflowSource``, the connector that it binds."""
    module_name, _, class_name = name.partition(":")
    module = _import(module_name)
    found: Any = module
    for part in class_name.split("."):
        found = getattr(found, part, None)
    if not inspect.isclass(found):
        raise FaultError("class", f"the module `{module_name}` has no class `{class_name}`", known=_connectors(module))
    found = getattr(found, "_lakeflow_connect_cls", None) or found
    missing = [method for method in METHODS if not callable(getattr(found, method, None))]
    missing += sorted(getattr(found, "__abstractmethods__", ()))
    if missing:
        names = ", ".join(f"`{method}`" for method in dict.fromkeys(missing))
        raise FaultError("incomplete", f"the class `{name}` does not have {names}", known=_connectors(module))
    return found


def abilities(connector: type) -> dict[str, bool]:
    """Tell what the connector can do besides what every connector can."""
    has = lambda *methods: all(callable(getattr(connector, method, None)) for method in methods)  # noqa: E731
    return {
        "namespaces": has("list_namespaces", "list_tables_in_namespace"),
        "partition": has("get_partitions", "read_partition"),
        "partitioned_stream": has("get_partitions", "read_partition", "latest_offset", "is_partitioned"),
    }


def _import(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(f"{error.name}.")):
            raise FaultError("module", f"there is no module `{error.name}`") from None
        raise


def _connectors(module: Any) -> list[str]:
    """Give the classes of a module that are connectors."""
    is_connector = lambda value: inspect.isclass(value) and all(hasattr(value, method) for method in METHODS)  # noqa: E731
    classes = inspect.getmembers(module, is_connector)
    return [name for name, value in classes if value.__module__ == module.__name__]
