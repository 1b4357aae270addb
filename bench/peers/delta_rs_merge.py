"""delta-rs merges changed rows at random keys into a table. Usage: delta_rs_merge.py FOLDER ROWS CHANGED ROUNDS

Prints one line a round: round, seconds, rows inserted, rows updated, peak memory in kB. Round 0 fills the table.
"""

import random
import resource
import sys
import time

import pyarrow
from deltalake import DeltaTable, write_deltalake

BATCH = 500_000


def facts(ids, version):
    columns = {
        "id": pyarrow.array(ids, pyarrow.int64()),
        "updated_at": pyarrow.array([version] * len(ids), pyarrow.timestamp("us", "UTC")),
        "a": [f"value 1 of {n} in {version}" for n in ids],
        "b": [f"value 2 of {n} in {version}" for n in ids],
    }
    for name, factor in zip("cdefgh", (3, 5, 7, 11, 13, 17)):
        columns[name] = pyarrow.array([n * factor % 1000 for n in ids], pyarrow.int64())
    return pyarrow.table(columns)


def report(number, began, inserted, updated):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(number, f"{time.monotonic() - began:.3f}", inserted, updated, peak, flush=True)


def main():
    folder, rows, changed, rounds = sys.argv[1], *map(int, sys.argv[2:5])
    began = time.monotonic()
    for first in range(0, rows, BATCH):
        write_deltalake(folder, facts(range(first, min(first + BATCH, rows)), 0), mode="append")
    report(0, began, rows, 0)
    for number in range(1, rounds + 1):
        ids = sorted(random.Random(number).sample(range(rows), changed))
        source = facts(ids, number)
        began = time.monotonic()
        merge = DeltaTable(folder).merge(
            source, "target.id = source.id", source_alias="source", target_alias="target"
        )
        done = merge.when_matched_update_all().when_not_matched_insert_all().execute()
        report(number, began, done["num_target_rows_inserted"], done["num_target_rows_updated"])


main()
