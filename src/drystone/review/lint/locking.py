"""The locks that each form of statement takes on tables, by PostgreSQL's documentation.

Sources: "Explicit Locking", and the pages of ALTER TABLE, CREATE TABLE, CREATE INDEX,
CREATE TRIGGER and REINDEX for PostgreSQL 18.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import postgast

from drystone.migrations.statements import Statement
from drystone.review.lint.schema import names
from drystone.review.lint.schema.alterations import commands, definition
from drystone.review.lint.schema.columns import constraints_of
from drystone.review.lint.schema.model import Column, Schema, Table
from drystone.review.lint.schema.names import pb
from drystone.review.lint.schema.replay import dropped
from drystone.review.lint.schema.tables import elements
from drystone.review.locks import LockMode

Lock = tuple[str, LockMode]

_AS, _RS, _RE, _SUE, _S, _SRE, _E, _AE = LockMode

# Every other subcommand of ALTER TABLE takes ACCESS EXCLUSIVE.
_WEAKER = {
    pb.AT_ValidateConstraint: _SUE,
    pb.AT_AttachPartition: _SUE,
    pb.AT_DetachPartitionFinalize: _SUE,
    pb.AT_SetStatistics: _SUE,
    pb.AT_SetOptions: _SUE,
    pb.AT_ResetOptions: _SUE,
    pb.AT_ClusterOn: _SUE,
    pb.AT_DropCluster: _SUE,
    pb.AT_SetRelOptions: _SUE,
    pb.AT_ResetRelOptions: _SUE,
    pb.AT_EnableTrig: _SRE,
    pb.AT_EnableAlwaysTrig: _SRE,
    pb.AT_EnableReplicaTrig: _SRE,
    pb.AT_EnableTrigAll: _SRE,
    pb.AT_EnableTrigUser: _SRE,
    pb.AT_DisableTrig: _SRE,
    pb.AT_DisableTrigAll: _SRE,
    pb.AT_DisableTrigUser: _SRE,
}
# What all tables below get too, and so are locked for.
_PASSED_ON = {
    pb.AT_AddColumn,
    pb.AT_DropColumn,
    pb.AT_AlterColumnType,
    pb.AT_ColumnDefault,
    pb.AT_SetNotNull,
    pb.AT_DropNotNull,
    pb.AT_SetExpression,
    pb.AT_DropExpression,
    pb.AT_AddIdentity,
    pb.AT_SetIdentity,
    pb.AT_DropIdentity,
    pb.AT_SetStatistics,
    pb.AT_SetStorage,
    pb.AT_AddConstraint,
    pb.AT_AlterConstraint,
    pb.AT_ValidateConstraint,
    pb.AT_DropConstraint,
}


def documented_locks(statement: Statement, schema: Schema | None = None) -> list[Lock]:
    """Return the strongest lock that a statement takes on each table that it names.

    With the schema before it, an index stands for its table, and what a foreign key
    joins is locked with it; without, what a DROP INDEX names is the index.
    """
    find = _LOCKS.get(statement.kind)
    strongest: dict[str, LockMode] = {}
    for name, mode in find(statement.node, schema or Schema()) if find else ():
        if name not in strongest or mode.rank > strongest[name].rank:
            strongest[name] = mode
    return list(strongest.items())


def command_lock(command: Any) -> LockMode:
    """Return the lock that a subcommand of ALTER TABLE takes on the table itself."""
    node = definition(command)
    if command.subtype == pb.AT_AddConstraint and node.contype == pb.CONSTR_FOREIGN:
        return _SRE
    if command.subtype == pb.AT_DetachPartition and node.concurrent:
        return _SUE
    return _WEAKER.get(command.subtype, _AE)


def concurrently(node: Any) -> bool:
    """Tell whether a statement's list of options has CONCURRENTLY."""
    return any(option.def_elem.defname == "concurrently" for option in node.params)


