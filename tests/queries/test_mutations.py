"""Mistakes in queries, and changes of the schema below them, are told where they are.

The mutants are made in mutations.py and schema_mutations.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from drystone.database.session import connect
from drystone.errors import QueryError
from drystone.queries.describing.described import describe_areas
from drystone.queries.describing.description import Describer
from drystone.queries.generation.impact import Impact, impacts
from drystone.queries.generation.project import signature
from drystone.queries.reading.files import Area, read_areas
from drystone.queries.reading.lexer import parse_queries
from drystone.settings import Settings
from drystone.systems import shipped
from tests.queries import mutations, schema_mutations
from tests.queries.mutations import Mutant, mutants, written_queries
from tests.queries.schema_mutations import (
    Types,
    Usage,
    broken,
    prepared_types,
    read_usage,
    schema_changes,
)

# The verdicts are found once, for all tests: let one worker have them.
pytestmark = pytest.mark.xdist_group("mutations")

SEED = 2026
OF_A_QUERY, OF_THE_SCHEMA = 40, 2  # of each kind

# PostgreSQL looks at these only when they are executed.
DEFINITIONS = {"CREATE", "DROP", "REFRESH"}

STORE = """
CREATE SCHEMA store;
CREATE DOMAIN store.price AS numeric CHECK (VALUE >= 0);
CREATE DOMAIN store.code AS text CHECK (VALUE <> '');
CREATE TABLE store.goods (
    id bigint PRIMARY KEY,
    code store.code NOT NULL UNIQUE,
    price store.price
);
"""
QUERIES = """
-- name: dear(min_price)
SELECT good.id, good.price
FROM store.goods AS good
WHERE good.price >= :min_price::store.price;

-- name: rename(id, code)!
UPDATE store.goods
SET code = :code
WHERE id = :id;

