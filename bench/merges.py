"""Changed rows at random keys into a large table, and snapshots with few changes: we and the peers in one run.

Usage: merges.py [--rows N] [--changed N] [--rounds N] [--peer-rounds N] [--snapshot-rows N]

Builds and runs `crates/pipeline/examples/measure_merges.rs`. Peers run in this interpreter's environment: `pip install -r
bench/requirements.txt` first. A round is a whole run: for us, finding and marking the old rows, writing the new ones, one
commit, and whatever rewriting, summing up and recording follows.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
CARGO = ["cargo", "build", "--release", "--workspace", "--example", "measure_merges", "--message-format", "json"]


def build():
    """Builds our part; gives its path."""
    lines = subprocess.run(CARGO, check=True, text=True, stdout=subprocess.PIPE).stdout.splitlines()
    return next(path for path in (json.loads(line).get("executable") for line in lines) if path)


def rounds_of(command, *arguments):
    """The seconds of the rounds after the first fill, and the peak memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        call = [str(part) for part in (*command, folder, *arguments)]
        output = subprocess.run(call, check=True, text=True, stdout=subprocess.PIPE).stdout
    lines = [line.split() for line in output.splitlines() if line[:1].isdigit()]
    return [float(line[1]) for line in lines[1:]], max(int(line[4]) for line in lines) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--changed", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--peer-rounds", type=int, default=2)
    parser.add_argument("--snapshot-rows", type=int, default=1_000_000)
    arguments = parser.parse_args()
    program = build()

    ours, memory = rounds_of([program, "changes"], arguments.rows, arguments.changed, arguments.rounds)
    history, history_memory = rounds_of([program, "history"], arguments.rows, arguments.changed, 3)
    python = [sys.executable]
    theirs, their_memory = rounds_of(
        [*python, HERE / "peers/delta_rs_merge.py"], arguments.rows, arguments.changed, arguments.peer_rounds
    )
    rest = ours[1:] or ours
    print("| what | we | delta-rs | ratio |\n|---|---|---|---|")
    print(f"| first merge, s | {ours[0]:.2f} | {theirs[0]:.2f} | {theirs[0] / ours[0]:.1f} |")
    median = statistics.median(rest)
    print(f"| median of the next {len(rest)}, s | {median:.2f} | {theirs[-1]:.2f} | {theirs[-1] / median:.1f} |")
    print(f"| mean and slowest of the next, against the first | {statistics.mean(rest) / ours[0]:.2f}, {max(rest) / ours[0]:.2f} | | |")
    print(f"| peak memory, MB | {memory:.0f} | {their_memory:.0f} | {their_memory / memory:.1f} |")
    first = history[0] / ours[0]
    print(f"\nSCD 2: {history[0]:.2f} s for the first, {first:.1f} times SCD 1; peak memory {history_memory:.0f} MB")

    few = arguments.snapshot_rows // 100
    ours, memory = rounds_of([program, "snapshot"], arguments.snapshot_rows, few, 3)
    theirs, their_memory = rounds_of([*python, HERE / "peers/dlt_merge.py"], arguments.snapshot_rows, few, 2)
    print("\n| what | we | dlt | ratio |\n|---|---|---|---|")
    we, they = statistics.median(ours), statistics.median(theirs)
    print(f"| snapshot with 1 % changed, s | {we:.2f} | {they:.2f} | {they / we:.1f} |")
    print(f"| peak memory, MB | {memory:.0f} | {their_memory:.0f} | {their_memory / memory:.1f} |")


if __name__ == "__main__":
    main()
