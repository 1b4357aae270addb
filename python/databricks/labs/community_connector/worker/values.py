"""Python values as JSON, so that the typing by the table's schema loses nothing.

============================================  ==================================================================
value                                         JSON
============================================  ==================================================================
``None``, ``bool``, ``int``, ``str``          themselves; integers with all their digits
``float``                                     a number; ``"NaN"``, ``"Infinity"``, ``"-Infinity"``
``Decimal``                                   its text, with all its digits
``datetime``, ``date``, ``time``              ISO 8601; a ``datetime`` without a zone is UTC to the typing
``timedelta``                                 an ISO 8601 duration, ``PT90.5S``
``bytes``, ``bytearray``, ``memoryview``      base64
``list``, ``tuple``                           an array
``set``, ``frozenset``                        an array in the order of the elements' JSON
``dict`` and other mappings                   an object; keys as text, as their values would be
``Enum``                                      its value
``UUID``                                      its text
dataclasses                                   an object of their fields
scalars and arrays of NumPy                   what their ``tolist()`` gives
============================================  ==================================================================

Any other value is an error that names its place in the record.
"""

from __future__ import annotations

import base64
import dataclasses
import datetime
import decimal
import enum
import json
import math
import uuid
from collections.abc import Callable, Mapping
from typing import Any

#: The deepest nesting of a record.
DEEPEST = 120


class NotJsonError(Exception):
    """A value that has no place in a record."""


def encode(value: Any) -> bytes:
    """Give the value as JSON text in UTF-8; half of a surrogate pair becomes ``?``.

    :raises NotJsonError: with the place of the value that cannot be written.
    """
    try:
        text = _FAST.encode(value)
    except (TypeError, ValueError, RecursionError):
        # Something in it needs to be looked at more closely, or is wrong.
        text = _FAST.encode(plain(value, ""))
    return text.encode("utf-8", "replace")


def plain(value: Any, path: str, depth: int = 0) -> Any:
    """Give the same of nothing but dictionaries, lists, text, numbers, booleans and ``None``."""
    if depth > DEEPEST:
        raise NotJsonError(f"{_place(path)} is nested deeper than {DEEPEST} levels")
    if isinstance(value, enum.Enum):
        return plain(value.value, path, depth + 1)
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else _not_finite(value)
    if isinstance(value, Mapping):
        return {_key(key, path): plain(inner, f"{path}.{key}", depth + 1) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner, f"{path}[{number}]", depth + 1) for number, inner in enumerate(value)]
    try:
        simpler = _simpler(value)
    except TypeError:
        raise NotJsonError(f"{_place(path)} is {_article(value)}, which has no form in JSON") from None
    return plain(simpler, path, depth + 1)


def _simpler(value: Any) -> Any:
    """Give the value that stands for another one which JSON does not have."""
    for kind, conversion in _CONVERSIONS:
        if isinstance(value, kind):
            return conversion(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if callable(getattr(value, "tolist", None)) and not isinstance(value, type):
        return value.tolist()
    raise TypeError(type(value).__name__)


_CONVERSIONS: list[tuple[type | tuple[type, ...], Callable[[Any], Any]]] = [
    (decimal.Decimal, lambda value: str(value) if value.is_finite() else _not_finite(float(value))),
    ((datetime.datetime, datetime.date, datetime.time), lambda value: value.isoformat()),
    (datetime.timedelta, lambda value: _duration(value)),
    ((bytes, bytearray, memoryview), lambda value: base64.b64encode(value).decode()),
    ((set, frozenset), lambda value: sorted(value, key=encode)),
    (enum.Enum, lambda value: value.value),
    (uuid.UUID, str),
    (Mapping, dict),
]

_FAST = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_simpler)


def _not_finite(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _duration(value: datetime.timedelta) -> str:
    sign, value = ("-", -value) if value < datetime.timedelta() else ("", value)
    seconds = value.days * 86_400 + value.seconds
    fraction = f".{value.microseconds:06}".rstrip("0") if value.microseconds else ""
    return f"{sign}PT{seconds}{fraction}S"


def _key(key: Any, path: str) -> str:
    if isinstance(key, str):
        return str(key)
    simple = plain(key, path)
    if isinstance(simple, (dict, list)):
        raise NotJsonError(f"{_place(path)} has a key that is {_article(key)}")
    return simple if isinstance(simple, str) else json.dumps(simple)


def _place(path: str) -> str:
    return f"`{path.removeprefix('.')}`" if path else "the value"


def _article(value: Any) -> str:
    name = type(value).__name__
    return f"an `{name}`" if name[0] in "AEIOUaeiou" else f"a `{name}`"
