"""Statements that PostgreSQL runs outside transactions, as the catalog shows them.

A concurrent index build that fails leaves an invalid index behind: it answers no query
and, if it is unique, refuses rows all the same. IF NOT EXISTS would take it for the
index that was asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from psycopg import Connection, sql

from drystone.errors import Location, MigrationFailed
from drystone.migrations.files import SqlFile
from drystone.migrations.statements import Statement, pb

_INDEX = """
SELECT n.nspname, c.relname, i.indisvalid
FROM pg_catalog.pg_class AS t
JOIN pg_catalog.pg_class AS c ON c.relnamespace = t.relnamespace
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid AND i.indrelid = t.oid
WHERE t.oid = pg_catalog.to_regclass(%s)
    AND c.relname = %s
"""

# A concurrent reindex builds beside the index, under its name with a suffix.
_REINDEX_LEFTOVERS = r"""
SELECT n.nspname, c.relname
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid
    AND c.relname ~ '_cc(new|old)[0-9]*$'
    AND (
        i.indrelid = pg_catalog.to_regclass(%(name)s)
        OR i.indrelid = (
            SELECT own.indrelid
            FROM pg_catalog.pg_index AS own
            WHERE own.indexrelid = pg_catalog.to_regclass(%(name)s)
        )
        OR n.nspname = %(name)s
    )
"""

_EXISTS = "SELECT pg_catalog.to_regclass(%s) IS NOT NULL"
_DATABASE = "SELECT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = %s)"
_TABLESPACE = "SELECT EXISTS (SELECT FROM pg_catalog.pg_tablespace WHERE spcname = %s)"
_SUBSCRIPTION = """
SELECT EXISTS (SELECT FROM pg_catalog.pg_subscription WHERE subname = %s)
"""
_ATTACHED = """
SELECT EXISTS (
    SELECT
    FROM pg_catalog.pg_inherits AS i
    WHERE i.inhparent = pg_catalog.to_regclass(%s)
        AND i.inhrelid = pg_catalog.to_regclass(%s)
)
"""


def check_named(statement: Statement, *, path: Path) -> None:
    """Raise MigrationFailed for a concurrent index without a name.

    What a dead runner left behind could not be told from other indexes.
    """
    if statement.kind == "index_stmt" and not statement.node.idxname:
        raise MigrationFailed(
            "an index that is created concurrently needs a name",
            location=Location(path, statement.line),
            hint="Write CREATE INDEX CONCURRENTLY name ON …",
        )


def is_done(connection: Connection[Any], statement: Statement) -> bool:
    """Tell whether a statement that a dead runner had begun was completed.

    False also for what can be done again without harm, such as VACUUM.
    """
    node = statement.node
    match statement.kind:
        case "index_stmt":
            return _validity(connection, statement) is True
        case "drop_stmt":
            return not any(_true(connection, _EXISTS, name) for name in _dropped(node))
        case "createdb_stmt":
            return _true(connection, _DATABASE, node.dbname)
        case "dropdb_stmt":
            return not _true(connection, _DATABASE, node.dbname)
        case "create_table_space_stmt":
            return _true(connection, _TABLESPACE, node.tablespacename)
        case "drop_table_space_stmt":
            return not _true(connection, _TABLESPACE, node.tablespacename)
        case "create_subscription_stmt":
            return _true(connection, _SUBSCRIPTION, node.subname)
        case "drop_subscription_stmt":
            return not _true(connection, _SUBSCRIPTION, node.subname)
        case "alter_table_stmt":
            return not any(
                _true(connection, _ATTACHED, _name(node.relation), child)
                for child in _detached(node)
            )
    return False


def clear_leftovers(connection: Connection[Any], statement: Statement) -> None:
    """Drop the invalid indexes that an earlier attempt at a statement left."""
    if statement.kind == "index_stmt" and _validity(connection, statement) is False:
        row = _index(connection, statement)
        _drop(connection, row[0], row[1])
    if statement.kind == "reindex_stmt":
        node = statement.node
        name = _name(node.relation) if node.HasField("relation") else node.name
        found = connection.execute(_REINDEX_LEFTOVERS, {"name": name}).fetchall()
        for schema, index in found:
            _drop(connection, schema, index)


def check_valid(connection: Connection[Any], file: SqlFile) -> None:
    """Raise MigrationFailed if an index that the file creates is invalid."""
    for statement in file.statements:
        if statement.kind == "index_stmt" and _validity(connection, statement) is False:
            raise MigrationFailed(
                f"the index {statement.node.idxname} is invalid",
                location=Location(file.path, statement.line),
                hint="Run again: it is dropped and built anew.",
            )


def _validity(connection: Connection[Any], statement: Statement) -> bool | None:
    row = _index(connection, statement)
    return None if row is None else bool(row[2])


def _index(connection: Connection[Any], statement: Statement) -> Any:
    node = statement.node
    return connection.execute(_INDEX, [_name(node.relation), node.idxname]).fetchone()


def _drop(connection: Connection[Any], schema: str, index: str) -> None:
    connection.execute(
        sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.Identifier(schema, index))
    )


def _name(relation: Any) -> str:
    parts = [part for part in (relation.schemaname, relation.relname) if part]
    return sql.Identifier(*parts).as_string()


def _dropped(node: Any) -> list[str]:
    names = ([item.string.sval for item in each.list.items] for each in node.objects)
    return [sql.Identifier(*parts).as_string() for parts in names]


def _detached(node: Any) -> list[str]:
    commands = (command.alter_table_cmd for command in node.cmds)
    return [
        _name(getattr(command, "def").partition_cmd.name)
        for command in commands
        if command.subtype == pb.AT_DetachPartition
    ]


def _true(connection: Connection[Any], query: str, *parameters: str) -> bool:
    return connection.execute(query.encode(), parameters).fetchone() == (True,)
