"""The dining system at 100,000 connections and 500,000 mentions, and at a tenth of it.

Loading through the public API is compared with a bare COPY of the same rows, written
out beforehand, into a temporary table, and the same INSERT ... SELECT from it. More
data is more cities: what one city's restaurants cost to search should not depend on it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg import Connection, sql

from benchmarks.dining_data import (
    CITY_DEGREES,
    CITY_LATITUDE,
    CITY_LONGITUDE,
    NOW,
    Country,
    Scale,
)
from benchmarks.timing import milliseconds, percentile
from drystone.cli.output import line, table
from drystone.database.copy import copy_rows
from drystone.queries.reading.lexer import read_queries
from drystone.systems import shipped
from drystone.systems.dining import entities, flows, resolve, search
from drystone.systems.dining.flows import NewConnection, NewMention
from drystone.systems.dining.types import EntityType, Viewport

_TENTH = Scale(restaurants=500, dishes=2_000, connections=10_000, mentions=50_000)
_FULL = Scale(restaurants=5_000, dishes=20_000, connections=100_000, mentions=500_000)
_CALLS = 200

_TABLES = (
    "entities",
    "restaurant_attributes",
    "connections",
    "connection_dishes",
    "connection_attributes",
    "mentions",
)
_INDEX = b"""
CREATE INDEX entities_embedding_idx
    ON dining.entities USING hnsw (embedding public.vector_cosine_ops)
