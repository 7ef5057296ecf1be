"""A primary and a streaming standby, and routers that notice quickly what happens."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr

from drystone.database.pool import open_pool
from drystone.replicas import Router, open_router
from drystone.replicas.positions import LOOK
from drystone.settings import Settings
from tests.clusters import Cluster, opened_cluster

from .things import CREATE

PATIENCE = 30.0


@dataclass(frozen=True)
class Pair:
    """A primary and its standby."""

    primary: Cluster
    standby: Cluster

    def settings(self, **changes: Any) -> Settings:
        """Return settings for routing between the two."""
        usual: dict[str, Any] = {
            "replica_urls": (SecretStr(self.standby.url()),),
            "replica_check_interval": 0.05,
            "replica_max_lag": 0.3,
            "pool_max_size": 8,
            "connect_timeout": 2,
        }
        return Settings(**{**usual, **changes})

    @contextmanager
    def router(self, **changes: Any) -> Iterator[Router]:
        """Open a router on the two, with each replica ready."""
        settings = self.settings(**changes)
        with (
            open_pool(self.primary.url(), settings) as pool,
            open_router(pool, settings) as router,
        ):
            until(lambda: {r.state for r in router.stats().replicas} <= {"ready"})
            yield router

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Keep the standby from replaying, for a block."""
        with psycopg.connect(self.standby.url(), autocommit=True) as connection:
            connection.execute("SELECT pg_wal_replay_pause()")
            paused = "SELECT pg_get_wal_replay_pause_state()"
            until(lambda: connection.execute(paused).fetchone() == ("paused",))
            try:
                yield
            finally:
                connection.execute("SELECT pg_wal_replay_resume()")


def make_pair(primary: Cluster, **parameters: str) -> Pair:
    """Give a new server the table, and a standby."""
    with psycopg.connect(primary.url(), autocommit=True) as connection:
        connection.execute(CREATE.encode())
    return Pair(primary, primary.follow("standby", **parameters))


@pytest.fixture(scope="session")
def shared_pair() -> Iterator[Pair]:
    """Two servers that stay in their roles."""
    with opened_cluster() as primary:
        yield make_pair(primary)


@pytest.fixture
def pair(shared_pair: Pair) -> Iterator[Pair]:
    """The shared servers, with nothing left to replay at the beginning and the end."""
    caught_up(shared_pair)
    yield shared_pair
    caught_up(shared_pair)


@pytest.fixture
def own_pair() -> Iterator[Pair]:
    """Two servers that the test may stop, kill and promote."""
    with opened_cluster() as primary:
        yield make_pair(primary)


def caught_up(pair: Pair) -> None:
    """Wait until the standby shows all that is committed."""
    with (
        psycopg.connect(pair.primary.url(), autocommit=True) as primary,
        psycopg.connect(pair.standby.url(), autocommit=True) as standby,
    ):
        written = LOOK.one(primary).position
        until(lambda: LOOK.one(standby).position.covers(written))


def state_of(router: Router) -> str:
    """Return what the router says of its only replica."""
    (replica,) = router.stats().replicas
    return replica.state


def until(condition: Callable[[], bool]) -> None:
    """Wait for what will be."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