-- name: free()
SELECT good.code
FROM store.goods AS good
WHERE good.price = 0::store.price OR good.code = 'free'::store.code;
"""


class Verdict(NamedTuple):
    """How many queries a mutant must break or change, and what is wrong with how it was
    told: nothing if it was caught.
    """

    about: str
    concerned: int
    wrong: list[str]


Verdicts = dict[str, list[Verdict]]


class Server:
    """A server with a migrated database, to be cloned for each change of a schema."""

    def __init__(self, executor: Any) -> None:
        self._conninfo = make_conninfo(
            "", host=executor.host, port=executor.port, user=executor.user
        )

    def session(self, name: str) -> Any:
        return connect(self._conninfo, Settings(), dbname=name)

    @contextmanager
    def clone(self, template: str, name: str) -> Iterator[str]:
        """Lend a clone of a database, which nobody may be connected to."""
        names = {"name": sql.Identifier(name), "template": sql.Identifier(template)}
        drop = sql.SQL("DROP DATABASE IF EXISTS {name} (FORCE)").format(**names)
        create = sql.SQL("CREATE DATABASE {name} TEMPLATE {template}").format(**names)
        with self.session("postgres") as connection:
            connection.execute(drop)
            connection.execute(create)
            try:
                yield name
            finally:
                connection.execute(drop)


@pytest.fixture(scope="module")
def server(migrated_template: Any) -> Server:
    return Server(migrated_template)


@pytest.fixture(scope="module")
def base(migrated_template: Any, server: Server) -> Iterator[str]:
    """A database with the shipped schema and one of domains."""
    template = migrated_template.template_dbname
    with server.clone(template, f"{template}_mutants") as name:
        with server.session(name) as connection:
            connection.execute(STORE)
        yield name


@pytest.fixture(scope="module")
def areas(tmp_path_factory: pytest.TempPathFactory) -> list[Area]:
    folder = tmp_path_factory.mktemp("sql")
    (folder / "store").mkdir()
    (folder / "store" / "goods.sql").write_text(QUERIES)
    return read_areas([shipped("sql"), folder])


# --- Mistakes in queries --------------------------------------------------------------


@pytest.fixture(scope="module")
def told_queries(server: Server, base: str, areas: list[Area]) -> Verdicts:
    """What is said of each mutant of a query."""
    found: Verdicts = {}
    with server.session(base) as connection:
        catalog = mutations.read_catalog(connection)
        written = written_queries(areas, catalog, seed=SEED)
        describer = Describer(connection)
        for mutant in mutants(written, seed=SEED, most=OF_A_QUERY):
            verdict = Verdict(str(mutant), 1, list(_wrong_of_query(describer, mutant)))
            found.setdefault(mutant.kind, []).append(verdict)
    return found


def _wrong_of_query(describer: Describer, mutant: Mutant) -> Iterator[str]:
    path = mutant.area.path
    try:
        queries = parse_queries(mutant.text, path=path)
    except QueryError as refused:
        error: QueryError | None = refused
    else:
        before = {query.name: query.sql for query in mutant.area.queries}
        changed = tuple(q for q in queries if before.get(q.name) != q.sql)
        assert [query.name for query in changed] == [mutant.query]
        area = Area(mutant.area.names, mutant.area.folder, path, changed)
        (described,) = describe_areas(describer, [area])
        error = described.error
    if error is None:
        yield "was not refused"
    elif f"query {mutant.query}" not in error.message:
        yield f"names no query: {error.message}"
    elif error.location is None or error.location.file != path:
        yield "names no file"
    elif error.location.line not in mutant.lines:
        yield f"names line {error.location.line}: {error.message}"


@pytest.mark.parametrize("kind", mutations.KINDS)
def test_a_mistake_in_a_query_is_told_where_it_is(
    told_queries: Verdicts, kind: str
) -> None:
    verdicts = told_queries[kind]
    assert len(verdicts) >= 10
    assert [verdict for verdict in verdicts if verdict.wrong] == []


def test_the_same_seed_makes_the_same_mistakes(
    server: Server, base: str, areas: list[Area]
) -> None:
    with server.session(base) as connection:
        catalog = mutations.read_catalog(connection)
    first, again = (
        mutants(written_queries(areas, catalog, seed=SEED), seed=SEED, most=3)
        for _ in range(2)
    )
    assert first == again
    assert len({mutant.text for mutant in first}) == len(first)


# --- Changes of the schema ------------------------------------------------------------


@pytest.fixture(scope="module")
def told_changes(server: Server, base: str, areas: list[Area]) -> Verdicts:
    """What is said of each change of the schema."""
    areas = [area for area in areas if area.names[0] in schema_mutations.SCHEMAS]
    with server.session(base) as connection:
        catalog = mutations.read_catalog(connection)
        changes = schema_changes(connection, seed=SEED, most=OF_THE_SCHEMA)
        statements = {
            (area.name, query.name): query.sql
            for area in areas
            for query in area.queries
        }
        usages = [
            read_usage(connection, query, statements[query.area.name, query.name])
            for query in written_queries(areas, catalog, seed=SEED)
            if query.tokens[0].text not in DEFINITIONS
        ]
        before = {
            query.name: signature(query)
            for query in describe_areas(Describer(connection), areas)
        }
    found: Verdicts = {}
    for change in changes:
        with (
            server.clone(base, f"{base}_changed") as name,
            server.session(name) as connection,
        ):
            connection.execute(change.ddl)
            after = describe_areas(Describer(connection), areas)
            named = {impact.name: impact for impact in impacts(before, after)}
            if change.kind == "column retyped":
                types = {
                    usage.name: prepared_types(connection, usage.statement)
                    for usage in usages
                }
                concerned = sum(types[usage.name] != usage.types for usage in usages)
                wrong = _wrong_of_types(usages, types, named)
            else:
                expected = broken(connection, change, usages)
                concerned = len(expected)
                wrong = _wrong_of_names(usages, expected, named)
            verdict = Verdict(change.ddl, concerned, list(wrong))
        found.setdefault(change.kind, []).append(verdict)
    return found


def _wrong_of_types(
    usages: list[Usage], types: dict[str, Types | None], named: dict[str, Impact]
) -> Iterator[str]:
    """Expect the queries whose types are others for PREPARE, or that it refuses."""
    for usage in usages:
        after, impact = types[usage.name], named.get(usage.name)
        if (after != usage.types) != (impact is not None):
            yield f"{usage.name}: {after} after {usage.types}, but {impact}"
        elif impact is not None and (after is None) != (impact.error is not None):
            yield f"{usage.name} breaks, or does not: {impact}"


def _wrong_of_names(
    usages: list[Usage], expected: dict[str, set[str]], named: dict[str, Impact]
) -> Iterator[str]:
    """Expect the queries that use what is gone, in a line that names it."""
    refused = {name for name, impact in named.items() if impact.error is not None}
    yield from (f"{name} was not refused" for name in expected.keys() - refused)
    yield from (f"{name} was refused" for name in refused - expected.keys())
    for usage in usages:
        if usage.name in refused & expected.keys():
            location, query = named[usage.name].location, usage.query
            text = query.area.queries[0].source.text
            first, last = (text.count("\n", 0, at) for at in (query.begin, query.end))
            line = text.split("\n")[location.line - 1]
            words = expected[usage.name]
            if location.file != query.area.path or not (
                first < location.line <= last + 1
            ):
                yield f"{usage.name} is said to be at {location}"
            elif words and not any(word in line for word in words):
                yield f"{usage.name}: there is none of {words} in line {location.line}"


@pytest.mark.parametrize("kind", schema_mutations.KINDS)
def test_a_change_of_the_schema_breaks_the_queries_that_use_what_it_takes(
    told_changes: Verdicts, kind: str
) -> None:
    verdicts = told_changes[kind]
    assert len(verdicts) >= 2
    assert [verdict for verdict in verdicts if verdict.wrong] == []


def test_of_all_mutants_99_percent_are_caught(
    told_queries: Verdicts, told_changes: Verdicts
) -> None:
    """Changes of the schema that concern no query are not counted."""
    verdicts = [
        verdict
        for found in (told_queries, told_changes)
        for each in found.values()
        for verdict in each
        if verdict.concerned
    ]
    missed = [verdict for verdict in verdicts if verdict.wrong]
    assert len(verdicts) >= 220
    assert len(missed) <= len(verdicts) / 100, missed
