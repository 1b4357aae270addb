"""Starts the worker."""

import json
import sys

#: The version of the protocol.
PROTOCOL = 1

#: The oldest Python that has what connectors use.
OLDEST = (3, 10)


def main():
    """Greets, and then answers requests. An old Python must be able to read this file, and greets only."""
    greeting = {"worker": PROTOCOL, "python": "%d.%d.%d" % sys.version_info[:3], "executable": sys.executable}
    if sys.version_info < OLDEST or len(sys.argv) != 2:
        sys.stdout.write(json.dumps(greeting) + "\n")
        sys.exit("expected Python %d.%d or later, and one argument `module:Class`" % OLDEST)
    from .channel import Channel
    from .session import Session

    channel = Channel()
    channel.send(greeting)
    Session(sys.argv[1], channel).serve()


if __name__ == "__main__":
    main()
