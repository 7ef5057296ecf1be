"""Sessions for the tests of the systems: nearly all of them can be undone.

``connection``, ``seeded``, ``ideas`` and ``demo`` are in a transaction that is rolled
back, on databases that a worker's tests share. A test that commits, goes on after an
error or meets another session takes ``own``, ``own_seeded`` or ``own_demo``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import Connection

from drystone.database.session import connect
from drystone.settings import Settings
from drystone.systems import seeding, shipped


@pytest.fixture
def connection(undone: Connection[Any]) -> Connection[Any]:
    """A session on a migrated database without rows."""
    return undone


@pytest.fixture
def seeded(seeded_undone: Connection[Any]) -> Connection[Any]:
    """The same with the development seed of every system."""
    return seeded_undone


@pytest.fixture
def demo(demo_undone: Connection[Any]) -> Connection[Any]:
    """The same with the generated demo data."""
    return demo_undone


@pytest.fixture
def own(database_url: str, settings: Settings) -> Iterator[Connection[Any]]:
    """A session in autocommit on a migrated database of the test's own."""
    with connect(database_url, settings) as opened:
        yield opened


@pytest.fixture
def own_seeded(seeded_url: str, settings: Settings) -> Iterator[Connection[Any]]:
    """The same with the development seed of every system."""
    with connect(seeded_url, settings) as opened:
        yield opened


@pytest.fixture
def own_demo(demo_url: str, settings: Settings) -> Iterator[Connection[Any]]:
    """The same with the generated demo data."""
    with connect(demo_url, settings) as opened:
        yield opened


@pytest.fixture
def ideas(own: Connection[Any]) -> Connection[Any]:
    """The same with the development seed of `ideas` alone."""
    for seed in seeding.find_seeds([shipped("sql")], stage="dev", systems=["ideas"]):
        seeding.load(own, seed)
    return own
