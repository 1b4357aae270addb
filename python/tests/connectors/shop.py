"""A connector to a made-up shop: every ingestion type, deletes, namespaces and partitions.

The shop is a function of its day: on a later day there are more rows, some have changed, and some are gone. So a test
chooses what happens between two runs by the option ``day``, and :func:`rows` says what there is then.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from databricks.labs.community_connector.interface import (
    LakeflowConnect,
    LakeflowSource,
    SupportsNamespaces,
    SupportsPartitionedStream,
)

OPENING = datetime(2026, 3, 1, tzinfo=timezone.utc)
DAY = timedelta(days=1)

Record = dict[str, Any]
Offset = dict[str, Any]

SCHEMAS = {
    "products": "id BIGINT NOT NULL, name STRING, price DECIMAL(10,2), added DATE, tags ARRAY<STRING>, image BINARY",
    "customers": "id BIGINT NOT NULL, name STRING, address STRUCT<city: STRING, zip: STRING>, visits INT, "
    "updated_at TIMESTAMP NOT NULL",
    "orders": "id BIGINT NOT NULL, customer_id BIGINT, total DECIMAL(12,2), state STRING, "
    "updated_at TIMESTAMP NOT NULL",
    "visits": "id BIGINT NOT NULL, page STRING, seen_at TIMESTAMP NOT NULL",
    "metrics": "hour TIMESTAMP NOT NULL, shop INT NOT NULL, load DOUBLE, "
    "detail STRUCT<requests: BIGINT, errors: BIGINT>",
}

METADATA: dict[str, Record] = {
    "products": {"ingestion_type": "snapshot", "primary_keys": ["id"]},
    "customers": {"ingestion_type": "cdc", "primary_keys": ["id"], "cursor_field": "updated_at"},
    "orders": {"ingestion_type": "cdc_with_deletes", "primary_keys": ["id"], "cursor_field": "updated_at"},
    "visits": {"ingestion_type": "append", "primary_keys": [], "cursor_field": "seen_at"},
    "metrics": {"ingestion_type": "append", "primary_keys": [], "cursor_field": "hour"},
}

NAMESPACES: dict[tuple[str, ...], list[str]] = {
    ("sales",): ["products", "customers"],
    ("sales", "web"): ["orders"],
    ("web",): ["visits", "metrics"],
}


class Shop:
    """The shop itself, as it is at an instant; it stands for an API over HTTP."""

    def __init__(self, now: datetime, scale: int) -> None:
        self.now = now
        self.scale = scale

    def products(self) -> Iterator[Record]:
        day = (self.now - OPENING).days
        for number in range(1, 20 * self.scale + 5 * day):
            if number % 10 != 3 or day < 2:
                yield {
                    "id": number,
                    "name": f"product {number}",
                    "price": Decimal(number) + Decimal("0.95") + day * (number % 4 == 0),
                    "added": date(2026, 1, 1) + timedelta(days=number % 28),
                    "tags": {f"tag{number % 3}", "all"},
                    "image": bytes([number % 256, 255, 0]),
                }

    def customers(self) -> Iterator[Record]:
        for number in range(1, 30 * self.scale):
            if changed := self._changes(number, every=4):
                yield {
                    "id": number,
                    "name": f"customer {number}",
                    "address": {"city": f"city {number % 7}", "zip": f"{number:05}"},
                    "visits": len(changed),
                    "updated_at": changed[-1],
                }

    def orders(self) -> Iterator[Record]:
        for number in range(1, 50 * self.scale):
            changed = self._changes(number, every=3)
            if changed and not self._deleted_at(number):
                yield {
                    "id": number,
                    "customer_id": number % 29 + 1,
                    "total": Decimal(number) * Decimal("1.10"),
                    "state": ["new", "paid", "sent"][len(changed) % 3],
                    "updated_at": changed[-1],
                }

    def deleted_orders(self) -> Iterator[Record]:
        for number in range(1, 50 * self.scale):
            if instant := self._deleted_at(number):
                yield {"id": number, "updated_at": instant}

    def visits(self) -> Iterator[Record]:
        for number in range(int((self.now - OPENING) / timedelta(minutes=10)) * self.scale + 1):
            seen_at = OPENING + number * timedelta(minutes=10) / self.scale
            yield {"id": number, "page": f"/products/{number % 40}", "seen_at": seen_at}

    def metrics(self) -> Iterator[Record]:
        for hour in range(int((self.now - OPENING) / timedelta(hours=1)) + 1):
            for shop in range(2 * self.scale):
                yield {
                    "hour": OPENING + timedelta(hours=hour),
                    "shop": shop,
                    "load": hour / (shop + 1) if hour % 5 else float("nan"),
                    "detail": {"requests": hour * 100 + shop, "errors": hour % 3},
                }

    def _changes(self, number: int, every: int) -> list[datetime]:
        """The instants at which a row was made or changed."""
        made = OPENING + timedelta(minutes=number % 700)
        later = (made + day * DAY for day in range(1, 60) if (number + day) % every == 0)
        return [instant for instant in (made, *later) if instant <= self.now]

    def _deleted_at(self, number: int) -> datetime | None:
        instant = OPENING + (number % 5 + 1) * DAY + timedelta(minutes=number % 700, seconds=30)
        return instant if number % 6 == 0 and instant <= self.now else None


class ShopConnector(LakeflowConnect, SupportsNamespaces, SupportsPartitionedStream):
    """Options: ``token``; ``day``, ``scale`` and ``pause_milliseconds`` (a batch) for tests; of tables
    ``max_records_per_batch`` and ``window_hours``, and ``firstPages`` of the visits."""

    def __init__(self, options: dict[str, str]) -> None:
        super().__init__(options)
        if options.get("token", "open sesame") != "open sesame":
            raise PermissionError(f"the shop does not know the token {options['token']}")
        self.now = OPENING + int(options.get("day", "1")) * DAY
        self.shop = Shop(self.now, int(options.get("scale", "1")))
        print("the shop is open")

    def list_tables(self) -> list[str]:
        return list(SCHEMAS)

    def get_table_schema(self, table_name: str, table_options: dict[str, str]) -> str:
        self._check(table_name)
        return SCHEMAS[table_name]

    def read_table_metadata(self, table_name: str, table_options: dict[str, str]) -> Record:
        self._check(table_name)
        return METADATA[table_name]

    def read_table(
        self, table_name: str, start_offset: Offset | None, table_options: dict[str, str]
    ) -> tuple[Iterator[Record], Offset | None]:
        self._check(table_name)
        time.sleep(int(self.options.get("pause_milliseconds", "0")) / 1000)
        if table_name == "products":
            return self.shop.products(), None
        if table_name == "visits":
            pages = {f"/products/{number}" for number in range(int(table_options.get("firstPages", "40")))}
            visits = (visit for visit in self.shop.visits() if visit["page"] in pages)
            return self._read_window("seen_at", visits, start_offset or {}, table_options)
        return self._read_changes(getattr(self.shop, table_name)(), start_offset or {}, table_options)

    def read_table_deletes(
        self, table_name: str, start_offset: Offset | None, table_options: dict[str, str]
    ) -> tuple[Iterator[Record], Offset | None]:
        if table_name != "orders":
            return super().read_table_deletes(table_name, start_offset, table_options)
        return self._read_changes(self.shop.deleted_orders(), start_offset or {}, table_options)

    def list_namespaces(self, prefix: list[str] | None = None) -> list[list[str]]:
        above = tuple(prefix or ())
        return [list(path) for path in NAMESPACES if path[:-1] == above]

    def list_tables_in_namespace(self, namespace: list[str]) -> list[str]:
        return NAMESPACES.get(tuple(namespace), [])

    def is_partitioned(self, table_name: str) -> bool:
        return table_name == "metrics"

    def latest_offset(
        self, table_name: str, table_options: dict[str, str], start_offset: Offset | None = None
    ) -> Offset:
        return {"hour": self.now.isoformat()}

    def get_partitions(
        self,
        table_name: str,
        table_options: dict[str, str],
        start_offset: Offset | None = None,
        end_offset: Offset | None = None,
    ) -> list[Record]:
        """Parts of twelve hours."""
        begin = datetime.fromisoformat(start_offset["hour"]) if start_offset else OPENING - timedelta(hours=1)
        end = datetime.fromisoformat(end_offset["hour"]) if end_offset else self.now
        parts = []
        while begin < end:
            middle = min(begin + timedelta(hours=12), end)
            parts.append({"after": begin.isoformat(), "until": middle.isoformat()})
            begin = middle
        return parts

    def read_partition(self, table_name: str, partition: Record, table_options: dict[str, str]) -> Iterator[Record]:
        after, until = (datetime.fromisoformat(partition[end]) for end in ("after", "until"))
        return (record for record in self.shop.metrics() if after < record["hour"] <= until)

    def _check(self, table_name: str) -> None:
        if table_name not in SCHEMAS:
            raise ValueError(f"the shop has no table {table_name!r}")

    def _read_changes(
        self, records: Iterator[Record], start: Offset, options: dict[str, str]
    ) -> tuple[Iterator[Record], Offset]:
        """The oldest changes behind the cursor; records of one instant stay together."""
        after = start.get("updated_at", "")
        changed = [record for record in records if record["updated_at"].isoformat() > after]
        changed.sort(key=lambda record: record["updated_at"])
        if not changed:
            return iter([]), start
        last = min(int(options.get("max_records_per_batch", "1000")), len(changed)) - 1
        until = changed[last]["updated_at"]
        batch = [record for record in changed if record["updated_at"] <= until]
        return iter(batch), {"updated_at": until.isoformat()}

    def _read_window(
        self, field: str, records: Iterator[Record], start: Offset, options: dict[str, str]
    ) -> tuple[Iterator[Record], Offset]:
        """What happened in the hours behind the offset, made while it is taken."""
        after = datetime.fromisoformat(start["until"]) if start else OPENING - timedelta(seconds=1)
        until = min(after + timedelta(hours=int(options.get("window_hours", "24"))), self.now)
        if until <= after:
            return iter([]), start
        return (record for record in records if after < record[field] <= until), {"until": until.isoformat()}


class ShopSource(LakeflowSource):
    """The shop as a Spark data source."""

    _lakeflow_connect_cls = ShopConnector


def rows(table: str, day: int, scale: int = 1) -> list[Record]:
    """The rows of a table on a day, said without any of the connector."""
    return list(getattr(Shop(OPENING + day * DAY, scale), table)())
