"""``Channel``: the pipe between the worker and the program that started it."""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

#: How long a connector may take to clean up when nobody wants its records any more.
GRACE_SECONDS = 5


class Channel:
    """Requests from stdin, answers to stdout. Whatever else writes to stdout reaches stderr."""

    def __init__(self) -> None:
        """Take over stdin and stdout, and listen."""
        self._input = os.fdopen(os.dup(0), "rb")
        self._output = os.fdopen(os.dup(1), "wb", buffering=0)
        with open(os.devnull, "rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(2, 1)
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
        # Ctrl-C reaches the whole terminal: the program decides when the worker ends, by closing its stdin.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        self._requests: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._is_busy = False
        threading.Thread(target=self._listen, daemon=True, name="requests").start()

    def requests(self) -> Iterator[dict[str, Any]]:
        """Give the requests, until stdin ends."""
        while (line := self._requests.get()) is not None:
            self._is_busy = True
            yield json.loads(line)
            self._is_busy = False

    def send(self, message: dict[str, Any], body: bytes = b"") -> None:
        """Send a message, and the bytes that it announces. Waits until there is room; ends where nobody listens."""
        rest = memoryview(json.dumps(message).encode() + b"\n" + body)
        try:
            while rest:
                rest = rest[self._output.write(rest) :]
        except OSError:
            sys.exit(0)

    def _listen(self) -> None:
        for line in self._input:
            self._requests.put(line)
        self._requests.put(None)
        if self._is_busy:
            os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_SECONDS)
        os._exit(0)