"""

_STATEMENT = """
SELECT name
FROM pg_catalog.pg_prepared_statements
WHERE statement LIKE '/* dining.search.search_dishes */%'
ORDER BY prepare_time DESC
LIMIT 1
"""

_CATEGORIES = """
SELECT unnest(categories)
FROM dining.connections
GROUP BY 1
ORDER BY count(*) DESC
LIMIT 50
"""

_NAMES = "SELECT name FROM dining.entities WHERE type = 'restaurant' ORDER BY id"

_VECTORS = """
SELECT embedding
FROM dining.entities
WHERE embedding IS NOT NULL
ORDER BY id
LIMIT 200
"""

Ids = dict[EntityType, list[UUID]]
Question = Callable[[Any], Any]


def run(connection: Connection[Any]) -> None:
    """Print loading speed at full scale, and how latency grows from a tenth to it."""
    small = _fill(connection, _TENTH)
    before = _latencies(connection, small)
    full = _fill(connection, _FULL, report=True)
    after = _latencies(connection, full)
    rows = [
        (
            name,
            f"{percentile(before[name], 50):.2f}",
            f"{percentile(after[name], 50):.2f}",
            f"{percentile(after[name], 95):.2f}",
            f"{percentile(after[name], 50) / percentile(before[name], 50):.1f}",
        )
        for name in after
    ]
    headers = ("query", "p50 ms at a tenth", "p50 ms", "p95 ms", "times")
    table(headers, rows, right=headers[1:])
    _show_plan(connection)


# --- Loading --------------------------------------------------------------------


def _fill(connection: Connection[Any], scale: Scale, *, report: bool = False) -> Ids:
    """Load everything anew, with an index on embeddings that is built afterwards."""
    country = Country(scale)
    _on_tables(connection, "TRUNCATE {}")
    connection.execute("DROP INDEX dining.entities_embedding_idx")
    ids: Ids = {kind: [] for kind in EntityType}
    for row in flows.load_entities(connection, country.entities()):
        ids[row.type].append(row.id)
    connection.execute("SET maintenance_work_mem = '256MB'")
    connection.execute(_INDEX)
    chance = random.Random(1)
    links = [
        (restaurant, attribute)
        for restaurant in ids[EntityType.RESTAURANT]
        for attribute in chance.sample(ids[EntityType.RESTAURANT_ATTRIBUTE], 3)
    ]
    columns = ("restaurant_id", "attribute_id")
    copy_rows(connection, "dining.restaurant_attributes", columns, links)
    joined = country.connections(
        ids[EntityType.RESTAURANT],
        ids[EntityType.DISH_OR_CATEGORY],
        ids[EntityType.DISH_ATTRIBUTE],
    )
    bare_connections = bare_mentions = 0.0
    if report:
        bare_connections = _bare(connection, "connections", NewConnection, joined)
        _on_tables(connection, "TRUNCATE {}", _TABLES[2:])
    begin = time.perf_counter()
    stored = flows.load_connections(connection, joined)
    took_connections = time.perf_counter() - begin
    mentions = list(country.mentions([row.id for row in stored]))
    if report:
        bare_mentions = _bare(connection, "mentions", NewMention, mentions)
        _on_tables(connection, "TRUNCATE {}", _TABLES[5:])
    begin = time.perf_counter()
    flows.load_mentions(connection, mentions)
    took_mentions = time.perf_counter() - begin
    begin = time.perf_counter()
    flows.recompute(connection, as_of=NOW)
    took_scores = time.perf_counter() - begin
    _on_tables(connection, "VACUUM ANALYZE {}")
    if report:
        _report("connections", len(joined), bare_connections, took_connections)
        _report("mentions", len(mentions), bare_mentions, took_mentions)
        line(f"recompute of all connections: {took_scores:.1f} s")
    return ids


def _report(name: str, rows: int, bare: float, took: float) -> None:
    line(
        f"{rows:,} {name}: API {rows / took:,.0f} rows/s, bare {rows / bare:,.0f}; "
        f"{bare / took:.0%} of its speed"
    )


def _bare(
    connection: Connection[Any], name: str, row: Any, rows: Sequence[Any]
) -> float:
    """Return the seconds for COPY and the named INSERT ... SELECT, without the API."""
    queries = {
        query.name: query.sql
        for query in read_queries(Path(shipped("sql")) / "dining" / "load.sql")
    }
    insert = queries[f"upsert_staged_{name}"].replace(
        f"dining.staged_{name}()", f"pg_temp.staged_{name}"
    )
    with connection.transaction():
        connection.execute(queries[f"stage_{name}"].encode())
        copy_rows(connection, f"pg_temp.staged_{name}", row._fields, rows)
        with connection.cursor() as cursor:
            with cursor.copy(f"COPY pg_temp.staged_{name} TO STDOUT".encode()) as out:
                text = b"".join(bytes(block) for block in out)
            cursor.execute(f"TRUNCATE pg_temp.staged_{name}".encode())
            begin = time.perf_counter()
            with cursor.copy(f"COPY pg_temp.staged_{name} FROM STDIN".encode()) as copy:
                copy.write(text)
            cursor.execute(insert.encode())
            return time.perf_counter() - begin


def _on_tables(
    connection: Connection[Any], statement: str, tables: Sequence[str] = _TABLES
) -> None:
    names = sql.SQL(", ").join(sql.Identifier("dining", name) for name in tables)
    connection.execute(sql.SQL(statement).format(names))


# --- Asking ---------------------------------------------------------------------


def _latencies(connection: Connection[Any], ids: Ids) -> dict[str, list[float]]:
    """Return the milliseconds of each question, asked with values that vary."""
    connection.execute("DEALLOCATE ALL")
    questions = _questions(connection, ids)
    for question in questions.values():
        milliseconds(question, [connection] * 20)
    return {
        name: milliseconds(question, [connection] * _CALLS)
        for name, question in questions.items()
    }


def _questions(connection: Connection[Any], ids: Ids) -> dict[str, Question]:
    chance = random.Random(3)
    dishes, attributes = (
        ids[EntityType.DISH_OR_CATEGORY],
        ids[EntityType.DISH_ATTRIBUTE],
    )
    categories, names, vectors = (
        [row[0] for row in connection.execute(statement)]
        for statement in (_CATEGORIES, _NAMES, _VECTORS)
    )

    def some(choices: Sequence[Any]) -> list[Any]:
        return [chance.choice(choices)]

    def quarter() -> Viewport:
        south = CITY_LATITUDE + chance.uniform(0, CITY_DEGREES / 2)
        west = CITY_LONGITUDE + chance.uniform(0, CITY_DEGREES / 2)
        half = CITY_DEGREES / 2
        return Viewport(south, west, south + half, west + half)

    def misspelled(name: str) -> str:
        place = chance.randrange(1, len(name) - 1)
        return name[:place] + chance.choice("aeiou") + name[place + 1 :]

    find, rank = search.search_dishes, search.rank_restaurants_for_dish
    return {
        "search all": lambda c: find(c, limit_rows=20),
        "search a dish": lambda c: find(c, dish_ids=some(dishes)),
        "search a category": lambda c: find(c, dish_ids=some(categories)),
        "search an attribute": lambda c: find(
            c, dish_attribute_ids=some(attributes[:20])
        ),
        "search a viewport": lambda c: find(c, viewport=quarter()),
        "search category, viewport": lambda c: find(
            c, dish_ids=some(categories), viewport=quarter()
        ),
        "rank by category": lambda c: rank(c, dish_id=chance.choice(categories)),
        "rank by category, viewport": lambda c: rank(
            c, dish_id=chance.choice(categories), viewport=quarter()
        ),
        "best of a viewport": lambda c: search.best_restaurants(c, viewport=quarter()),
        "trending in a viewport": lambda c: search.trending(c, viewport=quarter()),
        "related dishes": lambda c: search.related_dishes(
            c, dish_id=chance.choice(dishes), hops=1
        ),
        "resolve a name": lambda c: flows.resolve(
            c, some(names), type=EntityType.RESTAURANT
        ),
        "resolve a misspelled name": lambda c: flows.resolve(
            c, [misspelled(chance.choice(names))], type=EntityType.RESTAURANT
        ),
        "resolve by meaning": lambda c: resolve.resolve_semantic(
            c,
            type=EntityType.DISH_OR_CATEGORY,
            embedding=chance.choice(vectors),
            limit_rows=5,
        ),
        "suggest": lambda c: entities.suggest(c, prefix=chance.choice(names)[:3]),
    }


def _show_plan(connection: Connection[Any]) -> None:
    """Print the plan of a search by category, as the driver's statement has it."""
    category: UUID = connection.execute(_CATEGORIES).fetchall()[0][0]
    connection.execute("DEALLOCATE ALL")
    for _ in range(8):
        search.search_dishes(connection, dish_ids=[category], limit_rows=20)
    (name,) = connection.execute(_STATEMENT, prepare=False).fetchone() or ("",)
    plan = sql.SQL(
        "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, BUFFERS OFF, SUMMARY OFF)"
        " EXECUTE {} ({}, NULL, NULL, NULL, NULL, NULL, 20)"
    ).format(sql.Identifier(name), sql.Literal([category]))
    for (text,) in connection.execute(plan, prepare=False):
        line(text)
