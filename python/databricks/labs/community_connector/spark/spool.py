"""``Spool``: ranges of a stream, kept as Arrow files until a later range has been committed.

LOCATION/STREAM/NUMBER/range.json       written last: the files of the range
LOCATION/STREAM/NUMBER/RANDOM-0.arrow
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.fs as pafs

from databricks.labs.community_connector.errors import StorageError

#: Rows of a file: what one task serves. Small enough for a batch of middle size to be shared by several tasks.
FILE_ROWS = 20_000

_RANGE = "range.json"
_COMPRESSED = pa.ipc.IpcWriteOptions(compression="lz4")


def default_location() -> str:
    """Give the folder of this user for ranges."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(cache, "community-connector", "spool")


def open_location(location: str) -> tuple[pafs.FileSystem, str]:
    """Give the file system of a folder or URL, and its path there."""
    if "://" in location or location.startswith("file:"):
        return pafs.FileSystem.from_uri(location)
    return pafs.LocalFileSystem(), os.path.abspath(location)


class Spool:
    """The ranges of one stream."""

    def __init__(self, location: str | None, stream: str) -> None:
        """Keep the ranges of a stream in a folder, or at a URL that ``pyarrow.fs`` knows."""
        self.location = location or default_location()
        self.stream = stream

    def begin(self, number: int, schema: pa.Schema) -> RangeWriter:
        """Begin a range; one of this number that was never finished is written anew."""
        filesystem, root = open_location(self.location)
        folder = f"{root}/{self.stream}/{number}"
        try:
            if isinstance(filesystem, pafs.LocalFileSystem):
                # What a source sends is nobody else's business.
                os.makedirs(root, mode=0o700, exist_ok=True)
            filesystem.create_dir(folder)
        except OSError as error:
            raise StorageError(
                f"the spool `{self.location}` cannot be written: {error}",
                ["set the option `spoolLocation` to a folder or URL that the driver and all executors can reach"],
            ) from error
        return RangeWriter(filesystem, folder, schema)

    def files(self, first: int, last: int) -> list[str]:
        """Give the names of the files of some ranges, to be given to :meth:`read`."""
        filesystem, root = open_location(self.location)
        names = []
        for number in range(first, last + 1):
            path = f"{root}/{self.stream}/{number}/{_RANGE}"
            try:
                with filesystem.open_input_stream(path) as file:
                    listed = json.loads(file.read())["files"]
            except OSError as error:
                raise self._missing(path, error) from error
            names.extend(f"{self.stream}/{number}/{name}" for name in listed)
        return names

    def read(self, name: str) -> Iterator[pa.RecordBatch]:
        """Give the batches of a file."""
        filesystem, root = open_location(self.location)
        path = f"{root}/{name}"
        try:
            file = filesystem.open_input_file(path)
        except OSError as error:
            raise self._missing(path, error) from error
        with file, pa.ipc.open_file(file) as reader:
            for position in range(reader.num_record_batches):
                yield reader.get_batch(position)

    def remove_before(self, number: int) -> None:
        """Remove the ranges before one."""
        filesystem, root = open_location(self.location)
        folders = filesystem.get_file_info(pafs.FileSelector(f"{root}/{self.stream}", allow_not_found=True))
        for folder in folders:
            if folder.base_name.isdecimal() and int(folder.base_name) < number:
                filesystem.delete_dir(folder.path)

    def _missing(self, path: str, error: OSError) -> StorageError:
        return StorageError(
            f"a range of the stream is not in the spool: `{path}`: {error}",
            [
                "set the option `spoolLocation` to a folder or URL that the driver and all executors can reach",
                "where the spool was removed, start the query with a new checkpoint",
            ],
        )


class RangeWriter:
    """Writes one range."""

    def __init__(self, filesystem: pafs.FileSystem, folder: str, schema: pa.Schema) -> None:
        """Write to a folder that is there."""
        self.rows = 0
        self._filesystem = filesystem
        self._folder = folder
        self._schema = schema
        self._prefix = uuid.uuid4().hex[:8]
        self._files: list[str] = []
        self._file: pa.ipc.RecordBatchFileWriter | None = None
        self._sink: pa.NativeFile | None = None
        self._file_rows = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Add a batch."""
        if self._file is None or self._file_rows >= FILE_ROWS:
            self._next_file()
        self._file.write_batch(batch)
        self._file_rows += batch.num_rows
        self.rows += batch.num_rows

    def finish(self) -> None:
        """Make the range complete."""
        self._close_file()
        with self._filesystem.open_output_stream(f"{self._folder}/{_RANGE}") as file:
            file.write(json.dumps({"files": self._files, "rows": self.rows}).encode())

    def discard(self) -> None:
        """Remove what was written."""
        self._close_file()
        self._filesystem.delete_dir(self._folder)

    def _next_file(self) -> None:
        self._close_file()
        name = f"{self._prefix}-{len(self._files)}.arrow"
        self._sink = self._filesystem.open_output_stream(f"{self._folder}/{name}")
        self._file = pa.ipc.new_file(self._sink, self._schema, options=_COMPRESSED)
        self._files.append(name)
        self._file_rows = 0

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._sink.close()
            self._file = self._sink = None