def rebuilt(node: Any, schema: Schema) -> list[str]:
    """Return the tables whose indexes a REINDEX builds again."""
    if node.HasField("relation"):
        return schema.parts(_owner(schema, names.qualified(node.relation)))
    within = f"{node.name}." if node.kind == pb.REINDEX_OBJECT_SCHEMA else ""
    stored = [table.name for table in schema.tables.values() if table.has_rows]
    return [name for name in stored if name.startswith(within)]


def validated(node: Any, schema: Schema) -> list[str]:
    """Return the tables whose rows an ALTER DOMAIN checks."""
    deferred = getattr(node, "def").constraint.skip_validation
    if node.subtype not in _CHECKING or deferred:
        return []
    domain = names.dotted(names.parts(node.type_name))
    return [
        table.name
        for table in schema.tables.values()
        if table.has_rows
        and any(_is_of(column, domain) for column in table.columns.values())
    ]


def _is_of(column: Column, domain: str) -> bool:
    return names.dotted(column.type.split(".")) == domain and not column.array


def _alter_table(node: Any, schema: Schema) -> Iterator[Lock]:
    if node.objtype == pb.OBJECT_INDEX:
        return  # the lock is on the index alone
    name = names.qualified(node.relation)
    mode = max(map(command_lock, commands(node)), key=lambda each: each.rank)
    yield name, mode
    if node.relation.inh and any(c.subtype in _PASSED_ON for c in commands(node)):
        yield from _all(schema.heirs(name), mode)
    table = schema.tables.get(name) or Table(name, "", known=False)
    for command in commands(node):
        find = _OTHERS.get(command.subtype)
        if find is not None:
            yield from find(command, table, schema)


def _referenced(command: Any, _table: Table, schema: Schema) -> Iterator[Lock]:
    for constraint in constraints_of(definition(command), pb.CONSTR_FOREIGN):
        yield from _all(schema.heirs(names.qualified(constraint.pktable)), _SRE)


def _validated(command: Any, table: Table, _schema: Schema) -> Iterator[Lock]:
    constraint = table.constraints.get(command.name)
    if constraint is not None and constraint.references:
        yield constraint.references, _RS


def _unreferenced(command: Any, table: Table, schema: Schema) -> Iterator[Lock]:
    constraint = table.constraints.get(command.name)
    if constraint is not None and constraint.references:
        yield from _all(schema.heirs(constraint.references), _AE)


def _attached(command: Any, table: Table, schema: Schema) -> Iterator[Lock]:
    yield from _all(schema.heirs(names.qualified(definition(command).name)), _AE)
    yield from _made_a_part(schema, table.name)


def _detached(command: Any, table: Table, schema: Schema) -> Iterator[Lock]:
    yield from _all(schema.heirs(names.qualified(definition(command).name)), _AE)
    yield from _all(schema.default_parts(table.name)[:1], _AE)
    yield from _keys(schema, table.name)


def _inherited(command: Any, _table: Table, _schema: Schema) -> Iterator[Lock]:
    yield names.qualified(definition(command)), _SUE


_OTHERS: dict[int, Callable[[Any, Table, Schema], Iterator[Lock]]] = {
    pb.AT_AddColumn: _referenced,
    pb.AT_AddConstraint: _referenced,
    pb.AT_ValidateConstraint: _validated,
    pb.AT_DropConstraint: _unreferenced,
    pb.AT_AttachPartition: _attached,
    pb.AT_DetachPartition: _detached,
    pb.AT_DetachPartitionFinalize: _detached,
    pb.AT_AddInherit: _inherited,
}


def _create_table(node: Any, schema: Schema) -> Iterator[Lock]:
    is_part = node.HasField("partbound")
    for each in node.inh_relations:
        parent = names.qualified(each.range_var)
        yield parent, _AE if is_part else _SUE
        if is_part:
            yield from _made_a_part(schema, parent)
    for element in elements(node):
        if isinstance(element, pb.TableLikeClause):
            yield names.qualified(element.relation), _AS
        for constraint in constraints_of(element, pb.CONSTR_FOREIGN):
            yield from _all(schema.heirs(names.qualified(constraint.pktable)), _SRE)


