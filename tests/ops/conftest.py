"""A service over a database of the test's own, asked without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from drystone.migrations.files import Migration, read_migrations
from drystone.ops.metrics import watch_database, watch_pools
from drystone.ops.monitor import Monitor
from drystone.ops.serving import application
from drystone.settings import Settings
from drystone.systems import shipped

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


class Service:
    """What ``drystone serve`` serves."""

    def __init__(self, monitor: Monitor) -> None:
        self.monitor = monitor
        registry = CollectorRegistry()
        watch_pools(monitor.pool, registry=registry)
        watch_database(monitor, registry=registry)
        self._app = application(monitor, registry=registry)

    def ask(self, path: str, **headers: str) -> httpx.Response:
        return asyncio.run(self._ask(path, headers))

    async def _ask(self, path: str, headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(self._app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://service"
        ) as client:
            return await client.get(path, headers=headers)

    def get(self, path: str) -> tuple[int, Any]:
        answer = self.ask(path)
        return answer.status_code, answer.json()

    def check(self, name: str) -> dict[str, Any]:
        """What the readiness says of a part."""
        _, document = self.get("/health/ready")
        (found,) = [c for c in document["checks"] if c["name"] == name]
        return dict(found)

    def metrics(self) -> Samples:
        """Every sample, by its name and its labels."""
        return samples(self.ask("/metrics").text)


def samples(text: str) -> Samples:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


Serving = Callable[..., Service]


@pytest.fixture(scope="session")
def migrations() -> list[Migration]:
    return read_migrations([shipped("migrations")])


@pytest.fixture
def serving(migrations: list[Migration]) -> Iterator[Serving]:
    """Serve a database, by default with the shipped migrations."""
    with ExitStack() as stack:

        def start(
            conninfo: str, files: list[Migration] | None = None, **settings: Any
        ) -> Service:
            monitor = Monitor(
                conninfo,
                Settings(**{"recall_interval": 0, **settings}),
                migrations=migrations if files is None else files,
            )
            stack.callback(monitor.close)
            return Service(monitor)

        yield start
