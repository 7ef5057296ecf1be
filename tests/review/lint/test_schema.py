"""The schema that lint reads from files is the one that PostgreSQL makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from drystone.database.session import connect
from drystone.migrations.files import read_migrations
from drystone.migrations.statements import parse
from drystone.review.lint.schema.model import Column, Schema
from drystone.review.lint.schema.replay import replay
from drystone.settings import Settings
from drystone.systems import shipped

SCRIPT = Path(__file__).with_name("schema.sql")

RELATIONS = """
SELECT
    c.oid::regclass::text,
    CASE
        WHEN c.relkind = 'p' THEN 'partitioned'
        WHEN c.relispartition THEN 'partition'
        WHEN c.relkind = 'v' THEN 'view'
        WHEN c.relkind = 'm' THEN 'materialized view'
        ELSE 'table'
    END
FROM pg_class AS c
WHERE c.relkind IN ('r', 'p', 'v', 'm') AND c.relnamespace::regnamespace = ANY (%s)
"""
COLUMNS = """
SELECT
    c.oid::regclass::text,
    a.attname,
    format_type(a.atttypid, NULL),
    a.attnotnull AND NOT EXISTS (
        SELECT FROM pg_constraint AS n
        WHERE
            n.conrelid = c.oid
            AND n.contype = 'n'
            AND a.attnum = ANY (n.conkey)
            AND NOT n.convalidated
    ),
    a.atthasdef OR a.attidentity <> '',
    a.attgenerated <> '',
    a.attidentity <> '',
    CASE WHEN t.typname = 'numeric' AND a.atttypmod > 0
        THEN ARRAY[(a.atttypmod - 4) >> 16, (a.atttypmod - 4) & 2047]
        WHEN t.typname IN ('varchar', 'bpchar') AND a.atttypmod > 0
        THEN ARRAY[a.atttypmod - 4]
        WHEN (t.typname LIKE 'time%%' OR t.typname = 'vector') AND a.atttypmod >= 0
        THEN ARRAY[a.atttypmod]
        ELSE '{}'
    END
FROM pg_class AS c
INNER JOIN pg_attribute AS a ON a.attrelid = c.oid
INNER JOIN pg_type AS t ON t.oid = a.atttypid
WHERE
    c.relkind IN ('r', 'p', 'v', 'm')
    AND c.relnamespace::regnamespace = ANY (%s)
    AND a.attnum > 0
    AND NOT a.attisdropped
"""
CONSTRAINTS = """
SELECT
    k.conrelid::regclass::text,
    k.conname,
    k.contype::text,
    k.convalidated,
    CASE WHEN k.confrelid <> 0 THEN k.confrelid::regclass::text END,
    ARRAY(
        SELECT a.attname::text
        FROM pg_attribute AS a
        WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)
        ORDER BY 1
    )
FROM pg_constraint AS k
WHERE k.connamespace::regnamespace = ANY (%s) AND k.conrelid <> 0 AND k.contype <> 't'
"""
INDEXES = """
SELECT
    i.indrelid::regclass::text,
    i.indexrelid::regclass::text,
    i.indisunique,
    m.amname,
    i.indpred IS NOT NULL,
    ARRAY(
        SELECT a.attname::text
        FROM generate_series(0, i.indnkeyatts - 1) AS n
        LEFT JOIN pg_attribute AS a
            ON a.attrelid = i.indrelid AND a.attnum = i.indkey[n] AND a.attnum > 0
        ORDER BY n
    )
