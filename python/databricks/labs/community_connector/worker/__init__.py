"""The worker: one connector written in Python, behind a pipe.

    python -m databricks.labs.community_connector.worker module:Class

Requests come on stdin and answers go to stdout, a JSON object a line. What the connector itself prints goes to stderr.
The process ends when its stdin does. The first line is its greeting:

    {"worker": 1, "python": "3.11.7", "executable": "/usr/bin/python3"}

The first request makes the connector; each later ``connect`` makes a new one:

    {"method": "connect", "options": {"token": "…"}}
    {"result": {"namespaces": true, "partition": true, "partitioned_stream": false}}

Other requests name a method of the connector and its arguments, and have the answer of the method as ``result``:

    {"method": "list_tables"}
    {"method": "get_table_schema", "table": "orders", "table_options": {}}    result {"ddl": "…"} or {"json": {…}}
    {"method": "read_table_metadata", "table": "orders", "table_options": {}}
    {"method": "list_namespaces", "prefix": ["sales"]}
    {"method": "list_tables_in_namespace", "namespace": ["sales"]}
    {"method": "is_partitioned", "table": "orders"}
    {"method": "latest_offset", "table": "orders", "table_options": {}, "start": {}}
    {"method": "get_partitions", "table": "orders", "table_options": {}, "start": {}, "end": {}}  the ends may be absent

``read_table``, ``read_table_deletes`` (with ``start``) and ``read_partition`` (with ``partition``) are answered with
any number of pages, and an end. A page is followed by so many bytes, a JSON array of so many records; the next one is
made only when there is room for it in the pipe:

    {"page": {"records": 1000, "bytes": 84210}}
    {"end": {"offset": {"cursor": 17}}}

A request that fails has an ``error`` instead of its ``result`` or ``end``; the next request is answered all the same.
"""
