"""A shop's tables, and modules generated from a test's own queries on them."""

from __future__ import annotations

import importlib
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from drystone.database.session import connect
from drystone.queries.generation.project import Generated, Package, generate
from drystone.queries.reading.files import read_areas
from drystone.settings import Settings

Build = Callable[[str], Any]

_SHOP = """
CREATE SCHEMA shop;
CREATE TYPE shop.status AS ENUM ('draft', 'on sale');
CREATE TABLE shop.brands (id integer PRIMARY KEY, name text NOT NULL, site text);
CREATE TABLE shop.items (
    id integer PRIMARY KEY,
    name text NOT NULL,
    price numeric NOT NULL,
    status shop.status NOT NULL DEFAULT 'draft',
    brand_id integer REFERENCES shop.brands,
    tags text[],
    facts jsonb
);
CREATE TABLE shop.reviews (
    id integer PRIMARY KEY,
    item_id integer NOT NULL REFERENCES shop.items,
    stars integer NOT NULL,
    words text
);
CREATE TABLE shop.photos (
    id integer PRIMARY KEY,
    item_id integer NOT NULL REFERENCES shop.items
);
INSERT INTO shop.brands VALUES (1, 'Acme', NULL), (2, 'Bolt', 'https://bolt.example');
INSERT INTO shop.items VALUES
    (1, 'anvil', 90, 'on sale', 1, '{heavy,NULL}', '{"kg": 50}'),
    (2, 'bolt', 1, 'draft', 2, NULL, NULL),
    (3, 'cog', 5, 'on sale', NULL, '{}', '{"kg": 50}');
INSERT INTO shop.reviews VALUES (1, 1, 5, 'solid'), (2, 1, 3, NULL), (3, 2, 4, 'fits');
INSERT INTO shop.photos VALUES (1, 1), (2, 1);
"""


@pytest.fixture
def shop(empty: Connection[Any]) -> Connection[Any]:
    """A session with three items, some of a brand, some reviewed; rolled back."""
    empty.execute(_SHOP.encode())
    return empty


@pytest.fixture
def own_shop(empty_url: str, settings: Settings) -> Iterator[Connection[Any]]:
    """The same in autocommit on a database that other sessions can look into."""
    with connect(empty_url, settings) as opened:
        opened.execute(_SHOP.encode())
        yield opened


@pytest.fixture
def package(tmp_path: Path) -> Package:
    """A package that no other test has: modules are imported once for a process."""
    name = f"shop_{uuid.uuid4().hex}"
    return Package(name, tmp_path / name)


@pytest.fixture
def generated(
    shop: Connection[Any], tmp_path: Path, package: Package
) -> Callable[[str], Generated]:
    """Generate, in memory, from the text of ``sql/shop/items.sql``."""

    def run(text: str) -> Generated:
        path = tmp_path / "sql" / "shop" / "items.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return generate(shop, read_areas([tmp_path / "sql"]), [], package)

    return run


@pytest.fixture
def build(
    generated: Callable[[str], Generated],
    package: Package,
    monkeypatch: pytest.MonkeyPatch,
) -> Build:
    """Generate, write, and import the module of ``sql/shop/items.sql``."""

    def run(text: str) -> Any:
        found = generated(text)
        for each in found.failed:
            raise each.error or AssertionError(each.name)
        found.write()
        monkeypatch.syspath_prepend(package.folder.parent)
        return importlib.import_module(f"{package.name}.shop.items")

    return run
