"""The offsets of our streams, as Spark keeps them: JSON objects with sorted keys, since Spark compares their text.

{"kind": "range", "offset": {…}}                                   what workers read again
{"kind": "spool", "offset": {…}, "range": 3, "stream": "…"}        what the spool keeps
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

from databricks.labs.community_connector.errors import ConfigurationError

BEGINNING = "{}"


def canonical(offset: dict[str, Any]) -> str:
    """Give an offset of a connector as canonical JSON."""
    return json.dumps(offset, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


@dataclass(frozen=True)
class RangeOffset:
    """The place of a stream whose ranges can be read again from the source."""

    offset: str = BEGINNING

    @classmethod
    def parse(cls, document: dict[str, Any]) -> RangeOffset:
        """Take an offset that Spark has kept."""
        return cls(_connector_offset(document, "range"))

    def document(self) -> dict[str, Any]:
        """Give what Spark is to keep."""
        return {"kind": "range", "offset": _sorted(self.offset)}


@dataclass(frozen=True)
class SpoolOffset:
    """The place of a stream whose ranges are kept in the spool."""

    stream: str
    range: int = 0
    offset: str = BEGINNING

    @classmethod
    def initial(cls) -> SpoolOffset:
        """Begin a new stream."""
        return cls(uuid.uuid4().hex)

    @classmethod
    def parse(cls, document: dict[str, Any]) -> SpoolOffset:
        """Take an offset that Spark has kept."""
        offset = _connector_offset(document, "spool")
        return cls(document["stream"], document["range"], offset)

    def next(self, offset: str) -> SpoolOffset:
        """Give the place behind the next range."""
        return SpoolOffset(self.stream, self.range + 1, offset)

    def document(self) -> dict[str, Any]:
        """Give what Spark is to keep."""
        return {"kind": "spool", "offset": _sorted(self.offset), "range": self.range, "stream": self.stream}


def _sorted(offset: str) -> dict[str, Any]:
    return json.loads(json.dumps(json.loads(offset), sort_keys=True))


def _connector_offset(document: dict[str, Any], kind: str) -> str:
    if document.get("kind") != kind:
        raise ConfigurationError(
            f"expected an offset of kind `{kind}`, found `{json.dumps(document)}` in the checkpoint of the query",
            ["options that change how a table is read (`maxRowsPerBatch`, `isDeleteFlow`) need a new checkpoint"],
        )
    return canonical(document["offset"])
