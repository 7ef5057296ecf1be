"""A small schema of almost every kind of object."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from pytest_postgresql import factories
from pytest_postgresql.executors import NoopExecutor

from drystone.testing import conninfo_of, url_of_shared

SHOP = Path(__file__).with_name("shop.sql")


def _shop(**parts: Any) -> None:
    with psycopg.connect(conninfo_of(**parts)) as connection:
        connection.execute(SHOP.read_bytes())


shop_template = factories.postgresql_noproc(
    dbname="shop", depends_on="empty_template", load=[_shop]
)
shop_clone = factories.postgresql("shop_template")
shop_shared = factories.postgresql_noproc(
    dbname="shop_shared", depends_on="shop_template", load=[]
)


@pytest.fixture
def shop(shop_shared: NoopExecutor) -> Iterator[Connection[Any]]:
    """A session on shop.sql, without any special types, whose work is rolled back."""
    with (
        psycopg.connect(url_of_shared(shop_shared), autocommit=True) as opened,
        opened.transaction(force_rollback=True),
    ):
        yield opened


@pytest.fixture
def own_shop(shop_clone: Connection[Any]) -> Connection[Any]:
    """The same in autocommit on a clone of the test's own."""
    shop_clone.rollback()
    shop_clone.autocommit = True
    return shop_clone
