"""ALTER TABLE and RENAME, from the statement to the model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drystone.review.lint.schema import columns, names
from drystone.review.lint.schema.model import Constraint, Schema, Table
from drystone.review.lint.schema.names import pb
from drystone.review.lint.schema.tables import attach

Change = Callable[[Schema, Table, Any], None]


def definition(command: Any) -> Any:
    """Return what a subcommand of ALTER TABLE brings."""
    node = getattr(command, "def")  # a keyword in Python
    kind = node.WhichOneof("node")
    return getattr(node, kind) if kind else node


def commands(node: Any) -> list[Any]:
    """Return the subcommands of an ALTER TABLE."""
    return [each.alter_table_cmd for each in node.cmds]


def existing(schema: Schema, name: str) -> Table:
    """Return a table; one that no file made was there before, its columns unknown."""
    if name not in schema.tables:
        schema.tables[name] = Table(name, "", known=False)
    return schema.tables[name]


def alter_table(schema: Schema, node: Any, _migration: str) -> None:
    """Apply every subcommand to a table, and to what inherits from it."""
    if node.objtype not in _RELATIONS:
        return
    name = names.qualified(node.relation)
    if node.missing_ok and name not in schema.tables:
        return
    target = existing(schema, name)
    for command in commands(node):
        change = _CHANGES.get(command.subtype)
        if change is None:
            continue
        only = command.subtype in _ALONE or not node.relation.inh
        for table in [target] if only else schema.family(name):
            change(schema, table, command)


def rename(schema: Schema, node: Any, _migration: str) -> None:
    """Rename a table, a column, a constraint, an index, a type or a schema."""
    change = _RENAMES.get(node.rename_type)
    if change is not None:
        change(schema, node)


def drop_column(table: Table, name: str) -> None:
    """Drop a column with the indexes and constraints that need it."""
    table.columns.pop(name, None)
    for index in list(table.indexes.values()):
        if name in index.uses or name in index.columns:
            del table.indexes[index.name]
    for constraint in list(table.constraints.values()):
        if name in constraint.columns:
            del table.constraints[constraint.name]


def move_table(schema: Schema, old: str, new: str) -> None:
    """Give a table another qualified name; its indexes follow into its schema."""
    table = existing(schema, old)
    del schema.tables[old]
    table.name = new
    schema.tables[new] = table
    moved = {}
    for index in table.indexes.values():
        index.table, index.name = new, names.sibling(names.local(index.name), new)
        moved[index.name] = index
    table.indexes = moved
    for other in schema.tables.values():
        if other.parent == old:
            other.parent = new
        for constraint in other.constraints.values():
            if constraint.references == old:
                constraint.references = new


def _add_column(schema: Schema, table: Table, command: Any) -> None:
    node = definition(command)
    if command.missing_ok and node.colname in table.columns:
        return
    columns.add_column(schema, table, node)
    columns.constrain_inline(schema, table, node)


def _drop_column(_schema: Schema, table: Table, command: Any) -> None:
    drop_column(table, command.name)


def _alter_type(_schema: Schema, table: Table, command: Any) -> None:
    node = definition(command)
    if command.name in table.columns:
        column = table.columns[command.name]
        column.type = names.type_name(node.type_name)
        column.modifiers = names.modifiers(node.type_name)
        column.array = bool(node.type_name.array_bounds)
        collation = names.parts(node.coll_clause.collname)
        column.collation = collation[-1] if collation else None


def _set_default(_schema: Schema, table: Table, command: Any) -> None:
    if command.name in table.columns:
        table.columns[command.name].has_default = command.HasField("def")


def _set_not_null(schema: Schema, table: Table, command: Any) -> None:
    columns.require(schema, table, command.name)


def _drop_not_null(_schema: Schema, table: Table, command: Any) -> None:
    found = columns.not_null_of(table, command.name)
    if found is not None:
        del table.constraints[found.name]
    if command.name in table.columns:
        table.columns[command.name].not_null = False


def _add_constraint(schema: Schema, table: Table, command: Any) -> None:
    node = definition(command)
    valid = columns.is_enforced(node) and not node.skip_validation
    columns.constrain(schema, table, node, valid=valid)


def _validate(schema: Schema, table: Table, command: Any) -> None:
    constraint = table.constraints.get(command.name)
    if constraint is None:
        return
    constraint.valid = True
    if constraint.kind == "not_null":
        columns.require(schema, table, constraint.columns[0])


def _drop_constraint(schema: Schema, table: Table, command: Any) -> None:
    constraint = table.constraints.pop(command.name, None)
    if constraint is None:
        return
    table.indexes.pop(names.sibling(constraint.name, table.name), None)
    if constraint.kind == "not_null" and constraint.columns[0] in table.columns:
        table.columns[constraint.columns[0]].not_null = False
    if command.behavior == pb.DROP_CASCADE and constraint.kind in columns.INDEXED:
        _drop_references(schema, table, constraint)


def _drop_references(schema: Schema, table: Table, key: Constraint) -> None:
    for other in schema.tables.values():
        for each in list(other.constraints.values()):
            if (each.references, each.referenced) == (table.name, key.columns):
                del other.constraints[each.name]


def _set_identity(_schema: Schema, table: Table, command: Any) -> None:
    if command.name in table.columns:
        added = command.subtype == pb.AT_AddIdentity
        column = table.columns[command.name]
        column.identity = column.has_default = added


def _drop_expression(_schema: Schema, table: Table, command: Any) -> None:
    if command.name in table.columns:
        column = table.columns[command.name]
        column.generated = column.has_default = False


def _attach(schema: Schema, table: Table, command: Any) -> None:
    part = definition(command)
    child = existing(schema, names.qualified(part.name))
    attach(schema, table, child)
    child.is_default = part.bound.is_default


def _detach(schema: Schema, _table: Table, command: Any) -> None:
    child = existing(schema, names.qualified(definition(command).name))
    child.parent, child.is_default = None, False
    if child.kind == "partition":
        child.kind = "table"


def _inherit(_schema: Schema, table: Table, command: Any) -> None:
    table.parent = names.qualified(definition(command))


def _disinherit(_schema: Schema, table: Table, _command: Any) -> None:
    table.parent = None


_RELATIONS = {
    pb.OBJECT_TABLE,
    pb.OBJECT_FOREIGN_TABLE,
    pb.OBJECT_VIEW,
    pb.OBJECT_MATVIEW,
}
_ALONE = {
    pb.AT_AttachPartition,
    pb.AT_DetachPartition,
    pb.AT_AddInherit,
    pb.AT_DropInherit,
}
_CHANGES: dict[int, Change] = {
    pb.AT_AddColumn: _add_column,
    pb.AT_DropColumn: _drop_column,
    pb.AT_AlterColumnType: _alter_type,
    pb.AT_ColumnDefault: _set_default,
    pb.AT_SetNotNull: _set_not_null,
    pb.AT_DropNotNull: _drop_not_null,
    pb.AT_AddConstraint: _add_constraint,
    pb.AT_ValidateConstraint: _validate,
    pb.AT_DropConstraint: _drop_constraint,
    pb.AT_AddIdentity: _set_identity,
    pb.AT_DropIdentity: _set_identity,
    pb.AT_DropExpression: _drop_expression,
    pb.AT_AttachPartition: _attach,
    pb.AT_DetachPartition: _detach,
    pb.AT_AddInherit: _inherit,
    pb.AT_DropInherit: _disinherit,
}


def _rename_relation(schema: Schema, node: Any) -> None:
    old = names.qualified(node.relation)
    if schema.index(old) is not None:
        _rename_index(schema, node)
    elif old in schema.sequences:
        new = names.sibling(node.newname, old)
        schema.sequences[new] = schema.sequences.pop(old)
    elif not (node.missing_ok and old not in schema.tables):
        move_table(schema, old, names.sibling(node.newname, old))


def _rename_index(schema: Schema, node: Any) -> None:
    old = names.qualified(node.relation)
    index = schema.index(old)
    if index is None:
        return
    table = schema.tables[index.table]
    del table.indexes[old]
    index.name = names.sibling(node.newname, old)
    table.indexes[index.name] = index
    _rename_in(table.constraints, names.local(old), node.newname)


def _rename_column(schema: Schema, node: Any) -> None:
    old, new = node.subname, node.newname
    origin = existing(schema, names.qualified(node.relation))
    for table in schema.family(origin.name):
        table.columns = {
            (new if name == old else name): column
            for name, column in table.columns.items()
        }
        if new in table.columns:
            table.columns[new].name = new
        for index in table.indexes.values():
            index.columns = tuple(new if c == old else c for c in index.columns)
            index.uses = frozenset(new if c == old else c for c in index.uses)
        for each in table.constraints.values():
            each.columns = tuple(new if c == old else c for c in each.columns)
            each.proves = frozenset(new if c == old else c for c in each.proves)
    for other in schema.tables.values():
        for each in other.constraints.values():
            if each.references == origin.name:
                each.referenced = tuple(new if c == old else c for c in each.referenced)


def _rename_constraint(schema: Schema, node: Any) -> None:
    table = existing(schema, names.qualified(node.relation))
    _rename_in(table.constraints, node.subname, node.newname)
    old = names.sibling(node.subname, table.name)
    if old in table.indexes:
        index = table.indexes.pop(old)
        index.name = names.sibling(node.newname, table.name)
        table.indexes[index.name] = index


def _rename_in(constraints: dict[str, Constraint], old: str, new: str) -> None:
    if old in constraints:
        constraints[new] = constraints.pop(old)
        constraints[new].name = new


def _rename_type(schema: Schema, node: Any) -> None:
    old = names.dotted(names.parts(node.object.list.items))
    new = names.sibling(node.newname, old)
    if old in schema.types:
        schema.types[new] = schema.types.pop(old)


def _rename_schema(schema: Schema, node: Any) -> None:
    old, new = node.subname, node.newname
    if old in schema.schemas:
        schema.schemas[new] = schema.schemas.pop(old)
    if old in schema.schema_grants:
        schema.schema_grants[new] = schema.schema_grants.pop(old)
    for name in [n for n in schema.tables if n.startswith(old + ".")]:
        move_table(schema, name, f"{new}.{names.local(name)}")
    for objects in (schema.types, schema.functions, schema.sequences):
        for name in [n for n in objects if n.startswith(old + ".")]:
            objects[f"{new}.{names.local(name)}"] = objects.pop(name)


_RENAMES: dict[int, Callable[[Schema, Any], None]] = {
    pb.OBJECT_TABLE: _rename_relation,
    pb.OBJECT_FOREIGN_TABLE: _rename_relation,
    pb.OBJECT_VIEW: _rename_relation,
    pb.OBJECT_MATVIEW: _rename_relation,
    pb.OBJECT_SEQUENCE: _rename_relation,
    pb.OBJECT_INDEX: _rename_index,
    pb.OBJECT_COLUMN: _rename_column,
    pb.OBJECT_TABCONSTRAINT: _rename_constraint,
    pb.OBJECT_TYPE: _rename_type,
    pb.OBJECT_DOMAIN: _rename_type,
    pb.OBJECT_SCHEMA: _rename_schema,
}
