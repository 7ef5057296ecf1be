"""What a statement does to the rows of tables: nothing, or work that grows with them.

Source: the pages of ALTER TABLE, CREATE INDEX and REINDEX for PostgreSQL 18.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import postgast

from drystone.review.lint.hazards import conversions
from drystone.review.lint.hazards.look import Look
from drystone.review.lint.locking import documented_locks, rebuilt, validated
from drystone.review.lint.schema import columns, names
from drystone.review.lint.schema.alterations import commands, definition
from drystone.review.lint.schema.model import Schema, Table
from drystone.review.lint.schema.names import pb
from drystone.review.locks import LockMode


class Work(StrEnum):
    """What takes longer the more rows a table has, in words."""

    SCAN = "its rows are scanned"
    BUILD = "an index is built from all its rows"
    REWRITE = "every row is rewritten"
    CHANGE = "its rows are changed"
    READ = "its rows are read"


@dataclass(frozen=True, slots=True)
class Effect:
    """What a statement does to one table: the lock it takes, the work under it."""

    table: str
    mode: LockMode
    work: Work | None


def effects(look: Look) -> list[Effect]:
    """Return what a statement does to each table."""
    statement = look.statement
    find = _WORK.get(statement.kind)
    work = dict(find(statement.node, look.schema)) if find else {}
    locks = documented_locks(statement, look.schema)
    return [Effect(table, mode, work.get(table)) for table, mode in locks]


def command_work(command: Any, table: Table, schema: Schema) -> Work | None:
    """Return the work of a subcommand of ALTER TABLE on the table itself."""
    work = _COMMANDS.get(command.subtype)
    return work(command, table, schema) if callable(work) else work


def proven(table: Table, column: str) -> bool:
    """Tell whether PostgreSQL knows without a scan that a column has no NULL."""
    found = table.columns.get(column)
    return bool(found and found.not_null) or any(
        each.valid and column in each.proves for each in table.constraints.values()
    )


def changes_rows(text: str) -> bool:
    """Tell whether the text of a DO block changes rows."""
    return bool(_CHANGES.search(text))


def _add_column(command: Any, _table: Table, schema: Schema) -> Work | None:
    node = definition(command)
    if conversions.fills(node, schema):
        return Work.REWRITE
    kinds = {each.contype for each in columns.inline_constraints(node, *columns.KINDS)}
    if kinds & {pb.CONSTR_UNIQUE, pb.CONSTR_PRIMARY}:
        return Work.BUILD
    return Work.SCAN if pb.CONSTR_CHECK in kinds else None


def _add_constraint(command: Any, table: Table, _schema: Schema) -> Work | None:
    node = definition(command)
    if node.indexname:
        keyed = adopted(node, table)
        scans = node.contype == pb.CONSTR_PRIMARY and not all(
            proven(table, column) for column in keyed
        )
        return Work.SCAN if scans else None
    if node.contype in _BUILDING:
        return Work.BUILD
    if node.skip_validation or not columns.is_enforced(node):
        return None
    if node.contype == pb.CONSTR_NOTNULL:
        return _unproven(table, node.keys[0].string.sval)
    return Work.SCAN


def adopted(node: Any, table: Table) -> tuple[str, ...]:
    """Return the columns of the index that a constraint is to use."""
    index = table.indexes.get(names.sibling(node.indexname, table.name))
    return tuple(filter(None, index.columns)) if index else ()


def _set_not_null(command: Any, table: Table, _schema: Schema) -> Work | None:
    return _unproven(table, command.name)


def _unproven(table: Table, column: str) -> Work | None:
    return None if proven(table, column) else Work.SCAN


def _validate(command: Any, table: Table, _schema: Schema) -> Work | None:
    constraint = table.constraints.get(command.name)
    return None if constraint and constraint.valid else Work.SCAN


def _alter_type(command: Any, table: Table, _schema: Schema) -> Work | None:
    node = definition(command)
    column = table.columns.get(command.name)
    if column is None or conversions.rewrites(column, node):
        return Work.REWRITE
    if conversions.unchanged(column, node):
        return None
    if conversions.rebuilt(table, column, node):
        return Work.BUILD
    checked = any(
        each.kind == "check" and column.name in each.columns
        for each in table.constraints.values()
    )
    return Work.SCAN if checked else None


_BUILDING = {pb.CONSTR_UNIQUE, pb.CONSTR_PRIMARY, pb.CONSTR_EXCLUSION}

_COMMANDS: dict[int, Work | Callable[[Any, Table, Schema], Work | None]] = {
    pb.AT_AddColumn: _add_column,
    pb.AT_AddConstraint: _add_constraint,
    pb.AT_AlterColumnType: _alter_type,
    pb.AT_SetNotNull: _set_not_null,
    pb.AT_ValidateConstraint: _validate,
    pb.AT_SetExpression: Work.REWRITE,
    pb.AT_SetLogged: Work.REWRITE,
    pb.AT_SetUnLogged: Work.REWRITE,
    pb.AT_SetAccessMethod: Work.REWRITE,
    pb.AT_SetTableSpace: Work.REWRITE,
}

# Of several, the one that counts is the last of these.
_GRAVITY = [Work.READ, Work.CHANGE, Work.SCAN, Work.BUILD, Work.REWRITE]


def _alter_table(node: Any, schema: Schema) -> Iterator[tuple[str, Work]]:
    name = names.qualified(node.relation)
    table = schema.tables.get(name) or Table(name, "", known=False)
    works = [command_work(each, table, schema) for each in commands(node)]
    done = [work for work in works if work]
    if done:
        yield name, max(done, key=_GRAVITY.index)
    for command in commands(node):
        if command.subtype == pb.AT_AttachPartition:
            part = names.qualified(definition(command).name)
            if part_is_scanned(schema.tables.get(part)):
                yield part, Work.SCAN


def part_is_scanned(part: Table | None) -> bool:
    """Tell whether ATTACH has to look at a partition's rows: no CHECK tells of them."""
    checks = part.constraints.values() if part else ()
    return not any(each.kind == "check" and each.valid for each in checks)


