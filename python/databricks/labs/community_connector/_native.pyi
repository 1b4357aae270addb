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

    def most_readers(self, most: int, at_once: int) -> int:
        """Tell how many processes may read at a time: `at_once` where the source declares limits, else `most`."""

    def shared_by(self, readers: int) -> Connection:
        """Give this connection for one of so many processes that read at a time: it keeps its share of the limits."""

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

class Sink:
    """A Delta table that batches are applied to. It is pickled as its options and opened where it is used."""

    def __init__(self, options: dict[str, str]) -> None:
        """Take the options; their names are those of the guide, in any case."""

    def stage(self, batches: Iterator[pa.RecordBatch], query: str, number: int | None = None) -> str:
        """Stage the rows of one task of a batch of a query, and give what the driver has to know of it."""

    def apply(
        self, schema: pa.Schema, shares: list[str], number: int | None = None, *, overwrite: bool = False
    ) -> dict[str, object]:
        """Apply a batch, of what its tasks have staged; tell what it came to."""

    def clear(self, shares: list[str], number: int | None = None) -> None:
        """Remove what the tasks of a batch have staged."""

class SpecTable(TypedDict):
    """What has to be asked about a table of a spec."""

    source_table: str
    options: dict[str, str]
    bad_values: str

class ParsedSpec(TypedDict):
    """A pipeline spec that has been checked."""

    connection_name: str
    tables: list[SpecTable]

class PlannedTable(TypedDict):
    """How a table of a spec gets into its destination."""

    source_table: str
    options: dict[str, str]
    catalog: str | None
    schema: str
    table: str
    flow: str
    keys: list[str]
    sequence_by: list[str]
    cluster_by: list[str]
    has_deletes: bool
    sink: dict[str, str]

def parse_spec(text: str, origin: str) -> ParsedSpec:
    """Read a pipeline spec in YAML or JSON."""

def plan_spec(
    text: str, origin: str, known: list[tuple[pa.Schema, list[str], str | None, str]], lakehouse: str
) -> list[PlannedTable]:
    """Plan a spec whose tables are known: schema, primary keys, cursor field, ingestion type."""
