"""``SupportsPartition`` and ``SupportsPartitionedStream``: reads that several workers share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any


class SupportsPartition(ABC):
    """A connector that can split the read of a whole table."""

    @abstractmethod
    def get_partitions(self, table_name: str, table_options: dict[str, str]) -> Sequence[dict[str, Any]]:
        """Give small dictionaries of JSON values that together describe the whole table."""

    @abstractmethod
    def read_partition(
        self, table_name: str, partition: dict[str, Any], table_options: dict[str, str]
    ) -> Iterator[dict[str, Any]]:
        """Give the records of one partition. It may run in another process than ``get_partitions`` did."""


class SupportsPartitionedStream(SupportsPartition):
    """A connector that can also split the read of what changed.

    Ranges are without their start and with their end: ``(start_offset, end_offset]``.
    """

    def is_partitioned(self, table_name: str) -> bool:
        """Tell whether this table is read by partitions; others are read by ``read_table``."""
        return True

    @abstractmethod
    def latest_offset(
        self, table_name: str, table_options: dict[str, str], start_offset: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Tell how far the table can be read now; ``start_offset`` itself where nothing is new. It should be cheap."""

    @abstractmethod
    def get_partitions(
        self,
        table_name: str,
        table_options: dict[str, str],
        start_offset: dict[str, Any] | None = None,
        end_offset: dict[str, Any] | None = None,
    ) -> Sequence[dict[str, Any]]:
        """Give the partitions of a range; of the whole table where no end is given, none where both are equal."""
