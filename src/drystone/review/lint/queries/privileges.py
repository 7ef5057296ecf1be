"""What the service's role may not do, though its queries do it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drystone.review.lint.findings import Finding, Rule, Severity
from drystone.review.lint.queries.inspected import Inspected, references
from drystone.review.lint.queries.scopes import Relation, Scope, is_star, level, owner
from drystone.review.lint.schema.model import Schema
from drystone.review.lint.schema.names import PUBLIC, pb, qualified

MISSING_GRANT = Rule(
    "missing-grant",
    Severity.ERROR,
    "The role that runs the queries lacks a privilege that one of them needs",
    "GRANT it in a migration, to the role or to PUBLIC; ALTER DEFAULT PRIVILEGES does "
    "it for tables to come. What a role inherits from another is not seen here.",
)

RULES = (MISSING_GRANT,)

_EVERYBODY = "public"
_WRITES = {
    pb.InsertStmt: "insert",
    pb.UpdateStmt: "update",
    pb.DeleteStmt: "delete",
}
_ACTIONS = {
    pb.CMD_INSERT: "insert",
    pb.CMD_UPDATE: "update",
    pb.CMD_DELETE: "delete",
}


def check(inspected: Inspected) -> Iterator[Finding]:
    """Find what the role is not granted; only tables of the migrations count."""
    role, schema = inspected.role, inspected.schema
    if role is None:
        return
    needed: dict[str, tuple[Relation, list[str]]] = {}
    for relation, privilege in _needs(inspected):
        if relation.table in schema.tables:
            _, privileges = needed.setdefault(relation.table, (relation, []))
            if privilege not in privileges:
                privileges.append(privilege)
    closed: set[str] = set()
    for table, (relation, privileges) in needed.items():
        place = table.partition(".")[0]
        if place not in closed and not _may_use(schema, place, role):
            closed.add(place)
            yield inspected.finding(
                MISSING_GRANT, relation.node, f"{role} has no USAGE on schema {place}"
            )
        grants = schema.tables[table].grants
        held = grants.get(role, set()) | grants.get(_EVERYBODY, set())
        if missing := [each for each in privileges if each not in held]:
            listed = " and no ".join(each.upper() for each in missing)
            yield inspected.finding(
                MISSING_GRANT, relation.node, f"{role} has no {listed} on {table}"
            )


def _may_use(schema: Schema, place: str, role: str) -> bool:
    """Tell whether a role may use a schema; of one that no file makes, it may."""
    if place not in schema.schemas or place == PUBLIC:
        return True
    return bool(schema.schema_grants.get(place, set()) & {role, _EVERYBODY})


def _needs(inspected: Inspected) -> Iterator[tuple[Relation, str]]:
    for scope in inspected.scopes:
        for relation in scope.relations:
            if relation.table is None or relation.name == "excluded":
                continue
            if relation is not scope.target:
                yield relation, "select"
            else:
                yield from ((relation, each) for each in _writes(scope))
                if _reads_target(scope, inspected.schema):
                    yield relation, "select"
            if _locks(scope, relation):
                yield relation, "update"
    for node in inspected.truncated:
        yield Relation(node.relname, node, qualified(node)), "truncate"


def _writes(scope: Scope) -> Iterator[str]:
    node = scope.node
    if isinstance(node, pb.MergeStmt):
        clauses = (each.merge_when_clause for each in node.merge_when_clauses)
        for clause in clauses:
            if clause.command_type in _ACTIONS:
                yield _ACTIONS[clause.command_type]
        return
    yield _WRITES[type(node)]
    if _conflict(node).action == pb.ONCONFLICT_UPDATE:
        yield "update"


def _reads_target(scope: Scope, schema: Schema) -> bool:
    """Tell whether a statement surely reads a column of the table that it changes."""
    if _conflict(scope.node).infer.index_elems:
        return True
    return any(
        len(ref.fields) == 1
        if is_star(ref)
        else owner(scope, ref, schema) is scope.target
        for ref in references(scope.node)
    )


def _conflict(node: Any) -> Any:
    return getattr(node, "on_conflict_clause", pb.OnConflictClause())


def _locks(scope: Scope, relation: Relation) -> bool:
    """Tell whether FOR UPDATE, or one like it, locks a relation's rows."""
    clauses = [each for each in level(scope.node) if isinstance(each, pb.LockingClause)]
    return any(
        not clause.locked_rels
        or relation.name in {each.range_var.relname for each in clause.locked_rels}
        for clause in clauses
    )
