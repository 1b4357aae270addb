"""The exceptions of this package: one class for each kind of error."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = [
    "AuthenticationError",
    "BadResponseError",
    "BadValueError",
    "CancelledError",
    "ConfigurationError",
    "ConflictError",
    "DefinitionError",
    "InternalError",
    "LakeflowError",
    "NotFoundError",
    "PermissionDeniedError",
    "RateLimitedError",
    "StorageError",
    "UnavailableError",
    "UnsupportedError",
    "of_kind",
]


class LakeflowError(Exception):
    """Something went wrong in a connector, or in what it was asked to do.

    The text says what was expected and what was found, then, after ``hint:``, what to do about it.
    """

    kind = "internal"

    def __init__(self, message: str, hints: Sequence[str] = (), context: Iterable[tuple[str, str]] = ()) -> None:
        """Make an error of a message, of hints that say what to do, and of where it happened."""
        self.message = message
        self.hints = list(hints)
        self.context = dict(context)
        super().__init__(message, self.hints, list(self.context.items()))

    def __str__(self) -> str:
        """Give the message and the hints."""
        return "\n".join([self.message, *(f"hint: {hint}" for hint in self.hints)])


class ConfigurationError(LakeflowError, ValueError):
    """What the user wrote is wrong: a spec, an option, a connection."""

    kind = "configuration"


class DefinitionError(LakeflowError):
    """A connector's definition is wrong."""

    kind = "definition"


class AuthenticationError(LakeflowError):
    """The source does not know who we are."""

    kind = "authentication"


class PermissionDeniedError(LakeflowError):
    """The source knows who we are and refuses."""

    kind = "permission"


class NotFoundError(LakeflowError, LookupError):
    """The thing asked for does not exist."""

    kind = "not_found"


class RateLimitedError(LakeflowError):
    """The source's rate limit outlasts our patience."""

    kind = "rate_limited"


class UnavailableError(LakeflowError):
    """The source or the network did not answer, or not in time."""

    kind = "unavailable"


class BadResponseError(LakeflowError):
    """The source answered, but not what its API promises."""

    kind = "bad_response"


class BadValueError(LakeflowError):
    """A value does not fit its column."""

    kind = "bad_value"


class ConflictError(LakeflowError):
    """Somebody else changed what we were about to change."""

    kind = "conflict"


class StorageError(LakeflowError):
    """Stored data could not be read or written."""

    kind = "storage"


class UnsupportedError(LakeflowError):
    """Asked for something that cannot be done."""

    kind = "unsupported"


class CancelledError(LakeflowError):
    """The user stopped the work."""

    kind = "cancelled"


class InternalError(LakeflowError):
    """A fault of this package."""

    kind = "internal"


_BY_KIND: dict[str, type[LakeflowError]] = {cls.kind: cls for cls in LakeflowError.__subclasses__()}


def of_kind(
    kind: str, message: str, hints: Sequence[str] = (), context: Iterable[tuple[str, str]] = ()
) -> LakeflowError:
    """Give the error of this kind; the native module makes its errors with it."""
    return _BY_KIND.get(kind, LakeflowError)(message, hints, context)
