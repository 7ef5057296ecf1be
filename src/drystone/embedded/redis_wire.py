"""A few words with a Redis on a socket, without a client library.

It is enough to know that a server is there; what a service does with Redis goes through
redis-py.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

_TIMEOUT = 5.0
_READY = b"+PONG\r\n"


def ready_version(path: Path) -> tuple[int, str] | None:
    """Return process id and version of the Redis there; None if it is not ready.

    A Redis that still loads its data is not ready.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_TIMEOUT)
            connection.connect(os.fsencode(path))
            stream = connection.makefile("rwb")
            with stream:
                stream.write(b"PING\r\nINFO server\r\n")
                stream.flush()
                if stream.readline() != _READY:
                    return None
                size = int(stream.readline().removeprefix(b"$"))
                facts = stream.read(size).decode("ascii", errors="replace")
    except (OSError, ValueError):
        return None
    values = dict(line.split(":", 1) for line in facts.splitlines() if ":" in line)
    # Valkey calls the version it is compatible with by this name.
    return int(values["process_id"]), values["redis_version"]
