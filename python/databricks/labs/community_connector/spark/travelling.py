"""``Travelling``: objects that Spark pickles, and what is said where they cannot be unpickled."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any


def _arrival() -> Callable[[str, str, bytes], object]:
    """Give the function that unpickles; being nested, it is pickled itself, so it needs nothing on the other side."""

    def arrive(module: str, name: str, state: bytes) -> object:
        import importlib
        import pickle
        import sys

        try:
            cls = getattr(importlib.import_module(module), name)
        except ImportError as error:
            raise ImportError(
                f"the package `lakeflow-community-connectors` cannot be imported by `{sys.executable}`, which runs a "
                f"Python worker of Spark: {error}\n"
                "hint: install the wheel into the Python environment of every executor, and name that Python by the "
                "environment variable `PYSPARK_PYTHON` or the setting `spark.pyspark.python`"
            ) from error
        arrived = cls.__new__(cls)
        arrived.__dict__.update(pickle.loads(state))
        return arrived

    return arrive


class Travelling:
    """An object that is pickled as its attributes, by the name of its class."""

    def travelling_state(self) -> dict[str, Any]:
        """Give the attributes that travel."""
        return dict(self.__dict__)

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str, bytes]]:
        """Pickle the attributes, and a function that says what to do where this package is missing."""
        from pyspark.cloudpickle import dumps

        cls = type(self)
        return _arrival(), (cls.__module__, cls.__qualname__, dumps(self.travelling_state(), pickle.DEFAULT_PROTOCOL))
