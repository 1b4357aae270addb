"""``Session``: answers requests by asking the connector."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from .channel import Channel
from .failure import FaultError, told
from .loading import abilities, load
from .options import Options
from .values import NotJsonError, encode

#: When a page is full.
PAGE_RECORDS = 1_000
PAGE_BYTES = 1 << 20

#: The longest time that a record waits for others.
LONGEST_WAIT_SECONDS = 1.0


class Session:
    """One connector, and the requests to it."""

    def __init__(self, name: str, channel: Channel) -> None:
        """Answer what comes through a channel by the connector of this name; it is loaded when that is asked for."""
        self._name = name
        self._channel = channel
        self._connector: Any = None

    def serve(self) -> None:
        """Answer requests until there are no more."""
        for request in self._channel.requests():
            for options in ("options", "table_options"):
                if options in request:
                    request[options] = Options(request[options])
            try:
                answer = getattr(self, f"_{request['method']}")(request)
            except Exception as error:
                answer = {"error": told(error)}
            self._channel.send(answer)

    def _connect(self, request: dict[str, Any]) -> dict[str, Any]:
        connector = load(self._name)
        self._connector = connector(request["options"])
        return {"result": abilities(connector)}

    def _list_tables(self, _request: dict[str, Any]) -> dict[str, Any]:
        return {"result": _names("list_tables", self._connector.list_tables())}

    def _get_table_schema(self, request: dict[str, Any]) -> dict[str, Any]:
        schema = self._connector.get_table_schema(request["table"], request["table_options"])
        if isinstance(schema, str):
            return {"result": {"ddl": schema}}
        if callable(getattr(schema, "jsonValue", None)):
            return {"result": {"json": schema.jsonValue()}}
        raise _misshapen("get_table_schema", "a `StructType` of PySpark or text in Spark SQL DDL", schema)

    def _read_table_metadata(self, request: dict[str, Any]) -> dict[str, Any]:
        metadata = self._connector.read_table_metadata(request["table"], request["table_options"])
        return {"result": _object("read_table_metadata", metadata)}

    def _list_namespaces(self, request: dict[str, Any]) -> dict[str, Any]:
        found = self._connector.list_namespaces(request["prefix"])
        if not isinstance(found, (list, tuple)):
            raise _misshapen("list_namespaces", "a list of paths", found)
        return {"result": [_names("list_namespaces", path) for path in found]}

    def _list_tables_in_namespace(self, request: dict[str, Any]) -> dict[str, Any]:
        found = self._connector.list_tables_in_namespace(request["namespace"])
        return {"result": _names("list_tables_in_namespace", found)}

    def _is_partitioned(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"result": bool(self._connector.is_partitioned(request["table"]))}

    def _latest_offset(self, request: dict[str, Any]) -> dict[str, Any]:
        offset = self._connector.latest_offset(request["table"], request["table_options"], request["start"])
        return {"result": _object("latest_offset", offset)}

    def _get_partitions(self, request: dict[str, Any]) -> dict[str, Any]:
        ends = [request[end] for end in ("start", "end") if end in request]
        found = self._connector.get_partitions(request["table"], request["table_options"], *ends)
        if not isinstance(found, Sequence) or isinstance(found, (str, bytes)):
            raise _misshapen("get_partitions", "a list of dictionaries", found)
        return {"result": [_object("get_partitions", partition) for partition in found]}

    def _read_table(self, request: dict[str, Any]) -> dict[str, Any]:
        return self._read(request["method"], request)

    def _read_table_deletes(self, request: dict[str, Any]) -> dict[str, Any]:
        return self._read(request["method"], request)

    def _read(self, method: str, request: dict[str, Any]) -> dict[str, Any]:
        answer = getattr(self._connector, method)(request["table"], request["start"], request["table_options"])
        if not isinstance(answer, (tuple, list)) or len(answer) != 2:
            raise _misshapen(method, "two values, records and an offset", answer)
        records, offset = answer
        offset = None if offset is None else _object(method, offset)
        self._send_pages(method, records)
        return {"end": {"offset": offset}}

    def _read_partition(self, request: dict[str, Any]) -> dict[str, Any]:
        partition, options = request["partition"], request["table_options"]
        self._send_pages("read_partition", self._connector.read_partition(request["table"], partition, options))
        return {"end": {"offset": None}}

    def _send_pages(self, method: str, records: Any) -> None:
        """Take records one by one, and send them in pages; a record waits neither for many nor for long."""
        if not isinstance(records, Iterable) or isinstance(records, (str, bytes, Mapping)):
            raise _misshapen(method, "an iterator of dictionaries", records)
        iterator = iter(records)
        try:
            page: list[bytes] = []
            size, begun = 0, time.monotonic()
            for number, record in enumerate(iterator, start=1):
                page.append(_record(method, number, record))
                size += len(page[-1]) + 1
                if len(page) >= PAGE_RECORDS or size >= PAGE_BYTES or time.monotonic() - begun > LONGEST_WAIT_SECONDS:
                    self._send_page(page)
                    page, size, begun = [], 0, time.monotonic()
            self._send_page(page)
        finally:
            # A read that nobody wants any more ends here, and the connector with it.
            if callable(close := getattr(iterator, "close", None)):
                close()

    def _send_page(self, page: list[bytes]) -> None:
        if page:
            body = b"[" + b",".join(page) + b"]"
            self._channel.send({"page": {"records": len(page), "bytes": len(body)}}, body)


def _record(method: str, number: int, record: Any) -> bytes:
    if callable(as_dict := getattr(record, "asDict", None)):
        record = as_dict(True)  # a row of PySpark
    if not isinstance(record, Mapping):
        raise FaultError("shape", f"record {number} of `{method}` is {_kind(record)}, expected a dictionary")
    try:
        return encode(record)
    except NotJsonError as error:
        raise FaultError("value", f"record {number} of `{method}`: {error}") from None


def _object(method: str, value: Any) -> Any:
    """Give a dictionary with nothing in it but what JSON has."""
    if not isinstance(value, Mapping):
        raise _misshapen(method, "a dictionary", value)
    try:
        return json.loads(encode(value))
    except NotJsonError as error:
        raise FaultError("value", f"the dictionary of `{method}`: {error}") from None


def _names(method: str, value: Any) -> list[str]:
    if isinstance(value, (list, tuple)) and all(isinstance(name, str) for name in value):
        return list(value)
    raise _misshapen(method, "a list of text", value)


def _misshapen(method: str, expected: str, found: Any) -> FaultError:
    return FaultError("shape", f"`{method}` returned {_kind(found)}, expected {expected}")


def _kind(value: Any) -> str:
    """Tell what a value is, without showing it: it may be a secret."""
    if value is None:
        return "`None`"
    if isinstance(value, Iterator):
        return f"an iterator (`{type(value).__name__}`)"
    if isinstance(value, (tuple, list, dict, str)):
        return f"a `{type(value).__name__}` of length {len(value)}"
    return f"a `{type(value).__name__}`"
