"""One system's development seed, for tests that need no other."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import Connection

from drystone.systems import seeding, shipped


@pytest.fixture
def ideas(connection: Connection[Any]) -> Connection[Any]:
    """A session on a migrated database with the development seed of `ideas`."""
    for seed in seeding.find_seeds([shipped("sql")], stage="dev", systems=["ideas"]):
        seeding.load(connection, seed)
    return connection


@pytest.fixture
def shop(connection: Connection[Any]) -> Connection[Any]:
    """A session on a migrated database with the development seed of `shop`."""
    for seed in seeding.find_seeds([shipped("sql")], stage="dev", systems=["shop"]):
        seeding.load(connection, seed)
    return connection
