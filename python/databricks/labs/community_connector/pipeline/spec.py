"""The pipeline spec, in any of the forms that it comes in."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from databricks.labs.community_connector import _native
from databricks.labs.community_connector.errors import ConfigurationError


@dataclass(frozen=True)
class Spec:
    """A spec that has been checked as far as it can be without asking the source."""

    text: str
    #: The file, or what else stands for it in messages.
    origin: str
    connection_name: str
    tables: list[_native.SpecTable]

    @classmethod
    def of(cls, given: Mapping[str, Any] | str | os.PathLike[str]) -> Spec:
        """Read a mapping, a file, or a document's text; raises ``ConfigurationError`` with all that is wrong."""
        text, origin = _document(given)
        parsed = _native.parse_spec(text, origin)
        return cls(text, origin, parsed["connection_name"], parsed["tables"])


def _document(given: Mapping[str, Any] | str | os.PathLike[str]) -> tuple[str, str]:
    if isinstance(given, Mapping):
        try:
            return json.dumps(given), "pipeline spec"
        except (TypeError, ValueError) as error:
            raise ConfigurationError(f"the pipeline spec has a value that is no JSON: {error}") from error
    if (isinstance(given, str) and "\n" in given.strip()) or str(given).lstrip().startswith("{"):
        return str(given), "pipeline spec"
    if not isinstance(given, str | os.PathLike):
        raise ConfigurationError(
            f"expected a pipeline spec, found {given!r}", ["give a mapping, the path of a YAML file, or its text"]
        )
    try:
        with open(given, encoding="utf-8") as file:
            return file.read(), os.fspath(given)
    except OSError as error:
        raise ConfigurationError(f"the pipeline spec `{given}` cannot be read: {error.strerror}") from error
