"""What a rollback would take away: the rows of what its file drops or empties."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

from drystone.migrations.files import Migration
from drystone.migrations.statements import Statement, pb

_TABLES_OF_SCHEMA = """
SELECT pg_catalog.format('%%I.%%I', n.nspname, c.relname)
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = %s
    AND c.relkind = 'r'
ORDER BY c.relname
"""

# The table's full name, if there is such a table and, if asked for, such a column.
_FULL_NAME = """
SELECT pg_catalog.format('%%I.%%I', n.nspname, c.relname)
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.oid = pg_catalog.to_regclass(%(table)s)
    AND c.relkind IN ('r', 'p')
    AND (
        %(column)s::text IS NULL
        OR EXISTS (
            SELECT
            FROM pg_catalog.pg_attribute AS a
            WHERE a.attrelid = c.oid
                AND a.attname = %(column)s
        )
    )
"""


@dataclass(frozen=True, slots=True)
class Loss:
    """Rows that a rollback takes: of a whole table, or the values of one column."""

    migration: str
    table: str
    column: str | None
    rows: int

    def __str__(self) -> str:
        what = f"the values of {self.column} in " if self.column else ""
        return f"{self.migration}: {what}{self.rows:,} rows of {self.table}"


def expected_losses(
    connection: Connection[Any], migrations: Sequence[Migration]
) -> list[Loss]:
    """Count what rolling these migrations back would take, by reading their files."""
    found: dict[tuple[str, str | None], Loss] = {}
    for migration in migrations:
        for statement in migration.down.statements if migration.down else []:
            for written, column in _taken(connection, statement):
                table = _full_name(connection, written, column)
                if table is None or {(table, column), (table, None)} & found.keys():
                    continue
                rows = _count(connection, table, column)
                if rows:
                    found[table, column] = Loss(migration.id, table, column, rows)
    return list(found.values())


def _taken(
    connection: Connection[Any], statement: Statement
) -> Iterator[tuple[str, str | None]]:
    node = statement.node
    match statement.kind:
        case "drop_stmt" if node.remove_type == pb.OBJECT_TABLE:
            for each in node.objects:
                yield _quoted([item.string.sval for item in each.list.items]), None
        case "drop_stmt" if node.remove_type == pb.OBJECT_SCHEMA:
            for each in node.objects:
                schema = [each.string.sval]
                for (table,) in connection.execute(_TABLES_OF_SCHEMA, schema):
                    yield table, None
        case "truncate_stmt":
            for each in node.relations:
                yield _relation(each.range_var), None
        case "delete_stmt":
            yield _relation(node.relation), None
        case "alter_table_stmt":
            for command in node.cmds:
                if command.alter_table_cmd.subtype == pb.AT_DropColumn:
                    yield _relation(node.relation), command.alter_table_cmd.name


def _full_name(
    connection: Connection[Any], table: str, column: str | None
) -> str | None:
    parameters = {"table": table, "column": column}
    row = connection.execute(_FULL_NAME, parameters).fetchone()
    return row[0] if row else None


def _count(connection: Connection[Any], table: str, column: str | None) -> int:
    what = sql.SQL("*") if column is None else sql.Identifier(column)
    row = connection.execute(
        sql.SQL("SELECT count({}) FROM {}").format(what, sql.SQL(table))
    ).fetchone()
    return int(row[0]) if row else 0


def _relation(relation: Any) -> str:
    return _quoted([p for p in (relation.schemaname, relation.relname) if p])


def _quoted(parts: list[str]) -> str:
    return sql.Identifier(*parts).as_string()
