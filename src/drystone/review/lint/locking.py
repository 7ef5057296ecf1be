"""The locks that each form of statement takes on tables, by PostgreSQL's documentation.

Sources: "Explicit Locking", and the pages of ALTER TABLE, CREATE TABLE, CREATE INDEX,
CREATE TRIGGER and REINDEX for PostgreSQL 18.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import postgast

from drystone.migrations.statements import Statement
from drystone.review.lint.schema import names
from drystone.review.lint.schema.alterations import commands, definition
from drystone.review.lint.schema.columns import constraints_of
from drystone.review.lint.schema.model import Schema, Table
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


def _alter_table(node: Any, schema: Schema) -> Iterator[Lock]:
    table = names.qualified(node.relation)
    if node.objtype == pb.OBJECT_INDEX:
        table = _owner(schema, table)
    for command in commands(node):
        yield table, command_lock(command)
        for find in _OTHERS.get(command.subtype, ()):
            yield from find(command, schema.tables.get(table))


def _referenced(command: Any, _table: Table | None) -> Iterator[Lock]:
    for constraint in constraints_of(definition(command), pb.CONSTR_FOREIGN):
        yield names.qualified(constraint.pktable), _SRE


def _validated(command: Any, table: Table | None) -> Iterator[Lock]:
    constraint = table.constraints.get(command.name) if table else None
    if constraint is not None and constraint.references:
        yield constraint.references, _RS


def _unreferenced(command: Any, table: Table | None) -> Iterator[Lock]:
    constraint = table.constraints.get(command.name) if table else None
    if constraint is not None and constraint.references:
        yield constraint.references, _AE


def _partition(command: Any, _table: Table | None) -> Iterator[Lock]:
    yield names.qualified(definition(command).name), _AE


def _inherited(command: Any, _table: Table | None) -> Iterator[Lock]:
    yield names.qualified(definition(command)), _SUE


_OTHERS: dict[int, tuple[Callable[[Any, Table | None], Iterator[Lock]], ...]] = {
    pb.AT_AddColumn: (_referenced,),
    pb.AT_AddConstraint: (_referenced,),
    pb.AT_ValidateConstraint: (_validated,),
    pb.AT_DropConstraint: (_unreferenced,),
    pb.AT_AttachPartition: (_partition,),
    pb.AT_DetachPartition: (_partition,),
    pb.AT_DetachPartitionFinalize: (_partition,),
    pb.AT_AddInherit: (_inherited,),
}


def _create_table(node: Any, _schema: Schema) -> Iterator[Lock]:
    mode = _AE if node.HasField("partbound") else _SUE
    for parent in node.inh_relations:
        yield names.qualified(parent.range_var), mode
    for element in elements(node):
        if isinstance(element, pb.TableLikeClause):
            yield names.qualified(element.relation), _AS
        for constraint in constraints_of(element, pb.CONSTR_FOREIGN):
            yield names.qualified(constraint.pktable), _SRE


def _create_index(node: Any, _schema: Schema) -> Iterator[Lock]:
    yield names.qualified(node.relation), _SUE if node.concurrent else _S


def _drop(node: Any, schema: Schema) -> Iterator[Lock]:
    mode = _SUE if node.concurrent else _AE
    if node.remove_type in _TABLES:
        for name in dropped(node):
            yield name, _AE
            table = schema.tables.get(name)
            for constraint in table.constraints.values() if table else ():
                if constraint.references:
                    yield constraint.references, _AE
    elif node.remove_type == pb.OBJECT_INDEX:
        for name in dropped(node):
            yield _owner(schema, name), mode
    elif node.remove_type in _OF_TABLES:
        for each in node.objects:
            yield names.dotted(names.parts(each.list.items)[:-1]), _AE


def _rename(node: Any, schema: Schema) -> Iterator[Lock]:
    if node.rename_type in (pb.OBJECT_INDEX, pb.OBJECT_SEQUENCE):
        return  # the lock is on the index alone
    if node.HasField("relation"):
        name = names.qualified(node.relation)
        if schema.index(name) is None:
            yield name, _AE


def _relation(mode: LockMode, field: str = "relation") -> Any:
    def find(node: Any, _schema: Schema) -> Iterator[Lock]:
        if node.HasField(field):
            yield names.qualified(getattr(node, field)), mode

    return find


def _truncate(node: Any, schema: Schema) -> Iterator[Lock]:
    named = [names.qualified(each.range_var) for each in node.relations]
    for name in named:
        yield name, _AE
    if node.behavior == pb.DROP_CASCADE:
        for table in schema.tables.values():
            if any(c.references in named for c in table.constraints.values()):
                yield table.name, _AE


def _lock(node: Any, _schema: Schema) -> Iterator[Lock]:
    for each in node.relations:
        yield names.qualified(each.range_var), list(LockMode)[node.mode - 1]


def _vacuum(node: Any, _schema: Schema) -> Iterator[Lock]:
    full = any(option.def_elem.defname == "full" for option in node.options)
    for each in node.rels:
        yield names.qualified(each.vacuum_relation.relation), _AE if full else _SUE


def _reindex(node: Any, schema: Schema) -> Iterator[Lock]:
    if node.HasField("relation"):
        name = names.qualified(node.relation)
        yield _owner(schema, name), _SUE if concurrently(node) else _S


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


def _owner(schema: Schema, name: str) -> str:
    owner = schema.owner(name)
    return owner.name if owner else name


_TABLES = {
    pb.OBJECT_TABLE,
    pb.OBJECT_FOREIGN_TABLE,
    pb.OBJECT_VIEW,
    pb.OBJECT_MATVIEW,
}
_OF_TABLES = {pb.OBJECT_TRIGGER, pb.OBJECT_RULE, pb.OBJECT_POLICY}

_LOCKS: dict[str, Callable[[Any, Schema], Iterator[Lock]]] = {
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
    "create_trig_stmt": _relation(_SRE),
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
