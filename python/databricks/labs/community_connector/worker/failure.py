"""What went wrong, as the worker tells it."""

from __future__ import annotations

import os
import traceback
from typing import Any

_HERE = os.path.dirname(os.path.abspath(__file__))


class FaultError(Exception):
    """What a connector did wrong other than raise: a module that is not there, an answer of the wrong shape."""

    def __init__(self, kind: str, message: str, **details: Any) -> None:
        """Name the kind of fault, and what the program is to know of it."""
        super().__init__(message)
        self.kind = kind
        self.details = details


def told(error: BaseException) -> dict[str, Any]:
    """Give an exception as JSON: its class, message, place and traceback, without the worker's own part of it."""
    if isinstance(error, FaultError):
        return {"kind": error.kind, "message": str(error), **error.details}
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_ours(frame.filename)]
    place = f"{frames[-1].filename}:{frames[-1].lineno} in {frames[-1].name}" if frames else None
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return {
        "kind": "raised",
        "type": type(error).__name__,
        "message": _text(error),
        "classes": [kind.__name__ for kind in type(error).__mro__],
        "status": _status(error),
        "module": getattr(error, "name", None) if isinstance(error, ImportError) else None,
        "place": place,
        "cause": f"{type(cause).__name__}: {_text(cause)}" if cause else None,
        "traceback": "".join(traceback.format_list(frames)),
    }


def _is_ours(filename: str) -> bool:
    return filename.startswith(_HERE) or filename.startswith("<frozen")


def _text(error: BaseException) -> str:
    """Give the message; a connector's own exception may not even have one that can be made."""
    try:
        return str(error)
    except Exception as another:
        return f"(its message raised {type(another).__name__})"


def _status(error: BaseException) -> int | None:
    """Give the status of the HTTP response that an exception of ``requests`` or ``httpx`` was raised for."""
    response = getattr(error, "response", None)
    for holder, name in ((response, "status_code"), (response, "status"), (error, "code")):
        status = getattr(holder, name, None)
        if isinstance(status, int) and 100 <= status < 600:
            return status
    return None
