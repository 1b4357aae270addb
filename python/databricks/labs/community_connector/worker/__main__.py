"""Starts the worker."""

import json
import sys

#: The version of the protocol.
PROTOCOL = 1

#: The oldest Python that has what connectors use.
OLDEST = (3, 10)


def main():  # noqa: ANN201
    """Greet, and then answer requests. An old Python must be able to read this file, and greets only."""
    version = "%d.%d.%d" % sys.version_info[:3]  # noqa: UP031
    greeting = {"worker": PROTOCOL, "python": version, "executable": sys.executable}
    if sys.version_info < OLDEST or len(sys.argv) != 2:
        sys.stdout.write(json.dumps(greeting) + "\n")
        sys.exit("expected Python %d.%d or later, and one argument `module:Class`" % OLDEST)  # noqa: UP031
    from .channel import Channel
    from .session import Session

    channel = Channel()
    channel.send(greeting)
    Session(sys.argv[1], channel).serve()


if __name__ == "__main__":
    main()
