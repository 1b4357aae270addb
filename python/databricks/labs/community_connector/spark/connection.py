"""``Connection``: what a data source asks of a connector, whatever language it is written in."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from databricks.labs.community_connector import _native

if TYPE_CHECKING:
    import pyarrow as pa

    from databricks.labs.community_connector._native import TableMetadata
    from databricks.labs.community_connector.spark.options import ReadOptions


#: Set where Spark is the platform's: Unity Catalog has the connections there, and puts their options among the read's.
_PLATFORM = "DATABRICKS_RUNTIME_VERSION"


class Read(Iterator["tuple[pa.RecordBatch | None, str | None]"], Protocol):
    """A read: batches, and the offsets (JSON) up to which everything has been given; ``close`` stops it."""

    def close(self) -> None:
        """Stop the read and its requests."""


class Connection(Protocol):
    """A connection to a source. It can be pickled; ``_native.Connection`` says what each method gives."""

    @property
    def source(self) -> str: ...  # noqa: D102

    def table_options(self, table: str, options: dict[str, str]) -> dict[str, str]: ...  # noqa: D102

    def list_tables(self) -> list[str]: ...  # noqa: D102

    def list_namespaces(self, prefix: list[str]) -> list[list[str]] | None: ...  # noqa: D102

    def list_tables_in_namespace(self, namespace: list[str]) -> list[str] | None: ...  # noqa: D102

    def metadata(self, table: str, options: dict[str, str]) -> TableMetadata: ...  # noqa: D102

    def schema(  # noqa: D102
        self, table: str, options: dict[str, str], *, deletes: bool = False, bad_values: str = "rescue"
    ) -> tuple[str, pa.Schema]: ...

    def read(  # noqa: D102
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
    ) -> Read: ...

    def read_partitions(  # noqa: D102
        self,
        table: str,
        options: dict[str, str],
        partitions: str,
        *,
        until: str | None = None,
        deletes: bool = False,
        bad_values: str = "rescue",
        batch_rows: int = 10_000,
    ) -> Read: ...

    def most_readers(self, most: int, at_once: int) -> int: ...  # noqa: D102

    def shared_by(self, readers: int) -> Connection: ...  # noqa: D102

    def is_partitioned(self, table: str, options: dict[str, str]) -> bool: ...  # noqa: D102

    def latest_offset(  # noqa: D102
        self, table: str, options: dict[str, str], *, start: str = "{}", until: str | None = None
    ) -> str: ...

    def partitions(self, table: str, options: dict[str, str], start: str, end: str) -> list[str]: ...  # noqa: D102


def connect(options: ReadOptions, source: str | Callable[[ReadOptions], Connection] | None) -> Connection:
    """Connect to a source as the options say: by the connection's name, or with the parameters among the options.

    A function in place of the source's name connects by itself, to something that is not written in Rust.
    """
    if callable(source):
        return source(options)
    name, found = options.connection, options.source or source
    if source is not None and ":" in source and _PLATFORM in os.environ:
        # A connector written in Python declares no parameters by which those of a connection could be known.
        name, found = None, source
    return _native.Connection.resolve(options.rest, name=name, source=found, upstream=options.upstream)
