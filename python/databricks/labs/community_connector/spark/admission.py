"""Admission control of streams, where this version of Spark has it (4.2 and later)."""

from __future__ import annotations

try:
    from pyspark.sql.streaming.datasource import (
        ReadAllAvailable,
        ReadLimit,
        ReadMaxRows,
        SupportsTriggerAvailableNow,
    )

    IS_THERE = True
except ImportError:
    IS_THERE = False

    class ReadLimit:  # type: ignore[no-redef]
        """Stands for a limit; older versions never give one."""

    class ReadAllAvailable(ReadLimit):  # type: ignore[no-redef]
        """Stands for no limit."""

    class ReadMaxRows(ReadLimit):  # type: ignore[no-redef]
        """Stands for a limit of rows."""

        max_rows: int

    class SupportsTriggerAvailableNow:  # type: ignore[no-redef]
        """Stands for the mixin, of which older versions know nothing."""


__all__ = ["IS_THERE", "ReadAllAvailable", "ReadLimit", "ReadMaxRows", "SupportsTriggerAvailableNow"]


def row_limit(limit: ReadLimit | None) -> int | None:
    """Give the rows that a batch may have; nothing where there is no limit."""
    return limit.max_rows if isinstance(limit, ReadMaxRows) else None


def default_limit(max_rows: int | None) -> ReadLimit:
    """Give the limit that the option `maxRowsPerBatch` means."""
    return ReadAllAvailable() if max_rows is None else ReadMaxRows(max_rows)
