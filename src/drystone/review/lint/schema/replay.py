"""What a statement makes of the schema, by reading it: no database is asked.

What it names and no file made was there before; nothing here fails on that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import postgast

from drystone.migrations.statements import Statement
from drystone.review.lint.schema import (
    alterations,
    columns,
    names,
    privileges,
    tables,
)
from drystone.review.lint.schema.model import Schema, Table
from drystone.review.lint.schema.names import pb


def replay(schema: Schema, statement: Statement, migration_id: str) -> None:
    """Apply a statement of a migration to the schema, in place."""
    step = _STEPS.get(statement.kind)
    if step is not None:
        step(schema, statement.node, migration_id)


def dropped(node: Any) -> list[str]:
    """Return the qualified names of the objects that a DROP names."""
    return [object_name(each) for each in node.objects]


def object_name(node: Any) -> str:
    """Return the qualified name of an object of DROP, or of SET SCHEMA."""
    match node.WhichOneof("node"):
        case "list":
            return names.dotted(names.parts(node.list.items))
        case "object_with_args":
            return names.dotted(names.parts(node.object_with_args.objname))
        case "type_name":
            return names.dotted(names.parts(node.type_name.names))
    return str(node.string.sval)


def _create_index(schema: Schema, node: Any, _migration: str) -> None:
    table = alterations.existing(schema, names.qualified(node.relation))
    if node.if_not_exists and names.sibling(node.idxname, table.name) in table.indexes:
        return
    index = columns.add_index(table, node)
    if node.relation.inh:
        for child in schema.family(table.name)[1:]:
            if child.is_partition:
                columns.copy_index(schema, index, child)


def _create_schema(schema: Schema, node: Any, migration: str) -> None:
    name = node.schemaname or node.authrole.rolename
    schema.schemas.setdefault(name, migration)
    for element in node.schema_elts:
        inner = pb.Node()
        inner.CopyFrom(element)
        for _, relation in postgast.walk(inner):
            if isinstance(relation, pb.RangeVar):
                relation.schemaname = relation.schemaname or name
        kind = inner.WhichOneof("node")
        if kind in _STEPS:
            _STEPS[kind](schema, getattr(inner, kind), migration)


def _create_enum(schema: Schema, node: Any, migration: str) -> None:
    schema.types[names.dotted(names.parts(node.type_name))] = migration


def _create_composite(schema: Schema, node: Any, migration: str) -> None:
    schema.types[names.qualified(node.typevar)] = migration


def _create_domain(schema: Schema, node: Any, migration: str) -> None:
    name = names.dotted(names.parts(node.domainname))
    schema.types[name] = migration
    if any(each.constraint.contype in columns.KINDS for each in node.constraints):
        schema.checked_domains.add(name)


def _alter_domain(schema: Schema, node: Any, _migration: str) -> None:
    if node.subtype in ("C", "O"):  # ADD CONSTRAINT, SET NOT NULL
        schema.checked_domains.add(names.dotted(names.parts(node.type_name)))


def _create_function(schema: Schema, node: Any, migration: str) -> None:
    name = names.dotted(names.parts(node.funcname))
    schema.functions.setdefault(name, migration)
    options = {o.def_elem.defname: o.def_elem.arg.string.sval for o in node.options}
    if options.get("volatility", "volatile") == "volatile":
        schema.steady.discard(name)
    else:
        schema.steady.add(name)


def _define(schema: Schema, node: Any, migration: str) -> None:
    name = names.dotted(names.parts(node.defnames))
    if node.kind == pb.OBJECT_TYPE:
        schema.types[name] = migration
    elif node.kind == pb.OBJECT_AGGREGATE:
        schema.functions.setdefault(name, migration)


def _create_sequence(schema: Schema, node: Any, migration: str) -> None:
    schema.sequences.setdefault(names.qualified(node.sequence), migration)


def _create_extension(schema: Schema, node: Any, migration: str) -> None:
    schema.extensions.setdefault(node.extname, migration)


def _create_foreign_table(schema: Schema, node: Any, migration: str) -> None:
    tables.create_table(schema, node.base_stmt, migration)
    schema.tables[names.qualified(node.base_stmt.relation)].kind = "foreign"


def _select(schema: Schema, node: Any, migration: str) -> None:
    for target in node.target_list:
        _call(schema, target.res_target.val.func_call, migration)
    if node.HasField("into_clause"):
        created = pb.CreateTableAsStmt(objtype=pb.OBJECT_TABLE)
        created.into.CopyFrom(node.into_clause)
        created.query.select_stmt.CopyFrom(node)
        tables.create_from_query(schema, created, migration)


def _call(schema: Schema, call: Any, migration: str) -> None:
    """Note what Apache AGE's functions make: a graph is a schema, a label a table."""
    function = names.parts(call.funcname)[-1:]
    values = [each.a_const.sval.sval for each in call.args]
    match function, values:
        case ["create_graph"], [graph]:
            schema.schemas.setdefault(graph, migration)
        case ["create_vlabel" | "create_elabel"], [graph, label]:
            name = f"{graph}.{label}"
            schema.tables.setdefault(name, Table(name, migration, known=False))


