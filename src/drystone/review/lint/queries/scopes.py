"""What names mean inside a query: its levels, and which table a column belongs to.

Each SELECT, INSERT, UPDATE, DELETE and MERGE is a scope of its own, with the relations
that it reads. A column that cannot be attributed to a table with certainty, is not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import postgast

from drystone.review.lint.schema.model import Column, Schema, Table
from drystone.review.lint.schema.names import parts

pb = postgast.pg_query_pb2

_STATEMENTS = (
    pb.SelectStmt,
    pb.InsertStmt,
    pb.UpdateStmt,
    pb.DeleteStmt,
    pb.MergeStmt,
)
_MADE_OPTIONAL = {  # the sides of a join whose rows may be missing
    pb.JOIN_LEFT: (False, True),
    pb.JOIN_RIGHT: (True, False),
    pb.JOIN_FULL: (True, True),
}

# A derived relation's columns: where each is computed, or None where that is unknown.
# The whole is None where not even the names are known.
Columns = Mapping[str, "tuple[Scope, Any] | None"] | None


@dataclass(eq=False, slots=True)
class Relation:
    """Something in a FROM, or what a statement writes to.

    ``table`` is the qualified name of a table or view; what is none, is derived.
    ``optional`` relations may be missing by an outer join.
    """

    name: str
    node: Any
    table: str | None = None
    columns: Columns = None
    optional: bool = False


@dataclass(eq=False, slots=True)
class Scope:
    """One level of a query; ``link`` is the SubLink that it hangs on.

    ``target`` is what it writes to, ``left`` the first query of a UNION.
    """

    node: Any
    parent: Scope | None = None
    link: Any = None
    relations: list[Relation] = field(default_factory=list)
    target: Relation | None = None
    left: Scope | None = None
    children: list[Scope] = field(default_factory=list)

    def walk(self) -> Iterator[Scope]:
        """Yield this scope and all below it, outer ones first."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True, slots=True)
class Attribute:
    """A table's column where a query names it."""

    table: Table
    column: Column
    relation: Relation
    optional: bool


def read_scopes(node: Any, schema: Schema) -> Scope | None:
    """Read a statement; None for one that neither reads nor writes tables."""
    return _Reader(schema).read(node, None, {}) if _is_statement(node) else None


def level(node: Any) -> Iterator[Any]:
    """Yield the nodes of a level, without those of the statements inside it."""
    yield node
    for child in _parts(node):
        if not _is_statement(child):
            yield from level(child)


def attribute(scope: Scope, ref: Any, schema: Schema) -> Attribute | None:
    """Return the column of a table that a reference surely means."""
    relation = owner(scope, ref, schema)
    if relation is None:
        return None
    name = ref.fields[-1].string.sval
    if relation.table is not None:
        table = schema.tables.get(relation.table)
        column = table.columns.get(name) if table else None
        if table is None or column is None:
            return None
        return Attribute(table, column, relation, relation.optional)
    origin = (relation.columns or {}).get(name)
    if origin is None or not isinstance(origin[1], pb.ColumnRef):
        return None
    inner = attribute(*origin, schema)
    if inner is None:
        return None
    optional = inner.optional or relation.optional
    return Attribute(inner.table, inner.column, inner.relation, optional)


def owner(scope: Scope, ref: Any, schema: Schema) -> Relation | None:
    """Return the relation that a column reference surely means."""
    if not all(each.HasField("string") for each in ref.fields):
        return None
    names = parts(ref.fields)
    level_scope: Scope | None = scope
    while level_scope is not None:
        if len(names) == 1:
            # The rows that an INSERT proposes are reached as excluded.… alone.
            near = [r for r in level_scope.relations if r.node is not level_scope.node]
            known = [has(each, names[0], schema) for each in near]
            if None in known or known.count(True) > 1:
                return None
            if True in known:
                return near[known.index(True)]
        else:
            wanted = ".".join(names[:-1])
            for each in level_scope.relations:
                if wanted in (each.name, each.table):
                    return each
        level_scope = level_scope.parent
    return None


def has(relation: Relation, name: str, schema: Schema) -> bool | None:
    """Tell whether a relation has a column; None where nobody knows."""
    if relation.table is not None:
        table = schema.tables.get(relation.table)
        known = table is not None and table.known and table.columns
        return name in table.columns if table and known else None
    return None if relation.columns is None else name in relation.columns