FROM pg_index AS i
INNER JOIN pg_class AS c ON c.oid = i.indexrelid
INNER JOIN pg_am AS m ON m.oid = c.relam
WHERE c.relnamespace::regnamespace = ANY (%s)
"""
GRANTS = """
SELECT DISTINCT c.oid::regclass::text, lower(g.privilege_type)
FROM pg_class AS c
CROSS JOIN aclexplode(c.relacl) AS g
WHERE g.grantee = 'drystone_reader'::regrole AND c.relkind IN ('r', 'p', 'v', 'm')
"""

KINDS = {
    "n": "not_null",
    "c": "check",
    "p": "primary",
    "u": "unique",
    "x": "exclude",
    "f": "foreign",
}


class Compared(NamedTuple):
    """What both sides tell, as sets of rows."""

    relations: set[Any]
    columns: set[Any]
    constraints: set[Any]
    indexes: set[Any]


def of_catalog(url: str, schemas: list[str]) -> Compared:
    with connect(url, Settings()) as connection:
        connection.execute("SET search_path = ''")

        def ask(query: Any) -> list[tuple[Any, ...]]:
            text = query.replace("%s", "%s::text[]::regnamespace[]")
            return [
                tuple(tuple(v) if isinstance(v, list) else v for v in row)
                for row in connection.execute(text, [schemas]).fetchall()
            ]

        return Compared(
            set(ask(RELATIONS)),
            set(ask(COLUMNS)),
            {(*row[:2], KINDS[row[2]], *row[3:]) for row in ask(CONSTRAINTS)},
            set(ask(INDEXES)),
        )


def of_model(schema: Schema, schemas: list[str]) -> Compared:
    tables = [t for t in schema.tables.values() if t.name.partition(".")[0] in schemas]
    return Compared(
        {(quoted(t.name), t.kind) for t in tables},
        {(quoted(t.name), *column(c)) for t in tables for c in t.columns.values()},
        {
            (
                quoted(t.name),
                c.name,
                c.kind,
                c.valid,
                c.references,
                tuple(sorted(c.columns)),
            )
            for t in tables
            for c in t.constraints.values()
        },
        {
            (
                quoted(t.name),
                quoted(i.name),
                i.unique,
                i.method,
                i.predicate is not None,
                i.columns,
            )
            for t in tables
            for i in t.indexes.values()
        },
    )


def column(c: Column) -> tuple[Any, ...]:
    kind = c.type + "[]" * c.array
    default = c.has_default
    return (c.name, kind, c.not_null, default, c.generated, c.identity, c.modifiers)


def quoted(name: str) -> str:
    place, _, own = name.partition(".")
    return f'{place}."{own}"' if own != own.lower() else name


def replayed(path: Path) -> Schema:
    schema = Schema()
    for statement in parse(path.read_text(), path=path):
        replay(schema, statement, "m")
    return schema


@pytest.fixture
def scripted(empty_url: str) -> Iterator[str]:
    with connect(empty_url, Settings()) as connection:
        connection.execute(SCRIPT.read_bytes())
    yield empty_url
    with connect(empty_url, Settings()) as connection:
        connection.execute("DROP OWNED BY drystone_reader")
        connection.execute("DROP ROLE drystone_reader")


@pytest.fixture
def shop() -> Schema:
    return replayed(SCRIPT)


@pytest.mark.xdist_group("drystone_reader")  # a role is the whole server's
def test_a_rich_script_makes_the_schema_that_postgresql_makes(
    scripted: str, shop: Schema
) -> None:
    schemas = ["shop", "loft"]
    real, read = of_catalog(scripted, schemas), of_model(shop, schemas)
    assert differences(read, real) == []


def differences(read: Compared, real: Compared) -> list[Any]:
    return [
        (side, row)
        for ours, theirs in zip(read, real, strict=True)
        for side, rows in (("read", ours - theirs), ("real", theirs - ours))
        for row in sorted(rows, key=str)
    ]


def test_the_shipped_migrations_make_the_schema_that_postgresql_makes(
    database_url: str,
) -> None:
    schema, places = Schema(), ["core", "events"]
    for migration in read_migrations([shipped("migrations")]):
        for statement in migration.up.statements:
            replay(schema, statement, migration.id)
    real, read = of_catalog(database_url, places), of_model(schema, places)
    views = {name for name, kind in real.relations if kind == "view"}
    assert differences(tables_only(read, views), tables_only(real, views)) == []
    assert schema.tables["core.jobs"].created_in == "core-0004-create-job-queues"
    assert schema.tables["event_network.Event"].created_in == "events-0009-create-graph"


def tables_only(compared: Compared, views: set[str]) -> Compared:
    """Leave out the columns of views: what they compute has a type that is not read."""
    columns = {row for row in compared.columns if row[0] not in views}
    return compared._replace(columns=columns)


@pytest.mark.xdist_group("drystone_reader")  # a role is the whole server's
def test_grants_are_those_of_the_database(scripted: str, shop: Schema) -> None:
    with connect(scripted, Settings()) as connection:
        real = set(connection.execute(GRANTS).fetchall())
    read = {
        (table.name, privilege)
        for table in shop.tables.values()
        for privilege in table.grants.get("drystone_reader", ())
    }
    assert read == real
    assert shop.schema_grants == {"shop": {"drystone_reader"}}


def test_a_table_that_no_file_made_was_there_before() -> None:
    schema = read_text(
        """
        ALTER TABLE old.t ADD COLUMN a int NOT NULL, DROP COLUMN b,
            ALTER COLUMN c TYPE text, DROP CONSTRAINT d, VALIDATE CONSTRAINT e;
        CREATE INDEX old_idx ON old.t (b, a);
        ALTER TABLE old.u RENAME COLUMN a TO b;
        ALTER TABLE old.v RENAME TO w;
        ALTER INDEX nobody RENAME TO somebody;
        DROP INDEX nothing; DROP TABLE no_table; DROP TYPE no_type; DROP SCHEMA none;
        ALTER TABLE old.t ATTACH PARTITION old.p FOR VALUES IN (1);
        GRANT SELECT ON unknown TO somebody;
        """
    )
    table = schema.tables["old.t"]
    assert not table.known
    assert table.created_in == ""
    assert list(table.columns) == ["a"]
    assert list(table.indexes) == ["old.old_idx"]
    assert "old.w" in schema.tables


def test_a_check_proves_what_it_says_of_every_row() -> None:
    schema = read_text(
        """
        CREATE TABLE t (a int, b int, c int);
        ALTER TABLE t ADD CONSTRAINT k
            CHECK (a IS NOT NULL AND b IS NOT NULL) NOT VALID;
        ALTER TABLE t ADD CONSTRAINT either CHECK (a IS NOT NULL OR c IS NOT NULL);
        """
    )
    constraints = schema.tables["public.t"].constraints
    assert constraints["k"].proves == {"a", "b"}
    assert not constraints["k"].valid
    assert constraints["either"].proves == frozenset()


def read_text(text: str) -> Schema:
    schema = Schema()
    for statement in parse(text, path=Path("m.sql")):
        replay(schema, statement, "m")
    return schema
