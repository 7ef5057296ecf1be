"""New and changed columns: what rewrites the table, what clients stumble over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drystone.review.lint.findings import Finding, Rule, Severity
from drystone.review.lint.hazards.effects import Work, command_work
from drystone.review.lint.hazards.look import Look
from drystone.review.lint.schema import columns, names
from drystone.review.lint.schema.alterations import commands, definition
from drystone.review.lint.schema.model import Table
from drystone.review.lint.schema.names import pb
from drystone.review.lint.schema.tables import elements

TYPE_CHANGE = Rule(
    "type-change-rewrites",
    Severity.ERROR,
    "A change of type rewrites the table, rebuilds an index or checks all rows, under "
    "ACCESS EXCLUSIVE.",
    "ADD COLUMN new …; fill it in batches while a trigger keeps it up to date, and "
    "swap the two columns in a later migration.",
    ("squawk:changing-column-type", "eugene:E5"),
)
NEW_COLUMN = Rule(
    "new-column-rewrites",
    Severity.ERROR,
    "A new column with a value of its own in each row rewrites the table.",
    "ADD COLUMN c …; without it, then ALTER COLUMN c SET DEFAULT …; and fill the old "
    "rows in batches (-- batch: t by id). A constant default is free.",
    ("squawk:adding-field-with-default", "eugene:E11"),
)
REQUIRED = Rule(
    "required-column",
    Severity.ERROR,
    "A new column that is NOT NULL without a default is refused where there are rows, "
    "and breaks the INSERTs of running clients.",
    "ADD COLUMN c … NOT NULL DEFAULT …; or add it nullable, fill it in batches, and "
    "SET NOT NULL once a validated CHECK (c IS NOT NULL) proves it.",
    ("squawk:adding-required-field",),
)
JSON = Rule(
    "json-column",
    Severity.WARNING,
    "json has no equality: SELECT DISTINCT and GROUP BY fail on it.",
    "Use jsonb.",
    ("eugene:E3",),
)
TABLE_COPIED = Rule(
    "table-rewritten",
    Severity.ERROR,
    "SET LOGGED, TABLESPACE, ACCESS METHOD or EXPRESSION copies the table under "
    "ACCESS EXCLUSIVE.",
    "Make a new table beside it, copy the rows in batches, and swap the two.",
)

RULES = (TYPE_CHANGE, NEW_COLUMN, REQUIRED, JSON, TABLE_COPIED)

_WAITING = "readers and writers of"
_COPYING = {
    pb.AT_SetLogged,
    pb.AT_SetUnLogged,
    pb.AT_SetAccessMethod,
    pb.AT_SetTableSpace,
    pb.AT_SetExpression,
}


def check(look: Look) -> Iterator[Finding]:
    """Yield what rewrites a table that was there before."""
    if look.statement.kind != "alter_table_stmt":
        return
    name = names.qualified(look.statement.node.relation)
    if not look.lives(name):
        return
    table = look.table(name)
    for command in commands(look.statement.node):
        work = command_work(command, table, look.schema)
        if work and command.subtype == pb.AT_AlterColumnType:
            yield _retyped(look, table, command, work)
        elif work is Work.REWRITE and command.subtype == pb.AT_AddColumn:
            column = definition(command).colname
            yield look.find(
                NEW_COLUMN,
                f"{_WAITING} {name} wait while every row is rewritten to give it the "
                f"column {column}",
                table=name,
            )
        elif work and command.subtype in _COPYING:
            message = f"{_WAITING} {name} wait while it is copied"
            yield look.find(TABLE_COPIED, message, table=name)


def check_clients(look: Look) -> Iterator[Finding]:
    """Yield columns that running clients, or their queries, cannot cope with."""
    yield from _json(look)
    if look.statement.kind != "alter_table_stmt":
        return
    name = names.qualified(look.statement.node.relation)
    for command in commands(look.statement.node):
        if command.subtype == pb.AT_AddColumn and look.lives(name):
            yield from _required(look, name, definition(command))


def _retyped(look: Look, table: Table, command: Any, work: Work) -> Finding:
    column = table.columns.get(command.name)
    new = names.type_name(definition(command).type_name)
    old = f"from {column.type} " if column and column.type != new else ""
    message = (
        f"{_WAITING} {table.name} wait while {work}: {command.name} changes "
        f"{old}to {new}"
    )
    if column is None:
        message += ", from a type that no file tells"
    return look.find(TYPE_CHANGE, message, table=table.name)


def _required(look: Look, name: str, node: Any) -> Iterator[Finding]:
    demanding = columns.inline_constraints(node, pb.CONSTR_NOTNULL, pb.CONSTR_PRIMARY)
    if demanding and not columns.read_column(node).has_default:
        yield look.find(
            REQUIRED,
            f"{name} gets a column {node.colname} without a default that must not be "
            "NULL: it is refused if there are rows, and so is each INSERT of a client "
            "that does not know it",
            table=name,
        )


def _json(look: Look) -> Iterator[Finding]:
    kind, statement = look.statement.kind, look.statement.node
    created = elements(statement) if kind == "create_stmt" else ()
    altered = commands(statement) if kind == "alter_table_stmt" else ()
    for node in [*created, *map(definition, altered)]:
        if isinstance(node, pb.ColumnDef) and names.type_name(node.type_name) == "json":
            table = names.qualified(statement.relation)
            column = f" in {node.colname}" if node.colname else ""
            yield look.find(
                JSON,
                f"rows of {table} cannot be told apart by json{column}: DISTINCT, "
                "GROUP BY and UNION fail",
                table=table,
            )
