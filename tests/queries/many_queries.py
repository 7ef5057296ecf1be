"""As many queries as one asks, of every shape, over a schema of fifty tables."""

from __future__ import annotations

from pathlib import Path

TABLES = 50

_TYPE = """
CREATE SCHEMA shop;

CREATE TYPE shop.state AS ENUM ('new', 'in use');
"""
_TABLE = """
CREATE TABLE shop.{table} (
    id bigint PRIMARY KEY,
    {other}_id bigint,
    name text NOT NULL,
    note text,
    state shop.state NOT NULL DEFAULT 'new',
    amount numeric(10, 2) NOT NULL DEFAULT 0,
    made_on date NOT NULL DEFAULT '2026-01-31',
    seen_at timestamptz,
    tags text[] NOT NULL DEFAULT '{{}}',
    detail jsonb
);

INSERT INTO shop.{table} (id, {other}_id, name, note, amount, tags, detail)
VALUES
    (1, 1, 'one', NULL, 1.50, '{{a, b}}', '{{"n": [1, null]}}'),
    (2, NULL, 'two', 'second', 2, '{{}}', NULL),
    (3, 9, 'three', '', 3.25, '{{c}}', '"text"');
"""

# Each belongs to a table and has a number; ``other`` is the table that it refers to.
_SHAPES = [
    """
-- name: all_{number}()
-- All of them.
SELECT a.id, a.name, a.note, a.state, a.amount, a.made_on, a.seen_at, a.tags, a.detail
FROM shop.{table} AS a
ORDER BY a.id;
""",
    """
-- name: find_{number}(id)^
SELECT a.id, a.name, a.{other}_id FROM shop.{table} AS a WHERE a.id = :id;
""",
    """
-- name: count_{number}(name)$
SELECT count(*) FROM shop.{table} AS a WHERE a.name <> :name;
""",
    """
-- name: rename_{number}(id, name)!
-- Gives it another name.
UPDATE shop.{table} AS a SET name = :name WHERE a.id = :id;
""",
    """
-- name: add_{number}(id, name, note)<!
INSERT INTO shop.{table} (id, name, note)
VALUES (:id + 100, :name, :note)
RETURNING id, name, made_on;
""",
    """
-- name: add_id_{number}(id, name)<!
INSERT INTO shop.{table} (id, name) VALUES (:id + 100, :name) RETURNING id;
""",
    """
-- name: add_many_{number}(id, name)*!
INSERT INTO shop.{table} (id, name) VALUES (:id + 100, :name);
""",
    """
-- name: filtered_{number}(name, state, day, tags)
-- Those that pass the filters, each of which may be NULL.
SELECT a.id, a.state
FROM shop.{table} AS a
WHERE
    (:name::text IS NULL OR a.name = :name::text)
    AND (:state::shop.state IS NULL OR a.state = :state::shop.state)
    AND (:day::date IS NULL OR a.made_on >= :day::date)
    AND (:tags::text[] IS NULL OR a.tags && :tags::text[])
ORDER BY a.id;
""",
    """
-- name: sorted_{number}(limit_rows)
-- order dearest: a.amount DESC, a.id
-- order by_name: a.name
SELECT a.id, a.name, a.amount
FROM shop.{table} AS a
ORDER BY a.amount DESC, a.id
LIMIT :limit_rows::bigint;
""",
    """
-- name: joined_{number}()
SELECT a.id, b.name AS other_name, coalesce(b.note, 'none') AS note
FROM shop.{table} AS a
LEFT JOIN shop.{other} AS b ON b.id = a.{other}_id
ORDER BY a.id;
""",
    """
-- name: totals_{number}()
SELECT
    a.state,
    count(*) AS entries,
    sum(a.amount) AS total,
    array_agg(a.name ORDER BY a.id) AS names
FROM shop.{table} AS a
GROUP BY a.state
ORDER BY a.state;
""",
    """
-- name: ranked_{number}()
WITH ranked AS (
    SELECT a.id, rank() OVER (ORDER BY a.amount DESC) AS place
    FROM shop.{table} AS a
)
SELECT r.id, r.place FROM ranked AS r WHERE r.place < 3 ORDER BY r.place;
""",
    """
-- name: names_{number}()
SELECT a.name FROM shop.{table} AS a
UNION
SELECT b.name FROM shop.{other} AS b
ORDER BY 1;
""",
    """
-- name: exists_{number}(id)$
SELECT EXISTS (SELECT FROM shop.{table} AS a WHERE a.id = :id) AS there;
""",
    """
-- name: remove_{number}(name)!
DELETE FROM shop.{table} AS a
USING shop.{other} AS b
WHERE b.id = a.{other}_id AND a.name = :name;
""",
    """
-- name: put_{number}(thing, detail)!
-- nullable: detail
INSERT INTO shop.{table} (id, name, detail)
VALUES (:thing.id, :thing.name, :detail::jsonb)
ON CONFLICT (id) DO UPDATE SET detail = EXCLUDED.detail;
""",
    """
-- name: days_{number}(day, count)
-- Some days, with "quotes" and a \\ in the comment.
SELECT
    series.day::date AS day,
    extract(isodow FROM series.day)::integer AS weekday,
    to_char(series.day, 'YYYY "week" IW') AS week
FROM generate_series(
    :day::date, :day::date + :count::integer, INTERVAL '1 day'
) AS series (day);
""",
    """
-- name: tagged_{number}(tag)
SELECT a.id, tag.tag
FROM shop.{table} AS a
CROSS JOIN LATERAL unnest(a.tags) AS tag (tag)
WHERE tag.tag <> :tag
ORDER BY a.id, tag.tag;
""",
    """
-- name: ordered_{number}()
-- order newest: a.made_on DESC, a.id DESC
-- order oldest: a.made_on, a.id
-- order dearest: a.amount DESC, a.id
SELECT a.id, a.name
FROM shop.{table} AS a
ORDER BY a.made_on DESC, a.id DESC;
""",
]


def table(number: int) -> str:
    """Return the name of a table."""
    return f"things_{number % TABLES:02}"


def schema() -> str:
    """Return the schema, with three rows in each table."""
    numbers = range(TABLES)
    return _TYPE + "".join(
        _TABLE.format(table=table(n), other=table(n + 1)) for n in numbers
    )


def write_queries(folder: Path, *, files: int, each: int) -> None:
    """Write files of queries of a system ``shop``."""
    (folder / "shop").mkdir(parents=True)
    for file in range(files):
        numbers = range(file * each, (file + 1) * each)
        text = "".join(query(number) for number in numbers)
        (folder / "shop" / f"area_{file:02}.sql").write_text(text, encoding="utf-8")


def query(number: int) -> str:
    """Return a query by its number."""
    shape = _SHAPES[number % len(_SHAPES)]
    return shape.format(number=number, table=table(number), other=table(number + 1))
