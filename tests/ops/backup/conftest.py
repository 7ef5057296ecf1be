"""A backup of the development seed, for tests to restore or to damage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from psycopg import Connection
from pytest_postgresql.executors import NoopExecutor

from drystone.database.session import connect
from drystone.ops.backup import Backup, back_up
from drystone.settings import Settings
from drystone.testing import url_of_shared
from tests.cli.conftest import drystone

__all__ = ["drystone"]


@pytest.fixture(scope="session")
def backup(
    seeded_shared: NoopExecutor, tmp_path_factory: pytest.TempPathFactory
) -> Backup:
    """A backup of a database that other tests read, not to be changed."""
    url = url_of_shared(seeded_shared)
    return back_up(url, Settings(), root=tmp_path_factory.mktemp("backups"), jobs=2)


@pytest.fixture
def own_empty(empty_url: str, settings: Settings) -> Iterator[Connection[Any]]:
    """A session in autocommit on an empty database of the test's own."""
    with connect(empty_url, settings) as opened:
        yield opened
