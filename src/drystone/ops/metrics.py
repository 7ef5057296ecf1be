"""What Prometheus is told of pools and of the database.

The metrics of queries are made by :mod:`drystone.ops.queries`.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from psycopg import Connection
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from drystone.errors import DrystoneError
from drystone.ops.checks import Verdict, pending
from drystone.ops.monitor import DEADLINE, Health, Monitor
from drystone.ops.readings import Reading
from drystone.ops.recall import measure_recall
from drystone.ops.sources import AT_EVERY_SCRAPE, EXISTS, NOW_AND_THEN, Series, Source
from drystone.systems.core import outbox

logger = logging.getLogger(__name__)

AnyPool = ConnectionPool[Any] | AsyncConnectionPool[Any]

_FRESH = 1.0
_FROM_MILLISECONDS = 0.001
_LOCAL = ("127.0.0.1", "::1", "localhost")

# psycopg's name of each statistic, and its factor.
_POOL_GAUGES = (
    ("pool_size", "Connections of a pool.", "pool_size"),
    ("pool_available", "Connections of a pool that nobody uses.", "pool_available"),
    ("pool_waiting", "Callers that wait for a connection.", "requests_waiting"),
)
_POOL_COUNTERS = (
    ("pool_requests", "Connections asked for.", "requests_num", 1.0),
    (
        "pool_wait_seconds",
        "Time that callers waited for a connection.",
        "requests_wait_ms",
        _FROM_MILLISECONDS,
    ),
    ("pool_errors", "Callers that got no connection.", "requests_errors", 1.0),
    (
        "pool_connections_lost",
        "Connections found broken when they were checked.",
        "connections_lost",
        1.0,
    ),
)


class Families:
    """Metric families by name, each made when its first value comes."""

    def __init__(self) -> None:
        self._made: dict[str, GaugeMetricFamily | CounterMetricFamily] = {}

    def add(self, series: Series, labels: dict[str, str], value: float | None) -> None:
        """Add a value; None is none."""
        if value is None:
            return
        if series.name not in self._made:
            kind = CounterMetricFamily if series.is_counter else GaugeMetricFamily
            self._made[series.name] = kind(
                f"drystone_{series.name}", series.told, labels=list(labels)
            )
        self._made[series.name].add_metric(list(labels.values()), float(value))

    def __iter__(self) -> Iterator[Metric]:
        return iter(self._made.values())


class PoolCollector(Collector):
    """Tells of pools of psycopg's, by their names, which must differ."""

    def __init__(self, pools: Iterable[AnyPool]) -> None:
        self._pools = list(pools)

    def collect(self) -> Iterator[Metric]:
        """Give Prometheus the pools' statistics."""
        families = Families()
        for pool in self._pools:
            found = pool.get_stats()
            labels = {"pool": pool.name}
            for name, told, key in _POOL_GAUGES:
                families.add(Series(name, told), labels, found.get(key, 0))
            for name, told, key, factor in _POOL_COUNTERS:
                value = found.get(key, 0) * factor
                families.add(Series(name, told, is_counter=True), labels, value)
        yield from families

    def describe(self) -> list[Metric]:
        """Name no metrics in advance."""
        return []


def watch_pools(
    *pools: AnyPool, registry: CollectorRegistry = REGISTRY
) -> PoolCollector:
    """Have pools among the metrics, until the collector is unregistered."""
    collector = PoolCollector(pools)
    registry.register(collector)
    return collector