def _set_schema(schema: Schema, node: Any, _migration: str) -> None:
    if node.HasField("relation"):
        old = names.qualified(node.relation)
        new = f"{node.newschema}.{names.local(old)}"
        if old in schema.sequences:
            schema.sequences[new] = schema.sequences.pop(old)
        elif old in schema.tables or not node.missing_ok:
            alterations.move_table(schema, old, new)
        return
    old = object_name(node.object)
    new = f"{node.newschema}.{names.local(old)}"
    for objects in (schema.types, schema.functions):
        if old in objects:
            objects[new] = objects.pop(old)


def _drop(schema: Schema, node: Any, _migration: str) -> None:
    forget = _DROPS.get(node.remove_type)
    if forget is not None:
        for name in dropped(node):
            forget(schema, name)


def _drop_table(schema: Schema, name: str) -> None:
    gone = schema.tables.pop(name, None)
    if gone is None:
        return
    for child in [each.name for each in schema.tables.values() if each.parent == name]:
        _drop_table(schema, child)
    for other in schema.tables.values():
        for each in list(other.constraints.values()):
            if each.references == name:
                del other.constraints[each.name]


def _drop_index(schema: Schema, name: str) -> None:
    index = schema.index(name)
    if index is not None:
        del schema.tables[index.table].indexes[name]


def _drop_type(schema: Schema, name: str) -> None:
    schema.types.pop(name, None)
    schema.checked_domains.discard(name)


def _drop_function(schema: Schema, name: str) -> None:
    schema.functions.pop(name, None)
    schema.steady.discard(name)


def _drop_sequence(schema: Schema, name: str) -> None:
    schema.sequences.pop(name, None)


def _drop_extension(schema: Schema, name: str) -> None:
    schema.extensions.pop(name, None)


def _drop_schema(schema: Schema, name: str) -> None:
    schema.schemas.pop(name, None)
    schema.schema_grants.pop(name, None)
    for table in [each for each in schema.tables if each.startswith(name + ".")]:
        _drop_table(schema, table)
    for objects in (schema.types, schema.functions, schema.sequences):
        for each in [each for each in objects if each.startswith(name + ".")]:
            del objects[each]


_DROPS: dict[int, Callable[[Schema, str], None]] = {
    pb.OBJECT_TABLE: _drop_table,
    pb.OBJECT_FOREIGN_TABLE: _drop_table,
    pb.OBJECT_VIEW: _drop_table,
    pb.OBJECT_MATVIEW: _drop_table,
    pb.OBJECT_INDEX: _drop_index,
    pb.OBJECT_TYPE: _drop_type,
    pb.OBJECT_DOMAIN: _drop_type,
    pb.OBJECT_FUNCTION: _drop_function,
    pb.OBJECT_PROCEDURE: _drop_function,
    pb.OBJECT_ROUTINE: _drop_function,
    pb.OBJECT_AGGREGATE: _drop_function,
    pb.OBJECT_SEQUENCE: _drop_sequence,
    pb.OBJECT_EXTENSION: _drop_extension,
    pb.OBJECT_SCHEMA: _drop_schema,
}

_STEPS: dict[str, Callable[[Schema, Any, str], None]] = {
    "alter_default_privileges_stmt": lambda s, n, _: privileges.grant_by_default(s, n),
    "alter_domain_stmt": _alter_domain,
    "alter_object_schema_stmt": _set_schema,
    "alter_table_stmt": alterations.alter_table,
    "composite_type_stmt": _create_composite,
    "create_domain_stmt": _create_domain,
    "create_enum_stmt": _create_enum,
    "create_extension_stmt": _create_extension,
    "create_foreign_table_stmt": _create_foreign_table,
    "create_function_stmt": _create_function,
    "create_range_stmt": _create_enum,
    "create_schema_stmt": _create_schema,
    "create_seq_stmt": _create_sequence,
    "create_stmt": tables.create_table,
    "create_table_as_stmt": tables.create_from_query,
    "define_stmt": _define,
    "drop_stmt": _drop,
    "grant_stmt": lambda s, n, _: privileges.grant(s, n),
    "index_stmt": _create_index,
    "rename_stmt": alterations.rename,
    "select_stmt": _select,
    "view_stmt": tables.create_view,
}