class _Reader:
    """Reads the levels of a statement, outer ones first."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema

    def read(
        self,
        node: Any,
        parent: Scope | None,
        ctes: Mapping[str, Columns],
        *,
        link: Any = None,
    ) -> Scope:
        scope = Scope(node, parent, link)
        ctes = self._with(scope, node, ctes)
        if isinstance(node, pb.SelectStmt):
            sources = node.from_clause
            for side in ("larg", "rarg"):
                if node.HasField(side):
                    inner = self.read(getattr(node, side), parent, ctes)
                    scope.children.append(inner)
                    scope.left = scope.left or inner
        else:
            scope.target = _table(node.relation)
            scope.relations.append(scope.target)
            sources = _sources(node)
        for source in sources:
            self._add(scope, unwrapped(source), ctes, optional=False)
        if isinstance(node, pb.InsertStmt):
            if node.HasField("select_stmt"):
                query = node.select_stmt.select_stmt
                scope.children.append(self.read(query, parent, ctes))
            proposed = Relation("excluded", node, _table(node.relation).table)
            scope.relations.append(proposed)
        self._sublinks(scope, ctes)
        return scope

    def _with(
        self, scope: Scope, node: Any, outer: Mapping[str, Columns]
    ) -> dict[str, Columns]:
        ctes = dict(outer)
        for each in node.with_clause.ctes:
            cte = each.common_table_expr
            if node.with_clause.recursive:
                ctes[cte.ctename] = None
            inner = self.read(unwrapped(cte.ctequery), scope.parent, ctes)
            scope.children.append(inner)
            ctes[cte.ctename] = self._outputs(inner, parts(cte.aliascolnames))
        return ctes

    def _add(
        self, scope: Scope, node: Any, ctes: Mapping[str, Columns], *, optional: bool
    ) -> None:
        if isinstance(node, pb.JoinExpr):
            left, right = _MADE_OPTIONAL.get(node.jointype, (False, False))
            self._add(scope, unwrapped(node.larg), ctes, optional=optional or left)
            self._add(scope, unwrapped(node.rarg), ctes, optional=optional or right)
            if node.HasField("alias"):
                scope.relations.append(Relation(node.alias.aliasname, node))
            return
        if isinstance(node, pb.RangeTableSample):
            node = unwrapped(node.relation)
        if isinstance(node, pb.RangeVar):
            relation = _table(node)
            if not node.schemaname and node.relname in ctes:
                relation.table, relation.columns = None, ctes[node.relname]
            if node.alias.colnames:
                relation.table, relation.columns = None, None
        else:
            relation = Relation(node.alias.aliasname, node)
        if isinstance(node, pb.RangeSubselect):
            above = scope if node.lateral else scope.parent
            inner = self.read(unwrapped(node.subquery), above, ctes)
            scope.children.append(inner)
            relation.columns = self._outputs(inner, parts(node.alias.colnames))
        relation.optional = optional
        scope.relations.append(relation)

    def _sublinks(self, scope: Scope, ctes: Mapping[str, Columns]) -> None:
        for node in level(scope.node):
            if isinstance(node, pb.SubLink):
                query = unwrapped(node.subselect)
                scope.children.append(self.read(query, scope, ctes, link=node))

    def _outputs(self, scope: Scope, renamed: list[str]) -> Columns:
        """Return the columns of a subquery; the first ones may be renamed."""
        node = scope.node
        if isinstance(node, pb.SelectStmt):
            if node.op != pb.SETOP_NONE:
                return self._either(scope, renamed)
            targets = node.target_list
        else:
            targets = node.returning_clause.exprs
        values = [unwrapped(target.res_target.val) for target in targets]
        if not values or any(map(is_star, values)):
            return None
        names = [
            target.res_target.name or _label(value)
            for target, value in zip(targets, values, strict=True)
        ]
        names[: len(renamed)] = renamed
        return {
            name: (scope, value) if names.count(name) == 1 else None
            for name, value in zip(names, values, strict=False)
        }

    def _either(self, scope: Scope, renamed: list[str]) -> Columns:
        """Return the names of a UNION's columns: their origin is not a single one."""
        while scope.left is not None:
            scope = scope.left
        columns = self._outputs(scope, renamed)
        return None if columns is None else dict.fromkeys(columns)


def is_star(value: Any) -> bool:
    """Tell whether an expression is ``*`` or ``t.*``."""
    return isinstance(value, pb.ColumnRef) and value.fields[-1].HasField("a_star")


def unwrapped(node: Any) -> Any:
    """Return the node inside the parser's wrapper; None for an absent one."""
    kind = node.WhichOneof("node") if isinstance(node, pb.Node) else None
    return getattr(node, kind) if kind else None


def _parts(node: Any) -> Iterator[Any]:
    for described, value in node.ListFields():
        if described.message_type is None:
            continue
        for each in value if described.is_repeated else [value]:
            child = unwrapped(each) if isinstance(each, pb.Node) else each
            if child is not None:
                yield child


def _is_statement(node: Any) -> bool:
    return isinstance(node, _STATEMENTS)


def _sources(node: Any) -> list[Any]:
    if isinstance(node, pb.UpdateStmt):
        return list(node.from_clause)
    if isinstance(node, pb.DeleteStmt):
        return list(node.using_clause)
    return [node.source_relation] if isinstance(node, pb.MergeStmt) else []


def _table(node: Any) -> Relation:
    name = f"{node.schemaname or 'public'}.{node.relname}"
    return Relation(node.alias.aliasname or node.relname, node, name)


def _label(value: Any) -> str:
    if isinstance(value, pb.ColumnRef):
        return str(value.fields[-1].string.sval)
    if isinstance(value, pb.FuncCall):
        return parts(value.funcname)[-1]
    return _label(unwrapped(value.arg)) if isinstance(value, pb.TypeCast) else ""
