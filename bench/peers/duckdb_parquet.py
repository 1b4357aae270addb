"""DuckDB turns the same page files into one Parquet file (zstd). Usage: duckdb_parquet.py PAGES_FOLDER FILE THREADS"""

import sys

import duckdb

pages, target, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
connection = duckdb.connect()
connection.execute(f"SET threads = {threads}")
connection.execute(
    f"COPY (SELECT * FROM read_json('{pages}/page-*.json', format = 'array', maximum_object_size = 67108864)) "
    f"TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
)
print("rows", connection.execute(f"SELECT count(*) FROM '{target}'").fetchone()[0])
