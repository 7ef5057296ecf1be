"""A small project: two tables and a view, three migrations, five queries."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from drystone.review.report.gathering import gather
from drystone.review.report.pages import write_report
from drystone.review.report.parts import Project
from drystone.review.report.review import Review
from drystone.settings import Settings
from drystone.testing import embedded_server

NOWHERE = "postgresql://nobody@127.0.0.1:1/nowhere"

MIGRATIONS = {
    "shop-0001-create-items": (
        """\
-- The items that the shop sells.
--
-- Lock: none on what is there.
CREATE SCHEMA shop;

CREATE TABLE shop.items (
    id bigint GENERATED ALWAYS AS IDENTITY,
    name text NOT NULL,
    price numeric,
    CONSTRAINT items_pkey PRIMARY KEY (id),
    CONSTRAINT items_price_check CHECK (price > 0)
);

COMMENT ON TABLE shop.items IS 'What is for sale.';
COMMENT ON COLUMN shop.items.price IS 'NULL while nobody has set it.';
""",
        "DROP TABLE shop.items;\nDROP SCHEMA shop;\n",
    ),
    "shop-0002-create-orders": (
        """\
-- Orders, each of one item.
CREATE TABLE shop.orders (
    id bigint GENERATED ALWAYS AS IDENTITY,
    item_id bigint NOT NULL,
    CONSTRAINT orders_pkey PRIMARY KEY (id),
    CONSTRAINT orders_item_id_fkey FOREIGN KEY (item_id) REFERENCES shop.items (id)
);

CREATE INDEX orders_item_id_idx ON shop.orders (item_id);

CREATE VIEW shop.sold AS
SELECT item.name
FROM shop.items AS item
JOIN shop.orders ON orders.item_id = item.id;
""",
        "DROP VIEW shop.sold;\nDROP TABLE shop.orders;\n",
    ),
    # Its rollback forgets the default.
    "shop-0003-set-default": (
        """\
-- A price that most items have.
ALTER TABLE shop.items ALTER price SET DEFAULT 1;
CREATE INDEX items_name_idx ON shop.items (name);
""",
        "DROP INDEX shop.items_name_idx;\n",
    ),
}
QUERIES = """\
-- name: find_item(id)^
-- The item of a number.
SELECT item.id, item.name, item.price
FROM shop.items AS item
WHERE item.id = :id;

-- name: add_item(name, price)!
-- Adds an item; nobody may know its price.
INSERT INTO shop.items (name, price)
VALUES (:name, :price);

-- name: sold_names()
-- The names of what was sold.
SELECT sold.name FROM shop.sold AS sold;

-- name: orders_of(item_id)
SELECT orders.id FROM shop.orders WHERE orders.item_id = :item_id;

-- name: broken()
SELECT item.nmae FROM shop.items AS item;
"""


def write_project(folder: Path) -> None:
    """Write the project's files."""
    migrations, queries = folder / "migrations" / "shop", folder / "sql" / "shop"
    for each in (migrations, queries):
        each.mkdir(parents=True)
    for name, (up, down) in MIGRATIONS.items():
        (migrations / f"{name}.sql").write_text(up)
        (migrations / f"{name}.rollback.sql").write_text(down)
    (queries / "items.sql").write_text(QUERIES)


def project_at(folder: Path, url: str | None = None) -> Project:
    """Return a project whose database holds nothing of it."""
    return Project(
        settings=Settings(project=folder),
        migrations=[folder / "migrations"],
        queries=[folder / "sql"],
        locate=lambda: url or embedded_server().start(),
    )


@cache
def review_of_project() -> Review:
    """Review the project as it stands, once in a run."""
    with TemporaryDirectory() as name:
        write_project(Path(name))
        return gather(project_at(Path(name)))


@pytest.fixture
def reviewed() -> Review:
    """The review of the project."""
    return review_of_project()


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of its report."""
    folder = tmp_path_factory.mktemp("report")
    write_report(review_of_project(), folder)
    return folder
