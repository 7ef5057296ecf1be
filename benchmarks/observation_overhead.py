"""What metrics and a line in the log cost a point query, in one run with neither.

Sides take turns of some milliseconds; what is counted and written because of a turn is
done at its end. Other processes disturb many turns, so the quickest tenth of each side
is what is compared. The first ratio is by the clock. The other one adds the processor's
time that an observed call takes more to the time of an unobserved one, as if nothing of
it were done while the server is waited for.
"""

from __future__ import annotations

import gc
import random
import tempfile
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

from psycopg import Connection

from benchmarks.query_overhead import CREATE_READINGS, READING
from benchmarks.timing import percentile
from drystone.cli.output import line, table
from drystone.ops.logs import LineHandler
from drystone.ops.queries import QueryObserver
from drystone.queries.runtime import observing
from drystone.settings import Settings

_ROUNDS = 201
_CALLS = 1000
_BUDGET = 1.05

_SIDES = {
    "not observed": None,
    "metrics": Settings(log_queries="none"),
    "metrics, slow queries logged": Settings(log_queries="slow"),
    "metrics, a line for each": Settings(log_queries="all"),
}


class _Taken(NamedTuple):
    """Microseconds of a call: on the clock, and of the processor."""

    clock: float
    processor: float


def run(connection: Connection[Any]) -> None:
    """Print µs of a point query, and how many times that when it is observed."""
    connection.execute(CREATE_READINGS)
    try:
        taken = _in_turns(connection)
    finally:
        connection.execute("DROP TABLE public.readings")
    clock = {name: _quickest(t.clock for t in each) for name, each in taken.items()}
    cpu = {name: _quickest(t.processor for t in each) for name, each in taken.items()}
    alone = clock["not observed"]
    worst = 1.0
    rows = []
    for name in taken:
        more = cpu[name] - cpu["not observed"]
        ratio = (alone + more) / alone
        worst = max(worst, ratio)
        rows.append(
            (
                name,
                f"{clock[name]:.2f}",
                f"{clock[name] / alone:.3f}",
                f"{more:+.2f}",
                f"{ratio:.3f}",
            )
        )
    headers = ("point query", "µs", "times", "µs of processor", "times by that")
    table(headers, rows, right=headers[1:])
    verdict = "within" if worst <= _BUDGET else "ABOVE"
    line(f"{100 * (worst - 1):+.1f} % of processor, {verdict} the budget of 5 %")


def _in_turns(connection: Connection[Any]) -> dict[str, list[_Taken]]:
    chance = random.Random(1)
    taken: dict[str, list[_Taken]] = {name: [] for name in _SIDES}
    with tempfile.TemporaryFile("w") as log:
        observers = {
            name: settings and QueryObserver(settings, handler=LineHandler(log))
            for name, settings in _SIDES.items()
        }
        gc.collect()
        for _ in range(_ROUNDS):
            for name in chance.sample(list(_SIDES), len(_SIDES)):
                taken[name].append(_turn(connection, observers[name]))
        for observer in observers.values():
            if observer:
                observer.close()
    return taken


def _turn(connection: Connection[Any], observer: QueryObserver | None) -> _Taken:
    """Run the calls, and all counting and writing that comes of them."""
    if observer:
        observing.observe(observer.note)
    clock, processor = time.perf_counter(), time.process_time()
    for _ in range(_CALLS):
        READING.row(connection, (77,))
    if observer:
        observer.flush()
        observing.forget(observer.note)
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    return _Taken(clock / _CALLS * 1e6, processor / _CALLS * 1e6)


def _quickest(values: Iterable[float]) -> float:
    return percentile(list(values), 10)