def _made_a_part(schema: Schema, parent: str) -> Iterator[Lock]:
    """Lock where rows of a new partition may lie, and what its keys refer to."""
    yield from _all(schema.default_parts(parent), _AE)
    yield from _keys(schema, parent)


def _keys(schema: Schema, name: str) -> Iterator[Lock]:
    for referenced in schema.references(name):
        yield from _all(schema.heirs(referenced), _SRE)


def _create_index(node: Any, schema: Schema) -> Iterator[Lock]:
    name = names.qualified(node.relation)
    tables = schema.parts(name) if node.relation.inh else [name]
    yield from _all(tables, _SUE if node.concurrent else _S)


def _create_trigger(node: Any, schema: Schema) -> Iterator[Lock]:
    name = names.qualified(node.relation)
    yield from _all(schema.parts(name) if node.row else [name], _SRE)


def _drop(node: Any, schema: Schema) -> Iterator[Lock]:
    gone = dropped(node)
    if node.remove_type in _TABLES:
        for name in gone:
            yield from _drop_table(schema, name)
        if node.behavior == pb.DROP_CASCADE:
            yield from _all([table.name for table in schema.referring(gone)], _AE)
    elif node.remove_type == pb.OBJECT_INDEX:
        mode = _SUE if node.concurrent else _AE
        for name in gone:
            yield from _all(schema.parts(_owner(schema, name)), mode)
    elif node.remove_type in _OF_TABLES:
        for each in node.objects:
            yield names.dotted(names.parts(each.list.items)[:-1]), _AE


def _drop_table(schema: Schema, name: str) -> Iterator[Lock]:
    yield from _all(schema.heirs(name), _AE)
    table = schema.tables.get(name)
    if table is not None and table.parent and table.is_partition:
        yield table.parent, _AE
        yield from _all(schema.default_parts(table.parent)[:1], _AE)
    inherited = schema.references(table.parent or "") if table else []
    for referenced in schema.references(name):
        if referenced not in inherited:
            yield from _all(schema.heirs(referenced), _AE)


def _rename(node: Any, schema: Schema) -> Iterator[Lock]:
    if node.rename_type in (pb.OBJECT_INDEX, pb.OBJECT_SEQUENCE):
        return  # the lock is on the index alone
    if node.HasField("relation"):
        name = names.qualified(node.relation)
        if schema.index(name) is None:
            passed_on = node.rename_type == pb.OBJECT_COLUMN
            yield from _all(_named(node.relation, schema) if passed_on else [name], _AE)


def _alter_domain(node: Any, schema: Schema) -> Iterator[Lock]:
    yield from _all(validated(node, schema), _S)


def _relation(mode: LockMode, field: str = "relation") -> Any:
    def find(node: Any, _schema: Schema) -> Iterator[Lock]:
        if node.HasField(field):
            yield names.qualified(getattr(node, field)), mode

    return find


def _truncate(node: Any, schema: Schema) -> Iterator[Lock]:
    named = [name for r in node.relations for name in _named(r.range_var, schema)]
    yield from _all(named, _AE)
    if node.behavior == pb.DROP_CASCADE:
        yield from _all([table.name for table in schema.referring(named)], _AE)


def _lock(node: Any, schema: Schema) -> Iterator[Lock]:
    for each in node.relations:
        yield from _all(_named(each.range_var, schema), list(LockMode)[node.mode - 1])


def _vacuum(node: Any, _schema: Schema) -> Iterator[Lock]:
    full = any(option.def_elem.defname == "full" for option in node.options)
    for each in node.rels:
        yield names.qualified(each.vacuum_relation.relation), _AE if full else _SUE


def _reindex(node: Any, schema: Schema) -> Iterator[Lock]:
    yield from _all(rebuilt(node, schema), _SUE if concurrently(node) else _S)


