"""A simulated source: the program's `simulate`, as a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("community-connector")


class Simulator:
    """A simulated source at work."""

    def __init__(self, source: str, **arguments: object) -> None:
        flags = [part for name, value in arguments.items() for part in (f"--{name.replace('_', '-')}", str(value))]
        self._process = subprocess.Popen(
            [PROGRAM, "--output", "json", "simulate", source, *flags], stdout=subprocess.PIPE, text=True
        )
        event = json.loads(self._process.stdout.readline())
        assert event["event"] == "simulator_started", event
        self.url: str = event["url"]

    def advance(self, **tables: dict[str, int]) -> None:
        """Move on: `advance(issues={"added": 5})`."""
        self._post("advance", {"tables": tables})

    def faults(self, *faults: object) -> None:
        """Replace the faults."""
        self._post("faults", list(faults))

    def request_count(self) -> int:
        """Tell how many requests were answered."""
        with urllib.request.urlopen(f"{self.url}_simulator/requests") as answer:
            return sum(json.load(answer)["counts"].values())

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait()

    def _post(self, what: str, document: object) -> None:
        request = urllib.request.Request(f"{self.url}_simulator/{what}", json.dumps(document).encode(), method="POST")
        urllib.request.urlopen(request).close()
