"""One system's development seed, for tests that need no other."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import Connection

from drystone.systems import seeding, shipped


@pytest.fixture
def ideas(own: Connection[Any]) -> Connection[Any]:
    """A session on a database of the test's own with the seed of `ideas` alone."""
    return _seeded(own, "ideas")


@pytest.fixture
def shop(connection: Connection[Any]) -> Connection[Any]:
    """A session with the seed of `shop` alone, whose work is rolled back."""
    return _seeded(connection, "shop")


@pytest.fixture
def own_shop(own: Connection[Any]) -> Connection[Any]:
    """The same in autocommit on a database of the test's own."""
    return _seeded(own, "shop")


def _seeded(connection: Connection[Any], system: str) -> Connection[Any]:
    for seed in seeding.find_seeds([shipped("sql")], stage="dev", systems=[system]):
        seeding.load(connection, seed)
    return connection
