"""Issues over HTTP into a Delta table: we and the peers in turn, in one run; prints a table of medians and ratios.

Usage: append.py PROGRAM [--rounds N] [--pages N] [--peers dlt,duckdb] [--delay SECONDS] [--spec NAME]

PROGRAM is the built `community-connector`. Peers run in this interpreter's environment: `pip install -r
bench/requirements.txt` first. nginx serves the pages (Debian: nginx-light, for --delay libnginx-mod-http-echo).
Figures are of whole processes, as the operating system accounts for them.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
PORT = 18080
BASE_URL = f"http://127.0.0.1:{PORT}"


def spec(scd_type: str) -> str:
    return f"""
connection_name: bench
objects:
  - table:
      source_table: issues
      table_configuration: {{owner: acme, repo: widgets, scd_type: {scd_type}}}
"""


def measured(command: list[str], environment: dict) -> tuple[float, float, float, str]:
    """Runs a command; gives its wall seconds, its CPU seconds, its peak memory in MB and what it printed."""
    began = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    if status != 0:
        sys.exit(f"{' '.join(command)} failed:\n{output}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output


class Contest:
    def __init__(self, program: str, pages: pathlib.Path, work: pathlib.Path):
        self.program, self.pages, self.work = program, pages, work
        self.connections = work / "connections.yaml"
        environment = os.environ | {"BENCH_TOKEN": "none"}
        self.environment = environment
        create = [program, "connection", "create", "github", "bench", "-o", "token=env:BENCH_TOKEN"]
        subprocess.run([*create, "--connections", str(self.connections)], check=True, env=environment)

    def ours(self, scd_type: str) -> list[str]:
        file = self.work / f"{scd_type}.yaml"
        file.write_text(spec(scd_type))
        common = ["--connections", str(self.connections), "--upstream", BASE_URL, "--output", "json"]
        return [self.program, "run", str(file), "--lakehouse", str(self.fresh("lakehouse")), *common]

    def dlt(self) -> list[str]:
        return [sys.executable, str(HERE / "peers/dlt_append.py"), BASE_URL, str(self.fresh("dlt"))]

    def duckdb(self) -> list[str]:
        target = self.fresh("duckdb").with_suffix(".parquet")
        return [sys.executable, str(HERE / "peers/duckdb_parquet.py"), str(self.pages), str(target), str(os.cpu_count())]

    def fresh(self, name: str) -> pathlib.Path:
        folder = self.work / name
        shutil.rmtree(folder, ignore_errors=True)
        return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--peers", default="dlt,duckdb")
    parser.add_argument("--delay", default="0")
    parser.add_argument("--upsert", action="store_true", help="also measure SCD_TYPE_1")
    parser.add_argument("--files", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "bench-pages")
    arguments = parser.parse_args()

    if not (arguments.files / f"page-{arguments.pages}.json").exists():
        subprocess.run([sys.executable, str(HERE / "pages.py"), str(arguments.files), str(arguments.pages)], check=True)
    serve = ["bash", str(HERE / "serve.sh"), str(arguments.files), str(PORT), str(arguments.pages), arguments.delay]
    nginx = subprocess.run(serve, check=True, capture_output=True, text=True).stdout.strip()
    try:
        with tempfile.TemporaryDirectory() as work:
            contest = Contest(arguments.program, arguments.files, pathlib.Path(work))
            contestants = {"community-connector": lambda: contest.ours("APPEND_ONLY")}
            if arguments.upsert:
                contestants["community-connector, SCD 1"] = lambda: contest.ours("SCD_TYPE_1")
            contestants |= {peer: getattr(contest, peer) for peer in arguments.peers.split(",") if peer}
            report(contestants, contest, arguments)
    finally:
        subprocess.run(["kill", nginx], check=False)


def report(contestants: dict, contest: Contest, arguments: argparse.Namespace) -> None:
    figures: dict[str, list] = {name: [] for name in contestants}
    for _ in range(arguments.rounds):
        for name, command in contestants.items():
            figures[name].append(measured(command(), contest.environment)[:3])
    rows = arguments.pages * 100
    print(f"\n{rows:,} issues, {arguments.rounds} rounds in turn, {os.cpu_count()} cores, delay {arguments.delay} s a page\n")
    print("| what | wall s | CPU s | rows/s | peak MB | times slower than us |\n|---|---|---|---|---|---|")
    ours = [run[0] for run in figures["community-connector"]]
    for name, runs in figures.items():
        wall, cpu, memory = (statistics.median(column) for column in zip(*runs))
        ratio = statistics.median(run[0] / own for run, own in zip(runs, ours))
        print(f"| {name} | {wall:.2f} | {cpu:.2f} | {rows / wall:,.0f} | {memory:.0f} | {ratio:.1f} |", flush=True)


if __name__ == "__main__":
    main()
