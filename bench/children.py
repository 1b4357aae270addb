"""Children once per row of a parent: several requests at a time against one at a time.

Usage: children.py PROGRAM [--parents N] [--latency 100ms]

PROGRAM is the built `community-connector`. The source is the one that `community-connector new` makes, with more tickets;
its simulator waits before every answer. One at a time is the same source with a `concurrency` of 1 and a tenth of the
parents, and is reckoned up: it only waits.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import tempfile

AT_ONCE = 10

SPEC = """
connection_name: bench
objects:
  - table: {source_table: comments}
"""


def run(*command, **options):
    return subprocess.run([str(part) for part in command], check=True, text=True, stdout=subprocess.PIPE, **options).stdout


def make_source(program, folder, parents, concurrency):
    """The source of `new`, with so many tickets."""
    run(program, "new", "help_desk", "--in", folder)
    source = folder / "help_desk"
    tickets = source / "simulator/corpus/tickets.json"
    tickets.write_text(json.dumps(json.loads(tickets.read_text()) | {"count": parents}))
    manifest = source / "connector.yaml"
    text = manifest.read_text().replace("http:\n", f"http:\n  concurrency: {concurrency}\n", 1)
    manifest.write_text(text.replace("changed_only: true}", f"changed_only: true, concurrency: {concurrency}}}"))
    return source


def measure(program, parents, concurrency, latency):
    """Seconds, requests and rows of a run that reads the children of so many parents."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        source = make_source(program, folder, parents, concurrency)
        simulate = [str(program), "simulate", "help_desk", "--source", str(source), "--latency", latency]
        simulator = subprocess.Popen(simulate, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            url = next(found[0] for line in simulator.stdout if (found := re.search(r"http://[\d.]+:\d+", line)))
            (folder / "spec.yaml").write_text(SPEC)
            connections = ["--connections", folder / "connections.yaml"]
            environment = os.environ | {"BENCH_TOKEN": "simulated"}
            create = ["connection", "create", "help_desk", "bench", "-o", "token=env:BENCH_TOKEN", "--source", source]
            run(program, *create, *connections, env=environment)
            where = ["--source", source, "--lakehouse", folder / "lakehouse", "--upstream", url, "--output", "json"]
            lines = run(program, "run", folder / "spec.yaml", *connections, *where, env=environment).splitlines()
        finally:
            simulator.kill()
    finished = next(event for line in lines if (event := json.loads(line))["event"] == "run_finished")
    return finished["seconds"], finished["requests"], finished["rows_read"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--parents", type=int, default=10_000)
    parser.add_argument("--latency", default="100ms")
    arguments = parser.parse_args()
    program = arguments.program.resolve()
    seconds, requests, rows = measure(program, arguments.parents, AT_ONCE, arguments.latency)
    few_seconds, few_requests, _ = measure(program, arguments.parents // 10, 1, arguments.latency)
    serial = few_seconds / few_requests * requests
    print("| what | s | requests | rows |\n|---|---|---|---|")
    print(f"| {AT_ONCE} at a time | {seconds:.1f} | {requests:,} | {rows:,} |")
    print(f"| one at a time, a tenth of the parents | {few_seconds:.1f} | {few_requests:,} | |")
    print(f"\n{serial / seconds:.1f} times faster than one at a time")


if __name__ == "__main__":
    main()
