"""Statements that work on whole tables: locks, copies, refreshes, backfills."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from drystone.review.lint.findings import Finding, Rule, Severity
from drystone.review.lint.hazards.effects import changes_rows
from drystone.review.lint.hazards.look import Look, waiting
from drystone.review.lint.locking import documented_locks
from drystone.review.lint.schema import names
from drystone.review.lint.schema.names import pb

COPIED = Rule(
    "table-repacked",
    Severity.ERROR,
    "VACUUM FULL and CLUSTER copy the table while everybody waits.",
    "Use the extension pg_repack, or pg_squeeze: they copy while clients go on.",
    ("squawk:prefer-repack",),
)
REFRESHED = Rule(
    "refresh-blocks",
    Severity.WARNING,
    "REFRESH without CONCURRENTLY holds up readers until the view is filled.",
    "Give the view a unique index, and REFRESH MATERIALIZED VIEW CONCURRENTLY v;",
)
LOCKED = Rule(
    "explicit-lock",
    Severity.WARNING,
    "LOCK TABLE holds clients up until the end of the file.",
    "Leave it out: each statement takes the lock it needs.",
)
CASCADES = Rule(
    "truncate-cascade",
    Severity.ERROR,
    "TRUNCATE … CASCADE also empties each table that refers to this one.",
    "Name the tables to empty, all of them.",
    ("squawk:ban-truncate-cascade",),
)
UNBATCHED = Rule(
    "unbatched-change",
    Severity.WARNING,
    "One statement changes many rows of a table in use: they stay locked until it "
    "ends, and their dead versions stay too.",
    "Give it a file of its own that begins with -- batch: t by id, 1000 rows and says "
    "WHERE id BETWEEN $1 AND $2.",
)
HIDDEN = Rule(
    "change-in-do-block",
    Severity.WARNING,
    "A DO block that changes rows is one transaction: it holds its locks to the end "
    "and loses all its work when it fails.",
    "Give the change a file of its own with -- batch: t by id, 1000 rows.",
)

RULES = (COPIED, REFRESHED, LOCKED, CASCADES, UNBATCHED, HIDDEN)


def check(look: Look) -> Iterator[Finding]:
    """Yield what works on a whole table that was there before."""
    find = _CHECKS.get(look.statement.kind)
    if find is not None:
        yield from find(look, look.statement.node)


def _vacuumed(look: Look, node: Any) -> Iterator[Finding]:
    if any(option.def_elem.defname == "full" for option in node.options):
        tables = [names.qualified(each.vacuum_relation.relation) for each in node.rels]
        yield from _copied(look, tables)


def _clustered(look: Look, node: Any) -> Iterator[Finding]:
    named = node.HasField("relation")
    yield from _copied(look, [names.qualified(node.relation)] if named else [])


def _copied(look: Look, tables: list[str]) -> Iterator[Finding]:
    for name in filter(look.lives, tables):
        message = f"readers and writers of {name} wait while it is copied"
        yield look.find(COPIED, message, table=name)
    if not tables:
        yield look.find(COPIED, "readers and writers of each table wait for its copy")


def _refreshed(look: Look, node: Any) -> Iterator[Finding]:
    name = names.qualified(node.relation)
    if look.lives(name) and not node.concurrent:
        message = f"readers of {name} wait until it is filled again"
        yield look.find(REFRESHED, message, table=name)


def _locked(look: Look, _node: Any) -> Iterator[Finding]:
    for name, mode in documented_locks(look.statement):
        if mode.dangerous and look.lives(name):
            message = f"{waiting(mode)} of {name} wait until the transaction ends"
            yield look.find(LOCKED, message, table=name)


def _truncated(look: Look, node: Any) -> Iterator[Finding]:
    if node.behavior != pb.DROP_CASCADE:
        return
    named = [names.qualified(each.range_var) for each in node.relations]
    emptied = [each.name for each in look.schema.referring(named)]
    for name in filter(look.lives, named):
        others = ", ".join(each for each in emptied if each not in named)
        others = others or "each table that refers to it"
        yield look.find(CASCADES, f"with {name}, {others} loses all rows", table=name)


def _changed(look: Look, node: Any) -> Iterator[Finding]:
    name = names.qualified(node.relation)
    if look.lives(name) and not look.batched and not _by_key(look, node, name):
        yield look.find(
            UNBATCHED,
            f"writers of the rows of {name} that this changes wait until it ends",
            table=name,
        )


def _by_key(look: Look, node: Any, name: str) -> bool:
    """Tell whether WHERE names a row by a key: column = constant, or a few of them."""
    condition = node.where_clause
    if not condition.HasField("a_expr"):
        return False
    comparison = condition.a_expr
    if comparison.kind not in (pb.AEXPR_OP, pb.AEXPR_IN):
        return False
    column = names.parts(comparison.lexpr.column_ref.fields)[-1:]
    keys = [
        each.columns
        for each in look.table(name).constraints.values()
        if each.kind in ("primary", "unique")
    ]
    return tuple(column) in keys and names.parts(comparison.name) == ["="]


def _done(look: Look, node: Any) -> Iterator[Finding]:
    bodies = [each.def_elem.arg.string.sval for each in node.args]
    if any(map(changes_rows, bodies)):
        yield look.find(
            HIDDEN, "the rows that the block changes stay locked to its end"
        )


_CHECKS: dict[str, Callable[[Look, Any], Iterator[Finding]]] = {
    "cluster_stmt": _clustered,
    "delete_stmt": _changed,
    "do_stmt": _done,
    "lock_stmt": _locked,
    "refresh_mat_view_stmt": _refreshed,
    "truncate_stmt": _truncated,
    "update_stmt": _changed,
    "vacuum_stmt": _vacuumed,
}