class DatabaseCollector(Collector):
    """Tells of a monitor's database; what is not known in time is left out."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._settings = monitor.settings
        self._refused: set[str] = set()
        self._paths = [path.absolute() for path in self._settings.disk_paths]
        self._often = Reading(self._read_often, max_age=_FRESH)
        self._seldom = Reading(
            self._read_seldom, max_age=self._settings.metrics_interval
        )
        self._recall = Reading(
            self._read_recall, max_age=self._settings.recall_interval
        )

    def collect(self) -> Iterator[Metric]:
        """Give Prometheus what is known, within the time limit of a scrape."""
        until = time.monotonic() + DEADLINE
        health = self._monitor.health(wait=DEADLINE)
        yield from _of_health(health)
        if health.server is None:
            return
        parts = [self._often, self._seldom]
        for part in parts:
            left = max(0.0, until - time.monotonic())
            yield from part.latest(wait=left) or ()
        if self._settings.recall_interval:
            yield from self._recall.latest(wait=0) or ()

    def describe(self) -> list[Metric]:
        """Name no metrics in advance."""
        return []

    def _read_often(self) -> list[Metric]:
        with self._monitor.session() as connection:
            families = Families()
            self._ask(connection, AT_EVERY_SCRAPE, families)
            self._add_queues(connection, families)
            return list(families)

    def _read_seldom(self) -> list[Metric]:
        with self._monitor.session() as connection:
            families = Families()
            self._ask(connection, NOW_AND_THEN, families)
            for path in self._paths or self._data_folder(connection):
                self._add_disk(path, families)
            return list(families)

    def _read_recall(self) -> list[Metric]:
        told = Series("vector_recall", "Of the nearest 10, how many an index finds.")
        families = Families()
        with self._monitor.session() as connection:
            for index, recall in measure_recall(connection).items():
                families.add(told, {"index": index}, recall)
        return list(families)

    def _ask(
        self,
        connection: Connection[Any],
        sources: Iterable[Source],
        families: Families,
    ) -> None:
        for source in sources:
            try:
                if source.of and not _exists(connection, source.of):
                    continue
                rows = connection.execute(source.sql.encode()).fetchall()
            except psycopg.Error as error:
                self._refuse(source.name, error.sqlstate)
                continue
            count = len(source.labels)
            for row in rows:
                labels = dict(zip(source.labels, row[:count], strict=True))
                for series, value in zip(source.series, row[count:], strict=True):
                    families.add(series, labels, value)

    def _add_queues(self, connection: Connection[Any], families: Families) -> None:
        """Add the outbox, where there is one, and what Redis has of its queues."""
        try:
            if not _exists(connection, "core.outbox"):
                return
            rows = outbox.outbox_health(connection)
        except (psycopg.Error, DrystoneError) as error:
            self._refuse("outbox", error.sqlstate)
            return
        unsent = sum(row.unsent for row in rows)
        oldest = max((row.oldest_unsent_s for row in rows), default=0.0)
        families.add(Series("outbox_jobs", "Jobs that are not sent yet."), {}, unsent)
        families.add(
            Series("outbox_oldest_seconds", "How long the oldest of them waits."),
            {},
            oldest,
        )
        url = self._settings.redis()
        if url is None or find_spec("bullmq") is None:
            return
        from drystone.jobs.health import count_queues

        try:
            names = [row.queue for row in rows]
            counted = asyncio.run(count_queues(names, url, self._settings))
        except DrystoneError:
            return  # drystone_redis_up tells
        series = Series("queue_jobs", "Jobs in Redis, by queue and state.")
        for name, found in counted.items():
            for state in (
                "waiting",
                "prioritized",
                "delayed",
                "active",
                "completed",
                "failed",
            ):
                families.add(
                    series, {"queue": name, "state": state}, getattr(found, state)
                )

    def _data_folder(self, connection: Connection[Any]) -> list[Path]:
        """Return the server's data folder, if it is on this machine."""
        host = connection.info.host
        if not host.startswith("/") and host not in _LOCAL:
            return []
        try:
            row = connection.execute("SHOW data_directory").fetchone()
        except psycopg.Error as error:
            self._refuse("data folder", error.sqlstate)
            return []
        return [] if row is None else [Path(row[0])]

    def _add_disk(self, path: Path, families: Families) -> None:
        try:
            found = shutil.disk_usage(path)
        except OSError as error:
            self._refuse(f"disk of {path}", error.strerror)
            return
        labels = {"path": str(path)}
        free = Series("disk_free_bytes", "What is left of a disk.")
        families.add(free, labels, found.free)
        total = Series("disk_total_bytes", "How big a disk is.")
        families.add(total, labels, found.total)

    def _refuse(self, name: str, reason: str | None) -> None:
        """Say once that something cannot be measured."""
        if name not in self._refused:
            self._refused.add(name)
            logger.warning("no metrics of %s: %s", name, reason or "no answer")


def watch_database(
    monitor: Monitor, *, registry: CollectorRegistry = REGISTRY
) -> DatabaseCollector:
    """Have a database and its monitor's pool among the metrics."""
    collector = DatabaseCollector(monitor)
    registry.register(collector)
    return collector


def _of_health(health: Health) -> Iterator[Metric]:
    families = Families()
    up = Series("database_up", "1 if the database answers, else 0.")
    families.add(up, {}, health.server is not None)
    for check in health.of("redis"):
        if check.verdict is not Verdict.NOT_CONFIGURED:
            up = Series("redis_up", "1 if Redis answers, else 0.")
            families.add(up, {}, check.verdict is Verdict.OK)
    if health.entries is not None:
        lacking = len(pending(health.entries))
        series = Series("migrations_pending", "Migrations that are not applied.")
        families.add(series, {}, lacking)
        applied = sum(each.applied_at is not None for each in health.entries)
        series = Series("migrations_applied", "Migrations that are applied.")
        families.add(series, {}, applied)
    series = Series("extension_skew", "1 if library and catalog differ, else 0.")
    for name, (installed, default) in health.extensions.items():
        families.add(series, {"extension": name}, installed != default)
    yield from families


def _exists(connection: Connection[Any], table: str) -> bool:
    return connection.execute(EXISTS, [table]).fetchone() == (True,)