def _refresh(node: Any, _schema: Schema) -> Iterator[Lock]:
    yield names.qualified(node.relation), _E if node.concurrent else _AE


def _read(node: Any, _schema: Schema) -> Iterator[Lock]:
    mode = _RS if isinstance(node, pb.SelectStmt) and node.locking_clause else _AS
    ctes = {n.ctename for _, n in postgast.walk(node) if _is_cte(n)}
    for _, inner in postgast.walk(node):
        if isinstance(inner, pb.RangeVar) and inner.relname not in ctes:
            yield names.qualified(inner), mode


def _write(node: Any, schema: Schema) -> Iterator[Lock]:
    yield names.qualified(node.relation), _RE
    yield from _read(node, schema)


def _copy(node: Any, _schema: Schema) -> Iterator[Lock]:
    if node.HasField("relation"):
        yield names.qualified(node.relation), _RE if node.is_from else _AS


def _comment(node: Any, _schema: Schema) -> Iterator[Lock]:
    path = names.parts(node.object.list.items)
    if node.objtype == pb.OBJECT_TABLE:
        yield names.dotted(path), _SUE
    elif node.objtype == pb.OBJECT_COLUMN:
        yield names.dotted(path[:-1]), _SUE


def _statistics(node: Any, _schema: Schema) -> Iterator[Lock]:
    for each in node.relations:
        yield names.qualified(each.range_var), _SUE


def _view(node: Any, schema: Schema) -> Iterator[Lock]:
    name = names.qualified(node.view)
    if node.replace and name in schema.tables:
        yield name, _AE
    yield from _read(node.query, schema)


def _is_cte(node: Any) -> bool:
    return isinstance(node, pb.CommonTableExpr)


def _all(tables: Iterable[str], mode: LockMode) -> Iterator[Lock]:
    return ((name, mode) for name in tables)


def _owner(schema: Schema, name: str) -> str:
    owner = schema.owner(name)
    return owner.name if owner else name


def _named(relation: Any, schema: Schema) -> list[str]:
    """Return a table that a statement names, and its heirs unless it says ONLY."""
    name = names.qualified(relation)
    return schema.heirs(name) if relation.inh else [name]


_TABLES = {
    pb.OBJECT_TABLE,
    pb.OBJECT_FOREIGN_TABLE,
    pb.OBJECT_VIEW,
    pb.OBJECT_MATVIEW,
}
_CHECKING = {"C", "O", "V"}  # ADD CONSTRAINT, SET NOT NULL, VALIDATE CONSTRAINT
_OF_TABLES = {pb.OBJECT_TRIGGER, pb.OBJECT_RULE, pb.OBJECT_POLICY}

_LOCKS: dict[str, Callable[[Any, Schema], Iterator[Lock]]] = {
    "alter_domain_stmt": _alter_domain,
    "alter_object_schema_stmt": _relation(_AE),
    "alter_policy_stmt": _relation(_AE, "table"),
    "alter_table_stmt": _alter_table,
    "cluster_stmt": _relation(_AE),
    "comment_stmt": _comment,
    "copy_stmt": _copy,
    "create_policy_stmt": _relation(_AE, "table"),
    "create_stats_stmt": _statistics,
    "create_stmt": _create_table,
    "create_table_as_stmt": lambda node, schema: _read(node.query, schema),
    "create_trig_stmt": _create_trigger,
    "delete_stmt": _write,
    "drop_stmt": _drop,
    "index_stmt": _create_index,
    "insert_stmt": _write,
    "lock_stmt": _lock,
    "merge_stmt": _write,
    "refresh_mat_view_stmt": _refresh,
    "reindex_stmt": _reindex,
    "rename_stmt": _rename,
    "rule_stmt": _relation(_AE),
    "select_stmt": _read,
    "truncate_stmt": _truncate,
    "update_stmt": _write,
    "vacuum_stmt": _vacuum,
    "view_stmt": _view,
}
