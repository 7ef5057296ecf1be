"""CREATE TABLE and its relatives, from the statement to the model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import postgast

from drystone.review.lint.schema import columns, names
from drystone.review.lint.schema.model import Column, Schema, Table
from drystone.review.lint.schema.names import pb

_CONSTRAINTS, _DEFAULTS, _GENERATED, _IDENTITY, _INDEXES = 4, 8, 16, 32, 64
_INHERITED = {"check", "not_null"}
_PARTITIONED = _INHERITED | {"foreign"}


def create_table(schema: Schema, node: Any, migration: str) -> None:
    """Create a table, unless it is there and the statement leaves it alone."""
    name = names.qualified(node.relation)
    if node.if_not_exists and name in schema.tables:
        return
    table = Table(name, migration, kind=_kind(node))
    table.is_default = node.partbound.is_default
    schema.tables[name] = table
    parts = elements(node)
    for parent in node.inh_relations:
        _inherit(schema, table, names.qualified(parent.range_var))
    copied = []
    for element in parts:
        if isinstance(element, pb.ColumnDef):
            _define(schema, table, element)
        elif isinstance(element, pb.TableLikeClause):
            copied.append(element)
            _copy_columns(schema, table, element)
    for element in parts:
        if isinstance(element, pb.ColumnDef):
            columns.constrain_inline(schema, table, element)
        elif isinstance(element, pb.Constraint):
            columns.constrain(
                schema, table, element, valid=columns.is_enforced(element)
            )
    for element in copied:
        _copy_indexes(schema, table, element)
    if node.HasField("partbound"):
        for index in list(schema.tables[table.parent or ""].indexes.values()):
            columns.copy_index(schema, index, table)
    give_default_grants(schema, table)


def elements(node: Any) -> list[Any]:
    """Return the columns, constraints and LIKE clauses of a CREATE TABLE."""
    return [getattr(each, each.WhichOneof("node")) for each in node.table_elts]


def create_from_query(schema: Schema, node: Any, migration: str) -> None:
    """Create a table or a materialized view AS a query."""
    name = names.qualified(node.into.rel)
    if node.if_not_exists and name in schema.tables:
        return
    is_table = node.objtype == pb.OBJECT_TABLE
    table = Table(name, migration, kind="table" if is_table else "materialized view")
    table.columns = _selected(schema, node.query, names.parts(node.into.col_names))
    schema.tables[name] = table
    give_default_grants(schema, table)


def create_view(schema: Schema, node: Any, migration: str) -> None:
    """Create a view, or replace its columns."""
    name = names.qualified(node.view)
    found = _selected(schema, node.query, names.parts(node.aliases))
    view = schema.tables.get(name)
    if view is None:
        view = schema.tables[name] = Table(name, migration, kind="view")
        give_default_grants(schema, view)
    view.columns = found


def give_default_grants(schema: Schema, table: Table) -> None:
    """Grant on a new table what ALTER DEFAULT PRIVILEGES promised."""
    own = table.name.partition(".")[0]
    for (where, role), privileges in schema.default_grants.items():
        if where in ("", own):
            table.grants.setdefault(role, set()).update(privileges)


def attach(schema: Schema, parent: Table, child: Table) -> None:
    """Make a table a partition; what keys and indexes it lacks, it gets."""
    child.parent = parent.name
    if child.kind == "table":
        child.kind = "partition"
    keys = [(c.columns, c.references) for c in child.constraints.values()]
    for key in parent.constraints.values():
        if key.references and (key.columns, key.references) not in keys:
            child.constraints[key.name] = replace(key)
    for index in list(parent.indexes.values()):
        if not any(_alike(index, other) for other in child.indexes.values()):
            columns.copy_index(schema, index, child)


def _alike(index: Any, other: Any) -> bool:
    return (index.columns, index.method, index.predicate) == (
        other.columns,
        other.method,
        other.predicate,
    )


def _kind(node: Any) -> str:
    if node.HasField("partspec"):
        return "partitioned"
    return "partition" if node.HasField("partbound") else "table"


def _define(schema: Schema, table: Table, definition: Any) -> None:
    if definition.colname not in table.columns or definition.HasField("type_name"):
        columns.add_column(schema, table, definition)


def _inherit(schema: Schema, table: Table, name: str) -> None:
    parent = schema.tables.setdefault(name, Table(name, "", known=False))
    table.parent = table.parent or name
    table.known = table.known and parent.known
    table.columns |= {c.name: replace(c) for c in parent.columns.values()}
    kinds = _INHERITED if table.kind == "table" else _PARTITIONED
    table.constraints |= {
        c.name: replace(c) for c in parent.constraints.values() if c.kind in kinds
    }


def _copy_columns(schema: Schema, table: Table, clause: Any) -> None:
    source = schema.tables.get(names.qualified(clause.relation))
    if source is None:
        table.known = False
        return
    for column in source.columns.values():
        table.columns[column.name] = _copy(column, clause.options)
        if column.not_null:
            found = columns.not_null_of(source, column.name)
            columns.require(
                schema, table, column.name, name=found.name if found else ""
            )
    if clause.options & _CONSTRAINTS:
        table.constraints |= {
            c.name: replace(c) for c in source.constraints.values() if c.kind == "check"
        }


def _copy(column: Column, options: int) -> Column:
    generated = column.generated and bool(options & _GENERATED)
    identity = column.identity and bool(options & _IDENTITY)
    plain = column.has_default and not (column.generated or column.identity)
    return replace(
        column,
        not_null=False,
        generated=generated,
        identity=identity,
        has_default=generated or identity or (plain and bool(options & _DEFAULTS)),
    )


def _copy_indexes(schema: Schema, table: Table, clause: Any) -> None:
    source = schema.tables.get(names.qualified(clause.relation))
    if source is not None and clause.options & _INDEXES:
        for index in list(source.indexes.values()):
            columns.copy_index(schema, index, table)


def _selected(schema: Schema, query: Any, aliases: list[str]) -> dict[str, Column]:
    """Name the columns of a query, and type those that are a table's."""
    select = query.select_stmt
    while select.HasField("larg"):  # of a UNION, the first part names the columns
        select = select.larg
    tables = _tables_in(schema, select)
    found: list[Column] = []
    for node in select.target_list:
        target = node.res_target
        fields = target.val.column_ref.fields
        if fields and fields[-1].HasField("a_star"):
            wanted = names.parts(fields[:-1]) or list(tables)
            for each in wanted:
                found += tables[each].columns.values() if each in tables else ()
        else:
            label = target.name or names.column_label(target.val)
            found.append(replace(_typed(tables, target.val), name=label))
    labels = aliases + [column.name for column in found[len(aliases) :]]
    return {
        label: Column(label, column.type, column.modifiers, column.array)
        for label, column in zip(labels, found, strict=False)
    }


def _tables_in(schema: Schema, select: Any) -> dict[str, Table]:
    found: dict[str, Table] = {}
    for source in select.from_clause:
        for _, node in postgast.walk(source):
            if isinstance(node, pb.RangeVar):
                table = schema.tables.get(names.qualified(node))
                if table is not None:
                    found[node.alias.aliasname or node.relname] = table
    return found


def _typed(tables: dict[str, Table], value: Any) -> Column:
    if value.HasField("type_cast"):
        node = value.type_cast.type_name
        return Column(
            "", names.type_name(node), names.modifiers(node), bool(node.array_bounds)
        )
    path = names.parts(value.column_ref.fields)
    owners = [tables[path[0]]] if path[:1] and path[0] in tables else tables.values()
    for table in owners:
        if path and path[-1] in table.columns:
            return table.columns[path[-1]]
    return Column("", "unknown")
