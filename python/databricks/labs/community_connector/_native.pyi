"""The native module: connectors in Rust."""

from collections.abc import Iterator
from typing import TypedDict

import pyarrow as pa

__version__: str

class TableMetadata(TypedDict):
    """What identifies and orders a table's rows, and how they change."""

    primary_keys: list[str]
    cursor_field: str | None
    ingestion_type: str

def main() -> int:
    """Run the program `community-connector` with the arguments of this process; give its exit code."""

def sources() -> list[str]:
    """Give the names of all sources, sorted."""

class Connection:
    """A connection to a source. It is pickled as its description and opened where it is used."""

    @staticmethod
    def resolve(
        options: dict[str, str], *, name: str | None = None, source: str | None = None, upstream: str | None = None
    ) -> Connection:
        """Find the connection of this name; else make one to `source`, of the parameters among the options."""

    @staticmethod
    def restore(description: str) -> Connection:
        """Give the connection that was pickled."""

    @property
    def source(self) -> str:
        """The source's name."""

    def table_options(self, table: str, options: dict[str, str]) -> dict[str, str]:
        """Give the options that are a table's own, in the case that the source gives them."""

    def list_tables(self) -> list[str]:
        """Give the names of the tables."""

    def list_namespaces(self, prefix: list[str]) -> list[list[str]] | None:
        """Give the namespaces directly below one; nothing where the source has none."""

    def list_tables_in_namespace(self, namespace: list[str]) -> list[str] | None:
        """Give the tables directly in a namespace; nothing where the source has none."""

    def metadata(self, table: str, options: dict[str, str]) -> TableMetadata:
        """Give primary keys, cursor field and ingestion type of a table."""

    def schema(
        self, table: str, options: dict[str, str], *, deletes: bool = False, bad_values: str = "rescue"
    ) -> tuple[str, pa.Schema]:
        """Give the schema of a table's rows: as Spark SQL DDL, and in Arrow."""

    def read(
        self,
        table: str,
        options: dict[str, str],
        *,
        start: str = "{}",
        until: str | None = None,
        deletes: bool = False,
        bad_values: str = "rescue",
        batch_rows: int = 10_000,
        keeps_all: bool = False,
    ) -> Read:
        """Read a table from an offset on, up to an instant: now, where none is given."""

    def read_partitions(
        self,
        table: str,
        options: dict[str, str],
        partitions: str,
        *,
        until: str | None = None,
        deletes: bool = False,
        bad_values: str = "rescue",
        batch_rows: int = 10_000,
    ) -> Read:
        """Read some partitions, given as a JSON list, one after the other."""

    def is_partitioned(self, table: str, options: dict[str, str]) -> bool:
        """Tell whether the table can be read by several workers."""

    def latest_offset(self, table: str, options: dict[str, str], *, start: str = "{}", until: str | None = None) -> str:
        """Tell how far a partitioned table can be read now."""

    def partitions(self, table: str, options: dict[str, str], start: str, end: str) -> list[str]:
        """Give the partitions of a range, start-exclusive and end-inclusive."""

class Read(Iterator[tuple[pa.RecordBatch | None, str | None]]):
    """A read that goes on in the background: batches, and the offsets up to which everything has been given."""

    def __next__(self) -> tuple[pa.RecordBatch | None, str | None]:
        """Give the next batch or `None`, and the offset that it completes or `None`."""

    def close(self) -> None:
        """Stop the read and its requests."""
