"""Lakeflow community connectors: tables of many systems, for Spark.

``register(spark, "github")`` gives a session the format ``lakeflow_connect``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from databricks.labs.community_connector.registration import find_data_source, get_register_function, register

__all__ = ["find_data_source", "get_register_function", "register"]


def __getattr__(name: str) -> Any:  # noqa: ANN401
    """Load what is asked for: connectors written in Python need the classes of ``interface`` and nothing of Rust."""
    if name in __all__:
        return getattr(import_module(f"{__name__}.registration"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
