"""Locks between processes, as ``flock`` on a file.

An flock belongs to the open file, not to the process: whoever inherits the descriptor
holds the lock too, and the kernel drops it when the last of them is gone. So a lock
whose descriptor a server inherits tells whether any process of that server is alive.
Unlike a process id it cannot go stale, be reused, or mean something else in another
container.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from drystone.errors import EmbeddedServerError

if sys.platform != "win32":
    import fcntl

_POLL = 0.01


def take(path: Path) -> int | None:
    """Lock the file and return its descriptor, or None if somebody else holds it.

    The file is created; its folder must exist, or FileNotFoundError is raised.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(path, flags, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Its last holder may have deleted it: then the name means another file.
        if os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None


def is_held(path: Path) -> bool:
    """Tell whether some process holds the lock; the file itself need not exist."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return False
    try:
        # Shared, so that two processes which look at once do not see each other.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@contextmanager
def hold(
    path: Path, *, timeout: float, prepare: Callable[[], None] | None = None
) -> Iterator[int]:
    """Hold the lock for a block and yield its descriptor.

    ``prepare`` runs before each attempt: it makes the folder, which whoever held the
    lock before may have deleted; without it, that is a FileNotFoundError. Raises
    EmbeddedServerError after ``timeout`` seconds.
    """
    deadline = time.monotonic() + timeout
    while True:
        if prepare is not None:
            prepare()
        try:
            if (descriptor := take(path)) is not None:
                break
        except FileNotFoundError:
            if prepare is None:
                raise
        if time.monotonic() >= deadline:
            raise EmbeddedServerError(
                f"another process has been busy with the embedded server for"
                f" {timeout:.0f} seconds; it holds the lock {path}",
                hint="See what it does (`fuser` on that file names it), and run again.",
            )
        time.sleep(_POLL)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
