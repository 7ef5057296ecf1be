"""Several sessions at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from psycopg import Connection

from drystone.database.session import connect
from drystone.settings import Settings

T = TypeVar("T")


def at_once(url: str, work: Sequence[Callable[[Connection[Any]], T]]) -> list[T]:
    """Do each piece of work in a session of its own, all starting together."""
    barrier = threading.Barrier(len(work), timeout=30)

    def run(each: Callable[[Connection[Any]], T]) -> T:
        with connect(url, Settings()) as session:
            barrier.wait()
            return each(session)

    with ThreadPoolExecutor(len(work)) as threads:
        return list(threads.map(run, work))
