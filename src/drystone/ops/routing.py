"""What Prometheus is told of a service's replicas."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from drystone.ops.metrics import Families
from drystone.ops.sources import Series
from drystone.replicas import AsyncRouter, Router, State

_READY = Series("replica_ready", "1 if a replica is read from, else 0.")
_LAG = Series("replica_lag_seconds", "How late a replica was when it was last seen.")
_READS = Series("replica_reads", "Queries that a replica answered.", is_counter=True)
_FAULTS = Series("replica_faults", "Queries that a replica failed at.", is_counter=True)
_PRIMARY = Series(
    "replica_primary_reads",
    "Queries fit for a replica that the primary answered.",
    is_counter=True,
)
_LATE = Series(
    "replica_late",
    "Those of them for which no replica had what their reader wrote.",
    is_counter=True,
)


class RouterCollector(Collector):
    """Tells of the replicas that a router reads from."""

    def __init__(self, router: Router | AsyncRouter) -> None:
        self._router = router

    def collect(self) -> Iterator[Metric]:
        """Give Prometheus what the router counted."""
        families = Families()
        stats = self._router.stats()
        for each in stats.replicas:
            labels = {"replica": each.name}
            families.add(_READY, labels, each.state is State.READY)
            families.add(_LAG, labels, each.lag_seconds)
            families.add(_READS, labels, each.reads)
            families.add(_FAULTS, labels, each.faults)
        families.add(_PRIMARY, {}, stats.primary_reads)
        families.add(_LATE, {}, stats.late)
        yield from families

    def describe(self) -> list[Any]:
        """Name no metrics in advance."""
        return []


def watch_router(
    router: Router | AsyncRouter, *, registry: CollectorRegistry = REGISTRY
) -> RouterCollector:
    """Have a router's replicas among the metrics, until it is unregistered."""
    collector = RouterCollector(router)
    registry.register(collector)
    return collector
