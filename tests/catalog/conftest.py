"""A small schema of almost every kind of object, cloned for each test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from pytest_postgresql import factories

SHOP = Path(__file__).with_name("shop.sql")


def _shop(**parts: Any) -> None:
    keys = ("host", "port", "user", "dbname")
    with psycopg.connect(**{key: parts[key] for key in keys}) as connection:
        connection.execute(SHOP.read_bytes())


shop_template = factories.postgresql_noproc(
    dbname="shop", depends_on="empty_template", load=[_shop]
)
shop_clone = factories.postgresql("shop_template")


@pytest.fixture
def shop(shop_clone: Connection[Any]) -> Connection[Any]:
    """A session on a clone of shop.sql, in autocommit, without any special types."""
    shop_clone.rollback()
    shop_clone.autocommit = True
    return shop_clone
