"""``LakeflowConnect``: what every connector can be asked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql.types import StructType


class LakeflowConnect(ABC):
    """A connector to one account of one source.

    A new instance is made for each read, so an instant that the constructor keeps is the instant at which the read
    began: return nothing that changed later, or the read would never end.
    """

    def __init__(self, options: dict[str, str]) -> None:
        """Take the options of the connection and of the table together; all values are text."""
        self.options = options

    @abstractmethod
    def list_tables(self) -> list[str]:
        """Give the names of the tables that can be read."""

    @abstractmethod
    def get_table_schema(self, table_name: str, table_options: dict[str, str]) -> StructType | str:
        """Give the columns of a table: a ``StructType``, or Spark SQL DDL (``id BIGINT NOT NULL, name STRING``)."""

    @abstractmethod
    def read_table_metadata(self, table_name: str, table_options: dict[str, str]) -> dict[str, Any]:
        """Tell what identifies and orders the rows of a table.

        ``ingestion_type`` is ``snapshot``, ``cdc``, ``cdc_with_deletes`` or ``append``; ``primary_keys`` is a list of
        columns; ``cursor_field`` is the column by which changes are ordered. Nested columns are ``outer.inner``.
        """

    @abstractmethod
    def read_table(
        self, table_name: str, start_offset: dict[str, Any] | None, table_options: dict[str, str]
    ) -> tuple[Iterator[dict[str, Any]], dict[str, Any] | None]:
        """Give the records from an offset on, and the offset behind them.

        It is called again with the offset that it returned, until it returns the one that it was given, and no
        records. The first offset of a table is ``{}``; a snapshot gets ``None``, and returns ``None`` or ``{}`` when
        that was all. Records are dictionaries as the source has them: values are typed by the schema later.
        """

    def read_table_deletes(
        self, table_name: str, start_offset: dict[str, Any] | None, table_options: dict[str, str]
    ) -> tuple[Iterator[dict[str, Any]], dict[str, Any] | None]:
        """Give the deleted rows from an offset on, like :meth:`read_table`; only ``cdc_with_deletes`` tables need it.

        Each row has at least the primary keys and the cursor field.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say which rows of {table_name!r} were deleted")
