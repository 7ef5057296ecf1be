"""A workshop's tables with known rows, and each of its queries explained once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from drystone.migrations.files import Migration, SqlFile
from drystone.queries.reading.files import Area, read_areas
from drystone.review.plans.plan import QueryPlan
from drystone.review.plans.representative import explain, represented
from drystone.settings import Settings
from drystone.testing import embedded_server

SCHEMA = """
CREATE SCHEMA shop;
CREATE EXTENSION vector WITH SCHEMA public;

CREATE TABLE shop.parts (
    id integer PRIMARY KEY,
    sku text NOT NULL UNIQUE,
    serial text NOT NULL,
    town integer NOT NULL,
    zip integer NOT NULL,
    price numeric NOT NULL CONSTRAINT parts_price_check CHECK (price > 0),
    words text NOT NULL
);
CREATE INDEX parts_town_zip_idx ON shop.parts (town);
CREATE TABLE shop.tuned (LIKE shop.parts INCLUDING ALL);
CREATE STATISTICS shop.tuned_stats (dependencies, mcv) ON town, zip FROM shop.tuned;

CREATE TABLE shop.colours (name text PRIMARY KEY, hex text NOT NULL);
CREATE TABLE shop.pictures (
    id integer PRIMARY KEY, embedding public.vector(3) NOT NULL
);
CREATE INDEX pictures_embedding_idx
    ON shop.pictures USING hnsw (embedding vector_l2_ops);

CREATE FUNCTION shop.staged() RETURNS SETOF shop.parts LANGUAGE plpgsql STABLE AS
    $$ BEGIN RETURN QUERY TABLE pg_temp.staged_parts; END $$;

CREATE TABLE shop.visits (at date NOT NULL, page integer NOT NULL)
    PARTITION BY RANGE (at);
CREATE TABLE shop.visits_1 PARTITION OF shop.visits
    FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE shop.visits_2 PARTITION OF shop.visits
    FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');

CREATE TYPE shop.spot AS (price numeric, id integer);
CREATE TYPE shop.frame AS (low_town integer, high_town integer);
CREATE FUNCTION shop.in_frame(town integer, frame shop.frame)
RETURNS boolean LANGUAGE sql IMMUTABLE
RETURN town BETWEEN (frame).low_town AND (frame).high_town;

CREATE TABLE shop.forbidden (
    id integer NOT NULL CHECK (id > 5 AND id < 5), note text
);
"""
SEED = """
INSERT INTO shop.parts
SELECT
    n, 'sku-' || n, 'serial-' || n, n % 100, n % 100, 1 + n % 50, repeat(n::text, 80)
FROM generate_series(1, 20000) AS n;
INSERT INTO shop.tuned SELECT * FROM shop.parts;
INSERT INTO shop.colours
SELECT 'colour ' || n, '#' || n FROM generate_series(1, 9) AS n;
"""
QUERIES = """
-- name: by_sku(sku)
SELECT part.id FROM shop.parts AS part WHERE part.sku = :sku;

-- name: by_serial(serial)
SELECT part.id FROM shop.parts AS part WHERE part.serial = :serial;

-- name: by_hex(hex)
SELECT colour.name FROM shop.colours AS colour WHERE colour.hex = :hex;

-- name: by_place(town, zip)
SELECT part.id FROM shop.parts AS part WHERE part.town = :town AND part.zip = :zip;

-- name: by_place_tuned(town, zip)
SELECT part.id FROM shop.tuned AS part WHERE part.town = :town AND part.zip = :zip;

-- name: sorted()
SELECT part.id, part.words FROM shop.parts AS part ORDER BY part.words;

-- name: filtered(town, min_price)
-- order id: part.id
-- order price: part.price
SELECT part.id
FROM shop.parts AS part
WHERE
    (:town::integer IS NULL OR part.town = :town)
    AND (:min_price::numeric IS NULL OR part.price >= :min_price)
ORDER BY part.id;

-- name: nearest(embedding, limit_rows)
SELECT picture.id
FROM shop.pictures AS picture
ORDER BY picture.embedding <-> :embedding::public.vector
LIMIT :limit_rows;

-- name: visits(since)
SELECT visit.page FROM shop.visits AS visit WHERE visit.at >= :since;

-- name: next_page(after)
SELECT part.id
FROM shop.parts AS part
WHERE (part.price, part.id) < ((:after::shop.spot).price, (:after::shop.spot).id);

-- name: framed(frame)
SELECT part.id
FROM shop.parts AS part
WHERE shop.in_frame(part.town, :frame::shop.frame);

-- name: add_part(id, sku, serial, town, zip, price, words)!
INSERT INTO shop.parts (id, sku, serial, town, zip, price, words)
VALUES (:id, :sku, :serial, :town, :zip, :price, :words);

-- name: staged()
SELECT row.id FROM shop.staged() AS row;

-- name: nothing(note)
SELECT row.id FROM shop.forbidden AS row WHERE row.note = :note;

-- name: clear()!
DELETE FROM shop.tuned;

-- name: touch()!
UPDATE shop.tuned AS part SET price = part.price + 1;

-- name: worthless(id, price)!
UPDATE shop.parts AS part SET price = -:price::numeric WHERE part.id = :id;

-- name: wrong()
SELECT part.colour FROM shop.parts AS part;

-- name: index_it()!
CREATE INDEX ON shop.parts (serial);

-- name: several#
SELECT 1;
SELECT 2;
"""


def migration(name: str, text: str) -> Migration:
    """A migration that no folder holds."""
    return Migration(name, "shop", SqlFile(Path(f"{name}.sql"), text), None)


def write_queries(folder: Path) -> list[Area]:
    """Write the workshop's queries and seed into a folder of queries."""
    seed = folder / "shop" / "seed" / "demo"
    seed.mkdir(parents=True)
    (seed / "01-rows.sql").write_text(SEED)
    (folder / "shop" / "parts.sql").write_text(QUERIES)
    return read_areas([folder])


def explained(
    areas: Sequence[Area], *more: Migration, names: Sequence[str] = ()
) -> list[QueryPlan]:
    """Explain the workshop's queries, with migrations behind the first one."""
    with represented(
        embedded_server().start(),
        Settings(),
        areas,
        [migration("shop-0001-create", SCHEMA), *more],
        seeds=[areas[0].folder],
        names=names,
    ) as database:
        return explain(database)


@pytest.fixture(scope="session")
def shop_areas(tmp_path_factory: pytest.TempPathFactory) -> list[Area]:
    """The files of the workshop's queries."""
    return write_queries(tmp_path_factory.mktemp("sql"))


@pytest.fixture(scope="session")
def shop_plans(shop_areas: list[Area]) -> Mapping[str, QueryPlan]:
    """The plans by the queries' own names."""
    plans = explained(shop_areas)
    return {plan.name.rpartition(".")[2]: plan for plan in plans}
