"""``Planner``: the driver's part of a stream with opaque offsets: it reads each range once, into the spool."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pyarrow as pa

from databricks.labs.community_connector.errors import DefinitionError
from databricks.labs.community_connector.spark.offsets import SpoolOffset
from databricks.labs.community_connector.spark.spool import RangeWriter, Spool
from databricks.labs.community_connector.spark.table import BATCH_ROWS, Table

if TYPE_CHECKING:
    from databricks.labs.community_connector.spark.connection import Read


class Planner:
    """Reads ranges of a table into the spool, one after the other.

    A range that is closed by a limit leaves its read open: the next range goes on with it, no page is fetched twice.
    """

    def __init__(self, table: Table, schema: pa.Schema) -> None:
        """Plan ranges of a table."""
        self._table = table
        self._schema = schema
        self._until: str | None = None
        self._planned: dict[SpoolOffset, SpoolOffset] = {}
        self._open: tuple[str, Read] | None = None
        self._drained_at: str | None = None

    def stop_at(self, until: str) -> None:
        """Read what exists at this instant and nothing later."""
        self._until = until

    def plan(self, start: SpoolOffset, max_rows: int | None) -> SpoolOffset:
        """Read the range behind a place, and give its end; the place itself where there is nothing new."""
        if start in self._planned:
            return self._planned[start]
        if self._until is not None and start.offset == self._drained_at:
            return start
        read = self._read_from(start.offset, max_rows)
        spool = Spool(self._table.asked.spool, start.stream)
        writer = spool.begin(start.range + 1, self._schema)
        try:
            offset = self._fill(writer, read, start.offset, max_rows)
        except BaseException:
            read.close()
            with contextlib.suppress(OSError):
                writer.discard()
            raise
        if offset == start.offset:
            writer.discard()
            return start
        writer.finish()
        end = start.next(offset)
        self._planned = {start: end}
        return end

    def _read_from(self, offset: str, max_rows: int | None) -> Read:
        known, self._open = self._open, None
        if known is not None:
            if known[0] == offset:
                return known[1]
            known[1].close()
        table = self._table
        return table.connection.read(
            table.name,
            table.options,
            start=offset,
            until=self._until,
            deletes=table.asked.deletes,
            bad_values=table.asked.bad_values,
            batch_rows=min(BATCH_ROWS, max_rows or BATCH_ROWS),
            keeps_all=True,
        )

    def _fill(self, writer: RangeWriter, read: Read, start: str, max_rows: int | None) -> str:
        """Write a range: to the end of the read, or to the first checkpoint at which there are enough rows."""
        offset = start
        uncovered = 0
        for batch, checkpoint in read:
            if batch is not None:
                writer.write(batch)
                uncovered += batch.num_rows
            if checkpoint is None:
                continue
            if checkpoint == offset and uncovered:
                raise self._fault("gave rows without moving its offset", offset)
            offset, uncovered = checkpoint, 0
            if max_rows is not None and writer.rows >= max_rows:
                self._open = (offset, read)
                return offset
        if uncovered:
            raise self._fault("ended a read without a checkpoint", offset)
        self._drained_at = offset
        return offset

    def _fault(self, what: str, offset: str) -> DefinitionError:
        return DefinitionError(f"the connector {what} (table `{self._table.name}`, offset `{offset}`)")
