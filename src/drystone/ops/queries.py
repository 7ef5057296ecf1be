"""Metrics and log lines of the queries that generated functions run.

A query's own thread only notes that it ended. A thread in the background counts what
was noted and writes the lines, so that both together cost a point query a few percent:
``benchmarks/observation_overhead.py`` measures how many.
"""

from __future__ import annotations

import logging
import threading
import time
from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate

import msgspec
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from drystone.ops.logs import LineHandler, request_id
from drystone.queries.runtime import observing
from drystone.settings import Settings

logger = logging.getLogger("drystone.query")

_now, _request = time.time, request_id.get

# Upper bounds in seconds.
BUCKETS = (
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1.0,
    2.5,
    5.0,
    10.0,
)

_INTERVAL = 0.05
# After so many, the thread in the background lets the others go on.
_CHUNK = 500
# While lines cannot be written, no more than these are kept.
_MOST_CHUNKS = 200

# When a query ended, and what was told of it; last, its request.
_Note = tuple[float, str, float, int | None, str | None, str | None]


@dataclass(slots=True)
class _Tally:
    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0
    rows: int = 0


class _Line(msgspec.Struct, gc=False):
    """A line of the log; the names are those of :class:`JsonLines`."""

    timestamp: datetime
    query: str
    milliseconds: float
    rows: int | None
    request_id: str | None
    sqlstate: None = None
    level: str = "INFO"
    logger: str = "drystone.query"
    message: str = "query"


class QueryObserver(Collector):
    """Observes every query of this process until it is closed.

    A query that fails, or takes ``slow_query_ms`` or longer, is logged as a warning at
    once. With ``log_queries = all`` every other one becomes a line too.
    """

    def __init__(self, settings: Settings, *, handler: LineHandler | None) -> None:
        self._slow = settings.slow_query_ms / 1000
        self._silent = settings.log_queries == "none"
        self._all = settings.log_queries == "all"
        self._handler = handler
        self._noted: deque[_Note] = deque()
        self._append = self._noted.append
        self._tallies: defaultdict[str, _Tally] = defaultdict(_Tally)
        self._errors: defaultdict[tuple[str, str], int] = defaultdict(int)
        self._unwritten: deque[list[_Note]] = deque(maxlen=_MOST_CHUNKS)
        self._counting = threading.Lock()
        self._writing = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name="drystone-queries", daemon=True
        )
        self._thread.start()

    def note(
        self, name: str, seconds: float, rows: int | None, sqlstate: str | None
    ) -> None:
        """Note that a query has ended; the observer of ``queries.runtime``."""
        self._append((_now(), name, seconds, rows, sqlstate, _request()))
        if seconds >= self._slow or rows is None:
            self._warn(name, seconds, rows, sqlstate)

    def _warn(
        self, name: str, seconds: float, rows: int | None, sqlstate: str | None
    ) -> None:
        if self._silent:
            return
        logger.warning(
            "query failed" if rows is None else "slow query",
            extra={
                "query": name,
                "milliseconds": round(seconds * 1000, 3),
                "rows": rows,
                "sqlstate": sqlstate,
            },
        )

    def collect(self) -> Iterator[Metric]:
        """Give Prometheus the metrics, with every query that has ended by now."""
        seconds = HistogramMetricFamily(
            "drystone_query_seconds", "How long queries took.", labels=["query"]
        )
        rows = CounterMetricFamily(
            "drystone_query_rows", "Rows returned or changed.", labels=["query"]
        )
        errors = CounterMetricFamily(
            "drystone_query_errors",
            "Queries that failed.",
            labels=["query", "sqlstate"],
        )
        bounds = [*map(floatToGoString, BUCKETS), "+Inf"]
        self._count()
        with self._counting:
            for name, tally in self._tallies.items():
                within = accumulate(tally.counts)
                seconds.add_metric(
                    [name],
                    [(b, float(n)) for b, n in zip(bounds, within, strict=True)],
                    tally.seconds,
                )
                rows.add_metric([name], tally.rows)
            for (name, sqlstate), number in self._errors.items():
                errors.add_metric([name, sqlstate], number)
        yield from (seconds, rows, errors)

    def describe(self) -> list[Metric]:
        """Name the metrics without counting."""
        return []

    def flush(self) -> None:
        """Count, and write, what has ended by now."""
        self._count()
        self._write()

    def close(self) -> None:
        """Observe no more, and write what is left."""
        observing.forget(self.note)
        self._closed.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._closed.wait(_INTERVAL):
            self.flush()
        self.flush()

    def _count(self) -> None:
        """Count what was noted, and let the other threads go on now and then."""
        with self._counting:
            take, number = self._noted.popleft, len(self._noted)
            for begin in range(0, number, _CHUNK):
                notes = [take() for _ in range(begin, min(begin + _CHUNK, number))]
                self._add(notes)
                if self._all:
                    self._unwritten.append(notes)
                if begin + _CHUNK < number:
                    time.sleep(0)

    def _add(self, notes: list[_Note]) -> None:
        for _, name, seconds, rows, sqlstate, _ in notes:
            tally = self._tallies[name]
            tally.counts[bisect_left(BUCKETS, seconds)] += 1
            tally.seconds += seconds
            if rows is None:
                self._errors[name, sqlstate or "none"] += 1
            elif rows > 0:
                tally.rows += rows

    def _write(self) -> None:
        with self._writing:
            for left in reversed(range(len(self._unwritten))):
                self._write_lines(self._unwritten.popleft())
                if left:
                    time.sleep(0)

    def _write_lines(self, notes: list[_Note]) -> None:
        lines: list[_Line] = []
        last = 0
        for at, name, seconds, rows, _, request in notes:
            if rows is None or seconds >= self._slow:
                continue  # it has its warning
            # A time and round() would each take longer than all the rest of a line.
            if (now := int(at * 1000)) != last:
                last, moment = now, datetime.fromtimestamp(now / 1000, UTC)
            milliseconds = int(seconds * 1e6) / 1000
            lines.append(_Line(moment, name, milliseconds, rows, request))
        if self._handler is not None:
            self._handler.write_lines(_encode_lines(lines))
            return
        for line in lines:
            logger.handle(_record(line))


_encode_lines = msgspec.json.Encoder().encode_lines


def _record(line: _Line) -> logging.LogRecord:
    record = logging.LogRecord(logger.name, logging.INFO, "", 0, "query", (), None)
    record.created = line.timestamp.timestamp()
    record.query = line.query
    record.milliseconds = line.milliseconds
    record.rows = line.rows
    record.sqlstate = None
    record.request_id = line.request_id
    return record


def observe_queries(
    settings: Settings,
    *,
    registry: CollectorRegistry = REGISTRY,
    handler: LineHandler | None = None,
) -> QueryObserver:
    """Count and log the queries of this process from now on, by the settings.

    Each line of ``log_queries = all`` goes to ``handler`` if there is one, which is
    cheapest, and else to the handlers of the logger ``drystone.query``. Call it once,
    in the process that runs the queries: after a fork, not before.
    """
    observer = QueryObserver(settings, handler=handler)
    registry.register(observer)
    observing.observe(observer.note)
    return observer
