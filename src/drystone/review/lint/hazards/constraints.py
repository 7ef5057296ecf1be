"""Constraints that are checked, or get their index, while clients wait."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drystone.migrations.statements import Statement
from drystone.review.lint.findings import Finding, Rule, Severity
from drystone.review.lint.hazards.effects import (
    Work,
    adopted,
    command_work,
    part_is_scanned,
    proven,
)
from drystone.review.lint.hazards.look import Look, waiting
from drystone.review.lint.locking import command_lock
from drystone.review.lint.schema import columns, names
from drystone.review.lint.schema.alterations import commands, definition
from drystone.review.lint.schema.model import Constraint, Table
from drystone.review.lint.schema.names import pb

CHECK_SCANS = Rule(
    "check-scans",
    Severity.ERROR,
    "A new CHECK is verified under ACCESS EXCLUSIVE.",
    "ALTER TABLE t ADD CONSTRAINT c CHECK (…) NOT VALID; and in a later migration: "
    "ALTER TABLE t VALIDATE CONSTRAINT c;",
    ("squawk:constraint-missing-not-valid", "eugene:E1"),
)
FOREIGN_KEY_SCANS = Rule(
    "foreign-key-scans",
    Severity.ERROR,
    "A new foreign key is verified while writers of both tables wait.",
    "ALTER TABLE t ADD CONSTRAINT c FOREIGN KEY (…) REFERENCES r (…) NOT VALID; and in "
    "a later migration: ALTER TABLE t VALIDATE CONSTRAINT c;",
    ("squawk:adding-foreign-key-constraint", "eugene:E1"),
)
UNIQUE_BUILDS_INDEX = Rule(
    "unique-builds-index",
    Severity.ERROR,
    "A UNIQUE constraint builds its index under ACCESS EXCLUSIVE.",
    "CREATE UNIQUE INDEX CONCURRENTLY i ON t (…); alone in its file, then: "
    "ALTER TABLE t ADD CONSTRAINT i UNIQUE USING INDEX i;",
    ("squawk:disallowed-unique-constraint", "eugene:E7"),
)
PRIMARY_KEY_BUILDS_INDEX = Rule(
    "primary-key-builds-index",
    Severity.ERROR,
    "A PRIMARY KEY builds its index under ACCESS EXCLUSIVE.",
    "CREATE UNIQUE INDEX CONCURRENTLY i ON t (…); alone in its file, then: "
    "ALTER TABLE t ADD CONSTRAINT i PRIMARY KEY USING INDEX i;",
    ("squawk:adding-serial-primary-key-field", "eugene:E7"),
)
EXCLUSION_BUILDS_INDEX = Rule(
    "exclusion-builds-index",
    Severity.ERROR,
    "An EXCLUDE constraint builds its index under ACCESS EXCLUSIVE.",
    "It has no way to be added bit by bit: make a new table with the constraint, copy "
    "the rows in batches, and swap the two; or wait for a quiet hour.",
    ("eugene:E8",),
)
NOT_NULL_SCANS = Rule(
    "not-null-scans",
    Severity.ERROR,
    "NOT NULL is verified under ACCESS EXCLUSIVE.",
    "ALTER TABLE t ADD CONSTRAINT c CHECK (col IS NOT NULL) NOT VALID; later "
    "ALTER TABLE t VALIDATE CONSTRAINT c; then SET NOT NULL needs no scan. From "
    "PostgreSQL 18 on: ADD CONSTRAINT c NOT NULL col NOT VALID; later VALIDATE.",
    ("squawk:adding-not-nullable-field", "eugene:E2"),
)
NULLABLE_KEY = Rule(
    "primary-key-on-nullable",
    Severity.ERROR,
    "PRIMARY KEY USING INDEX on a nullable column scans the table for NULLs.",
    "Make the column NOT NULL first, in three steps that do not block: CHECK "
    "(col IS NOT NULL) NOT VALID, VALIDATE, SET NOT NULL.",
    ("eugene:W14",),
)
PARTITION_SCANNED = Rule(
    "attach-scans-partition",
    Severity.WARNING,
    "ATTACH PARTITION reads the whole partition under ACCESS EXCLUSIVE.",
    "First ADD CONSTRAINT c CHECK (…) NOT VALID with the bounds of the partition and "
    "VALIDATE it; then ATTACH PARTITION trusts it.",
)
FOREIGN_KEY_WITHOUT_INDEX = Rule(
    "foreign-key-without-index",
    Severity.WARNING,
    "No index begins with the columns of a foreign key.",
    "CREATE INDEX CONCURRENTLY ON t (…); with the columns of the key first, and no "
    "WHERE.",
    ("eugene:E15",),
)

RULES = (
    CHECK_SCANS,
    FOREIGN_KEY_SCANS,
    UNIQUE_BUILDS_INDEX,
    PRIMARY_KEY_BUILDS_INDEX,
    EXCLUSION_BUILDS_INDEX,
    NOT_NULL_SCANS,
    NULLABLE_KEY,
    PARTITION_SCANNED,
    FOREIGN_KEY_WITHOUT_INDEX,
)

_BY_KIND = {
    pb.CONSTR_CHECK: CHECK_SCANS,
    pb.CONSTR_FOREIGN: FOREIGN_KEY_SCANS,
    pb.CONSTR_UNIQUE: UNIQUE_BUILDS_INDEX,
    pb.CONSTR_PRIMARY: PRIMARY_KEY_BUILDS_INDEX,
    pb.CONSTR_EXCLUSION: EXCLUSION_BUILDS_INDEX,
    pb.CONSTR_NOTNULL: NOT_NULL_SCANS,
}


def check(look: Look) -> Iterator[Finding]:
    """Yield what the constraints of an ALTER TABLE cost those who use the table."""
    if look.statement.kind != "alter_table_stmt":
        return
    name = names.qualified(look.statement.node.relation)
    for command in commands(look.statement.node):
        if command.subtype == pb.AT_AttachPartition:
            yield from _attached(look, command)
        elif look.lives(name):
            yield from _constrained(look, look.table(name), command)


def _constrained(look: Look, table: Table, command: Any) -> Iterator[Finding]:
    work = command_work(command, table, look.schema)
    if command.subtype == pb.AT_AddColumn and work is not Work.REWRITE:
        yield from _inline(look, table, command)
    if work is None:
        return
    if command.subtype == pb.AT_SetNotNull:
        yield _waits(look, NOT_NULL_SCANS, table, command, work)
    elif command.subtype == pb.AT_AddConstraint:
        node = definition(command)
        if node.indexname:
            yield _nullable(look, table, node)
        else:
            yield _waits(look, _BY_KIND[node.contype], table, command, work)


def _inline(look: Look, table: Table, command: Any) -> Iterator[Finding]:
    """Look at the constraints beside a new column; a key on NULLs alone is free."""
    for each in columns.inline_constraints(definition(command), *_BY_KIND):
        rule = _BY_KIND[each.contype]
        if rule in (UNIQUE_BUILDS_INDEX, PRIMARY_KEY_BUILDS_INDEX):
            yield _waits(look, rule, table, command, Work.BUILD)
        elif rule is CHECK_SCANS:
            yield _waits(look, rule, table, command, Work.SCAN)


def _waits(look: Look, rule: Rule, table: Table, command: Any, work: Work) -> Finding:
    who = waiting(command_lock(command))
    message = f"{who} of {table.name} wait while {work}"
    node = definition(command)
    if rule is FOREIGN_KEY_SCANS:
        other = names.qualified(node.pktable)
        message = f"{who} of {table.name} and of {other} wait while the rows of the "
        message += "first are looked up in the second"
    return look.find(rule, message, table=table.name)


def _nullable(look: Look, table: Table, node: Any) -> Finding:
    nullable = [each for each in adopted(node, table) if not proven(table, each)]
    what = ", ".join(nullable) or f"a column of {node.indexname}"
    return look.find(
        NULLABLE_KEY,
        f"readers and writers of {table.name} wait while its rows are scanned: "
        f"{what} may be NULL",
        table=table.name,
    )


def _attached(look: Look, command: Any) -> Iterator[Finding]:
    part = names.qualified(definition(command).name)
    if look.lives(part) and part_is_scanned(look.schema.tables.get(part)):
        yield look.find(
            PARTITION_SCANNED,
            f"readers and writers of {part} wait while its rows are scanned",
            table=part,
        )


def constrained(statement: Statement) -> str:
    """Return the table whose foreign keys a statement may add to, or nothing."""
    if statement.kind not in ("alter_table_stmt", "create_stmt"):
        return ""
    return names.qualified(statement.node.relation)


def foreign_keys(table: Table | None) -> list[Constraint]:
    """Return a table's foreign keys."""
    every = table.constraints.values() if table else ()
    return [each for each in every if each.references]


def unindexed(look: Look, table: Table, key: Constraint) -> Iterator[Finding]:
    """Yield a finding for a foreign key that no index serves.

    One that begins with a column of the key does, but for a generated column, which is
    there for the other table's type and is alike in all rows. A partial index does not
    serve it, but for one that leaves out NULL.
    """
    telling = [c for c in key.columns if not _is_generated(table, c)] or key.columns
    for index in table.indexes.values():
        whole = index.predicate in (None, *(f"{c} IS NOT NULL" for c in key.columns))
        if whole and index.columns[0] in telling and index.method != "brin":
            return
    yield look.find(
        FOREIGN_KEY_WITHOUT_INDEX,
        f"each DELETE in {key.references} reads all of {table.name}: no index of it "
        f"begins with {' or '.join(telling)}",
        table=table.name,
    )


def _is_generated(table: Table, name: str) -> bool:
    column = table.columns.get(name)
    return column is not None and column.generated
