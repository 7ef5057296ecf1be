"""One system's development seed, for tests that need no other."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import Connection

from drystone.systems import seeding, shipped


@pytest.fixture
def ideas(own: Connection[Any]) -> Connection[Any]:
    """A session on a database of the test's own with the seed of `ideas` alone."""
    for seed in seeding.find_seeds([shipped("sql")], stage="dev", systems=["ideas"]):
        seeding.load(own, seed)
    return own
