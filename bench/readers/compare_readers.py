"""Reads a Delta table with several independent readers and prints one line for each: rows and a hash of all values.

Usage: compare_readers.py TABLE [--readers deltalake,polars,duckdb]

The hash does not depend on the order of rows. The exit status is 1 where readers disagree, 2 where one cannot read the table.
Needs: pip install deltalake polars pyarrow duckdb duckdb-extension-delta
"""

import argparse
import datetime
import decimal
import hashlib
import importlib.resources
import json
import math
import sys


def arrow_of_deltalake(path):
    import pyarrow
    from deltalake import DeltaTable, QueryBuilder

    result = QueryBuilder().register("t", DeltaTable(path)).execute("select * from t")
    return pyarrow.table(result.read_all())


def arrow_of_polars(path):
    import polars

    return polars.scan_delta(path).collect().to_arrow()


def arrow_of_duckdb(path):
    import duckdb

    connection = duckdb.connect()
    package = importlib.resources.files("duckdb_extension_delta")
    extension = package / "extensions" / f"v{duckdb.__version__}" / "delta.duckdb_extension"
    connection.execute(f"load '{extension}'")
    connection.execute("set timezone = 'UTC'")
    return connection.execute("select * from delta_scan(?)", [path]).to_arrow_table()


READERS = {"deltalake": arrow_of_deltalake, "polars": arrow_of_polars, "duckdb": arrow_of_duckdb}


def canonical(value):
    """A value in one form, whatever reader gave it."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else repr(value)
    if isinstance(value, decimal.Decimal):
        return format(value.normalize(), "f") if value else "0"
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=None).isoformat(timespec="microseconds")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if isinstance(value, dict):
        return {name: canonical(inner) for name, inner in sorted(value.items())}
    if isinstance(value, (list, tuple)):
        return [canonical(inner) for inner in value]
    return value


def canonical_map(value, data_type):
    """Like `canonical`; entries of maps sorted, since their order means nothing."""
    import pyarrow.types as types

    if value is None:
        return None
    if types.is_map(data_type):
        pairs = [(pair["key"], pair["value"]) if isinstance(pair, dict) else pair for pair in value]
        return sorted([canonical(key), canonical_map(inner, data_type.item_type)] for key, inner in pairs)
    if types.is_struct(data_type):
        inner = {data_type.field(i).name: data_type.field(i).type for i in range(data_type.num_fields)}
        if set(inner) == {"metadata", "value"}:
            return canonical({name: value[name] for name in inner})
        return {name: canonical_map(value[name], inner[name]) for name in sorted(inner)}
    if types.is_list(data_type) or types.is_large_list(data_type):
        element = data_type.value_type
        if types.is_struct(element) and {field.name for field in element} == {"key", "value"}:
            return sorted([canonical(pair["key"]), canonical_map(pair["value"], element.field("value").type)] for pair in value)
        return [canonical_map(inner, element) for inner in value]
    return canonical(value)


def summary(table):
    """The number of rows, and the sum of their hashes."""
    names = sorted(table.column_names)
    total = 0
    for batch in table.select(names).to_batches(max_chunksize=10_000):
        types = [batch.schema.field(name).type for name in names]
        columns = [batch.column(index).to_pylist() for index in range(len(names))]
        for row in zip(*columns):
            values = [canonical_map(value, data_type) for value, data_type in zip(row, types)]
            text = json.dumps(values, ensure_ascii=False)
            total += int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "big")
    return table.num_rows, f"{total % (1 << 128):032x}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table")
    parser.add_argument("--readers", default=",".join(READERS))
    arguments = parser.parse_args()
    results, failed = {}, False
    for name in arguments.readers.split(","):
        try:
            results[name] = summary(READERS[name](arguments.table))
            print(name, *results[name])
        except Exception as error:
            failed = True
            print(name, "cannot read:", " ".join(str(error).split())[:200])
    if len(set(results.values())) > 1:
        return 1
    return 2 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
