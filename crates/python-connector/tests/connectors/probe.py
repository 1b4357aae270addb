"""Connectors of one table that do one thing each, right or wrong."""

import os
import signal
import sys
from collections import namedtuple
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from uuid import UUID

from databricks.labs.community_connector.interface import LakeflowConnect, SupportsNamespaces, SupportsPartition

Pair = namedtuple("Pair", "left right")


class Colour(Enum):
    RED = "red"


@dataclass
class Point:
    x: int
    y: float


class Probe(LakeflowConnect):
    """The right way, with nothing in it."""

    kind = "cdc"
    schema = "id BIGINT, at TIMESTAMP"

    def list_tables(self):
        return ["things"]

    def get_table_schema(self, table_name, table_options):
        if table_name != "things":
            raise ValueError(f"no table {table_name}")
        return self.schema

    def read_table_metadata(self, table_name, table_options):
        if table_name != "things":
            raise ValueError(f"no table {table_name}")
        return {"primary_keys": ["id"], "cursor_field": "at", "ingestion_type": self.kind}

    def read_table(self, table_name, start_offset, table_options):
        return iter([]), start_offset


def things(*numbers):
    return [{"id": number, "at": f"2026-03-01T00:00:{number % 60:02}Z"} for number in numbers]


# Values and schemas


class Values(Probe):
    kind = "snapshot"
    record = {
        "none": None,
        "yes": True,
        "large": 2**70,
        "float": 0.1,
        "not_a_number": float("nan"),
        "infinite": [float("inf"), float("-inf")],
        "decimal": Decimal("12.3400"),
        "decimal_nan": Decimal("NaN"),
        "aware": datetime(2026, 3, 1, 12, 30, tzinfo=timezone(timedelta(hours=2))),
        "naive": datetime(2026, 3, 1, 12, 30, 0, 5),
        "day": date(2026, 3, 1),
        "time": time(12, 30),
        "span": timedelta(days=1, seconds=1, microseconds=500_000),
        "back": -timedelta(seconds=1),
        "bytes": b"\x00\xff",
        "view": memoryview(b"ab"),
        "set": {3, 1, 2},
        "tuple": (1, (2,)),
        "pair": Pair(1, 2),
        "colour": Colour.RED,
        "uuid": UUID(int=1),
        "point": Point(1, float("nan")),
        "keys": {1: "a", True and 2.5: "b", date(2026, 3, 1): "c"},
        "text": 'a "b" \\ \n ü 😀',
        "half": "\ud800",
    }

    def read_table(self, table_name, start_offset, table_options):
        print("printed on stdout")
        os.write(1, b"and written to its descriptor\n")
        return iter([self.record]), None


class Typed(Probe):
    """A schema with the methods of PySpark's ``StructType``."""

    class schema:
        @staticmethod
        def jsonValue():
            field = {"name": "id", "type": "long", "nullable": False, "metadata": {}}
            return {"type": "struct", "fields": [field]}


# Snapshots


class Paged(Probe):
    kind = "snapshot"

    def read_table(self, table_name, start_offset, table_options):
        page = (start_offset or {"page": 0})["page"]
        if page == 3:
            return iter([]), start_offset
        return iter(things(2 * page, 2 * page + 1)), {"page": page + 1}


class Sentinel(Probe):
    """Gives everything whenever it is asked."""

    kind = "snapshot"

    def read_table(self, table_name, start_offset, table_options):
        return iter(things(*range(2_500))), {"done": True}


class Restless(Probe):
    kind = "snapshot"

    def read_table(self, table_name, start_offset, table_options):
        return iter(things(1, 2)), {"synced": (start_offset or {"synced": 0})["synced"] + 1}


class Alike(Probe):
    """Pages that begin with the same record and go on with others."""

    kind = "snapshot"

    def read_table(self, table_name, start_offset, table_options):
        page = (start_offset or {"page": 0})["page"]
        return iter(things(0, page + 1)), {"page": page + 1} if page < 2 else None


# Offsets


class Counting(Probe):
    """Three records a call, up to the number in the option ``until``."""

    def read_table(self, table_name, start_offset, table_options):
        begin, until = start_offset.get("next", 0), int(table_options.get("until", "7"))
        end = min(begin + 3, until)
        return iter(things(*range(begin, end))), {"next": end}


class Stuck(Probe):
    def read_table(self, table_name, start_offset, table_options):
        return iter(things(1, 2)), start_offset


class Nowhere(Probe):
    def read_table(self, table_name, start_offset, table_options):
        return iter(things(1)), None


class Circle(Probe):
    def read_table(self, table_name, start_offset, table_options):
        return iter(things(1)), {"at": (start_offset.get("at", 0) + 1) % 3}