def _create_index(node: Any, schema: Schema) -> Iterator[tuple[str, Work]]:
    table = schema.tables.get(names.qualified(node.relation))
    if node.relation.inh or table is None or table.kind != "partitioned":
        yield names.qualified(node.relation), Work.BUILD


def _reindex(node: Any, schema: Schema) -> Iterator[tuple[str, Work]]:
    for name in rebuilt(node, schema):
        yield name, Work.BUILD


def _alter_domain(node: Any, schema: Schema) -> Iterator[tuple[str, Work]]:
    for name in validated(node, schema):
        yield name, Work.SCAN


def _whole(work: Work) -> Any:
    def find(node: Any, _schema: Schema) -> Iterator[tuple[str, Work]]:
        yield names.qualified(node.relation), work

    return find


def _vacuum(node: Any, _schema: Schema) -> Iterator[tuple[str, Work]]:
    full = any(option.def_elem.defname == "full" for option in node.options)
    for each in node.rels:
        table = names.qualified(each.vacuum_relation.relation)
        yield table, Work.REWRITE if full else Work.SCAN


def _read(node: Any, _schema: Schema) -> Iterator[tuple[str, Work]]:
    for _, inner in postgast.walk(node):
        if isinstance(inner, pb.RangeVar):
            yield names.qualified(inner), Work.READ


def _insert(node: Any, schema: Schema) -> Iterator[tuple[str, Work]]:
    source = node.select_stmt
    if source.HasField("select_stmt") and not source.select_stmt.values_lists:
        yield from _read(source, schema)
        yield names.qualified(node.relation), Work.CHANGE


def _write(node: Any, schema: Schema) -> Iterator[tuple[str, Work]]:
    yield from _read(node, schema)
    yield names.qualified(node.relation), Work.CHANGE


_CHANGES = re.compile(r"\b(?:UPDATE|DELETE\s+FROM|INSERT\s+INTO)\b", re.IGNORECASE)

_WORK: dict[str, Callable[[Any, Schema], Iterator[tuple[str, Work]]]] = {
    "alter_domain_stmt": _alter_domain,
    "alter_table_stmt": _alter_table,
    "cluster_stmt": _whole(Work.REWRITE),
    "copy_stmt": _whole(Work.READ),
    "create_table_as_stmt": lambda node, schema: _read(node.query, schema),
    "delete_stmt": _write,
    "index_stmt": _create_index,
    "insert_stmt": _insert,
    "merge_stmt": _write,
    "refresh_mat_view_stmt": _whole(Work.REWRITE),
    "reindex_stmt": _reindex,
    "select_stmt": _read,
    "update_stmt": _write,
    "vacuum_stmt": _vacuum,
}
