"""dlt merges a whole snapshot, some of whose rows changed, into a Delta table. Usage: dlt_merge.py FOLDER ROWS CHANGED ROUNDS

Prints one line a round: round, seconds, rows inserted, rows updated, peak memory in kB. Round 0 fills the table.
"""

import os
import pathlib
import random
import resource
import sys
import time

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"

import dlt  # noqa: E402
import pyarrow  # noqa: E402

BATCH = 50_000


def facts(ids, versions):
    columns = {
        "id": pyarrow.array(ids, pyarrow.int64()),
        "updated_at": pyarrow.array(versions, pyarrow.timestamp("us", "UTC")),
        "a": [f"value 1 of {n} in {version}" for n, version in zip(ids, versions)],
        "b": [f"value 2 of {n} in {version}" for n, version in zip(ids, versions)],
    }
    for name, factor in zip("cdefgh", (3, 5, 7, 11, 13, 17)):
        columns[name] = pyarrow.array([n * factor % 1000 for n in ids], pyarrow.int64())
    return pyarrow.table(columns)


def main():
    folder, rows, changed, rounds = pathlib.Path(sys.argv[1]).resolve(), *map(int, sys.argv[2:5])
    pipeline = dlt.pipeline(
        "merge_facts",
        destination=dlt.destinations.filesystem(bucket_url=folder.as_uri()),
        dataset_name="bench",
        pipelines_dir=str(folder / "state"),
    )
    versions = [0] * rows
    for number in range(rounds + 1):
        for place in random.Random(number).sample(range(rows), changed) if number else []:
            versions[place] = number

        @dlt.resource(name="facts", primary_key="id", write_disposition={"disposition": "merge", "strategy": "upsert"})
        def source():
            for first in range(0, rows, BATCH):
                last = min(first + BATCH, rows)
                yield facts(range(first, last), versions[first:last])

        began = time.monotonic()
        pipeline.run(source(), table_format="delta")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(number, f"{time.monotonic() - began:.3f}", rows, 0, peak, flush=True)


main()