class Chasing(Probe):
    """Always has a record that has just been changed."""

    def read_table(self, table_name, start_offset, table_options):
        number = start_offset.get("n", 0) + 1
        return iter([{"id": number, "at": f"2{number + 900:03}-03-01T00:00:00Z"}]), {"n": number}


class Deleting(Counting):
    kind = "cdc_with_deletes"

    def read_table_deletes(self, table_name, start_offset, table_options):
        return self.read_table(table_name, start_offset, {"until": "2"})


class NotDeleting(Counting):
    kind = "cdc_with_deletes"


# Partitions


class Split(Probe, SupportsPartition):
    kind = "snapshot"

    def get_partitions(self, table_name, table_options):
        return [{"from": number} for number in range(0, 100, 10)]

    def read_partition(self, table_name, partition, table_options):
        return iter(things(*range(partition["from"], partition["from"] + 10)))


class SplitBadly(Split):
    def read_partition(self, table_name, partition, table_options):
        if partition["from"] == 30:
            raise ValueError("part 30 is broken")
        return super().read_partition(table_name, partition, table_options)


# Wrong in other ways


class Raising(Probe):
    def read_table(self, table_name, start_offset, table_options):
        def records():
            yield from things(1, 2)
            try:
                raise OSError("refused " + self.options["token"])
            except OSError as error:
                raise KeyError(f"no answer for {self.options['token']}") from error

        print("asks with", self.options.get("token"))
        return records(), {"at": 1}


class Unauthorized(Probe):
    class Refused(Exception):
        class response:
            status_code = 401

    def list_tables(self):
        raise self.Refused("401 Client Error")


class Picky(Probe):
    def __init__(self, options):
        super().__init__(options)
        self.token = options["api_key"]


class Spelling(Probe):
    """Asks for its options in every way, by names in another case than they have come in."""

    def list_tables(self):
        return [self.options[name] for name in ("apiKey", "APIKEY") if name in self.options]

    def read_table(self, table_name, start_offset, table_options):
        asked = {"all": table_options["pageFilter"], "none": table_options.get("pageFilters", "-"), **table_options}
        asked["constructor"] = self.options.get("apikey")
        return iter([asked] if not start_offset else []), {"at": 1}


class NoTuple(Probe):
    def read_table(self, table_name, start_offset, table_options):
        return iter(things(1))


class NoDictionary(Probe):
    def read_table(self, table_name, start_offset, table_options):
        return iter([*things(1), [1, 2]]), {"at": 1}


class NoIterator(Probe):
    def read_table(self, table_name, start_offset, table_options):
        return {"id": 1}, {"at": 1}


class NoOffset(Probe):
    def read_table(self, table_name, start_offset, table_options):
        return iter([]), 17


class NoJson(Probe):
    def read_table(self, table_name, start_offset, table_options):
        return iter([*things(1), {"id": 2, "deep": {"list": [1, object()]}}]), {"at": 1}


class NoSchema(Probe):
    schema = 17


class NoNames(Probe):
    def list_tables(self):
        return None


class NoKind(Probe):
    kind = "sometimes"


class Incomplete(LakeflowConnect):
    def list_tables(self):
        return []


class Exiting(Probe):
    def read_table(self, table_name, start_offset, table_options):
        print("cannot go on with", self.options.get("token"), file=sys.stderr)
        os._exit(3)


class Killed(Probe):
    def read_table(self, table_name, start_offset, table_options):
        os.kill(os.getpid(), signal.SIGKILL)


class Writing(Probe):
    """Writes into every pipe that it finds, the worker's too."""

    def read_table(self, table_name, start_offset, table_options):
        for descriptor in range(3, 16):
            try:
                os.write(descriptor, b"hello\n")
            except OSError:
                pass
        return iter([]), start_offset


class Endless(Probe):
    """Records without end; says in a file how many were taken when nobody wanted more."""

    def read_table(self, table_name, start_offset, table_options):
        def records():
            taken = 0
            try:
                while True:
                    taken += 1
                    yield {"id": taken, "text": "x" * 10_000}
            finally:
                with open(table_options["report"] + ".part", "w") as file:
                    file.write(str(taken))
                os.rename(table_options["report"] + ".part", table_options["report"])

        return records(), {"at": 1}


# Namespaces


class Nested(Probe, SupportsNamespaces):
    def list_namespaces(self, prefix=None):
        return [["b"], ["a"]] if not prefix else [[*prefix, "inner"]]

    def list_tables_in_namespace(self, namespace):
        return ["things", "others"] if namespace == ["a", "inner"] else []
