"""Lakehouses: filled by the embedded engine, and looked into."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import yaml
from simulator import PROGRAM, Simulator

ACME = {"owner": "acme", "repo": "rocket"}
ORGANIZATION = {"org": "acme"}

#: All tables of GitHub, with what they have to be told.
GITHUB = {
    **dict.fromkeys(["issues", "pull_requests", "comments", "commits", "reviews"], ACME),
    **dict.fromkeys(["assignees", "branches", "collaborators"], ACME),
    **dict.fromkeys(["repositories", "teams", "users"], ORGANIZATION),
    "organizations": {},
}


def spec(connection: str, tables: dict[str, dict[str, object]]) -> dict[str, object]:
    """A pipeline spec of tables with their configurations."""
    objects = [{"table": {"source_table": name, "table_configuration": dict(own)}} for name, own in tables.items()]
    return {"connection_name": connection, "objects": objects}


def run_embedded(lakehouse: Path, document: dict[str, object], simulator: Simulator | None = None) -> None:
    """Bring a lakehouse up to date with the embedded engine."""
    lakehouse.mkdir(parents=True, exist_ok=True)
    file = lakehouse.parent / f"{lakehouse.name}.yaml"
    file.write_text(yaml.safe_dump(document))
    upstream = ["--upstream", simulator.url] if simulator else []
    subprocess.run([PROGRAM, "--lakehouse", lakehouse, *upstream, "run", file], check=True, capture_output=True)


def rows(lakehouse: Path, table: str) -> list[dict[str, object]]:
    """The rows of a table, in an order of their own."""
    command = [PROGRAM, "--lakehouse", lakehouse, "show", table, "--format", "jsonl"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return sorted((json.loads(line) for line in shown.splitlines()), key=lambda row: json.dumps(row, sort_keys=True))


def staged(lakehouse: Path) -> list[Path]:
    """What tasks have staged and nobody has removed."""
    return [path for path in lakehouse.glob("_staged/**/*") if path.is_file()]
