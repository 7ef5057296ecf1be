"""Indexes and partitions that come and go while clients wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from drystone.migrations.statements import Statement
from drystone.review.lint.findings import Finding, Rule, Severity
from drystone.review.lint.hazards.look import Look
from drystone.review.lint.locking import concurrently
from drystone.review.lint.schema import names
from drystone.review.lint.schema.alterations import commands, definition
from drystone.review.lint.schema.names import pb
from drystone.review.lint.schema.replay import dropped

INDEX_BLOCKS = Rule(
    "index-blocks-writes",
    Severity.ERROR,
    "CREATE INDEX without CONCURRENTLY holds up every writer until it is built.",
    "CREATE INDEX CONCURRENTLY i ON t (…); alone in its file.",
    ("squawk:require-concurrent-index-creation", "eugene:E6"),
)
DROP_BLOCKS = Rule(
    "index-drop-blocks",
    Severity.WARNING,
    "DROP INDEX without CONCURRENTLY holds up everybody who uses the table.",
    "DROP INDEX CONCURRENTLY i; alone in its file.",
    ("squawk:require-concurrent-index-deletion",),
)
REINDEX_BLOCKS = Rule(
    "reindex-blocks",
    Severity.ERROR,
    "REINDEX without CONCURRENTLY holds up writers, and readers that need the index.",
    "REINDEX INDEX CONCURRENTLY i; alone in its file.",
    ("squawk:require-concurrent-reindex",),
)
DETACH_BLOCKS = Rule(
    "detach-blocks",
    Severity.WARNING,
    "DETACH PARTITION without CONCURRENTLY holds up everybody who uses the table.",
    "ALTER TABLE t DETACH PARTITION p CONCURRENTLY; alone in its file.",
    ("squawk:require-concurrent-partition-detach",),
)
NOT_ALONE = Rule(
    "concurrently-not-alone",
    Severity.WARNING,
    "A statement with CONCURRENTLY takes its file out of the transaction.",
    "Give it a file of its own; then the rest is applied wholly or not at all.",
    ("squawk:ban-concurrent-index-creation-in-transaction",),
)
LEFTOVER = Rule(
    "concurrently-if-not-exists",
    Severity.NOTICE,
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS accepts the invalid rest of a failed "
    "attempt.",
    "Leave IF NOT EXISTS out: drystone migrate clears such a rest away by itself; "
    "elsewhere, DROP INDEX CONCURRENTLY IF EXISTS i; first.",
)
ON_PARTITIONED = Rule(
    "concurrently-on-partitioned",
    Severity.ERROR,
    "PostgreSQL refuses CREATE INDEX CONCURRENTLY on a partitioned table.",
    "CREATE INDEX i ON ONLY t (…); then build it CONCURRENTLY on each partition and "
    "ALTER INDEX i ATTACH PARTITION …;",
)

RULES = (
    INDEX_BLOCKS,
    DROP_BLOCKS,
    REINDEX_BLOCKS,
    DETACH_BLOCKS,
    NOT_ALONE,
    LEFTOVER,
    ON_PARTITIONED,
)


def check(look: Look) -> Iterator[Finding]:
    """Yield what building, dropping or detaching holds up."""
    find = _CHECKS.get(look.statement.kind)
    if find is not None:
        yield from find(look, look.statement.node)


def check_company(look: Look, statements: Sequence[Statement]) -> Iterator[Finding]:
    """Yield that a statement which runs outside of transactions is not alone."""
    others = [each for each in statements if each.kind != "variable_set_stmt"]
    if not look.statement.transactional and len(others) > 1:
        yield look.find(
            NOT_ALONE,
            "the file does not run in one transaction: if this fails, the statements "
            "before it stay applied",
        )


def _created(look: Look, node: Any) -> Iterator[Finding]:
    name = names.qualified(node.relation)
    kind = look.table(name).kind
    index = node.idxname or "the index"
    if node.concurrent and kind == "partitioned":
        yield look.find(
            ON_PARTITIONED,
            f"{name} is partitioned: {index} cannot be built CONCURRENTLY",
            table=name,
        )
    elif node.concurrent and node.if_not_exists:
        yield look.find(
            LEFTOVER,
            f"if an attempt to build {index} failed, its invalid rest stays on {name}",
            table=name,
        )
    only = kind == "partitioned" and not node.relation.inh
    if look.lives(name) and not node.concurrent and not only:
        yield look.find(
            INDEX_BLOCKS, f"writers of {name} wait while {index} is built", table=name
        )


def _dropped(look: Look, node: Any) -> Iterator[Finding]:
    if node.remove_type != pb.OBJECT_INDEX or node.concurrent:
        return
    for name in dropped(node):
        index = look.schema.index(name)
        table = index.table if index else None
        if table is None or look.lives(table):
            yield look.find(
                DROP_BLOCKS,
                f"readers and writers of {table or 'its table'} wait until {name} "
                "is dropped",
                table=table,
            )


def _reindexed(look: Look, node: Any) -> Iterator[Finding]:
    if concurrently(node):
        return
    name = names.qualified(node.relation) if node.HasField("relation") else node.name
    owner = look.schema.owner(name)
    table = owner.name if owner else name
    if look.lives(table):
        yield look.find(
            REINDEX_BLOCKS,
            f"writers of {table}, and readers that need the index, wait while it is "
            "built again",
            table=table,
        )


def _altered(look: Look, node: Any) -> Iterator[Finding]:
    name = names.qualified(node.relation)
    for command in commands(node):
        part = definition(command)
        if command.subtype != pb.AT_DetachPartition or part.concurrent:
            continue
        if look.lives(name):
            yield look.find(
                DETACH_BLOCKS,
                f"readers and writers of {name} wait until "
                f"{names.qualified(part.name)} is detached",
                table=name,
            )


_CHECKS: dict[str, Callable[[Look, Any], Iterator[Finding]]] = {
    "alter_table_stmt": _altered,
    "drop_stmt": _dropped,
    "index_stmt": _created,
    "reindex_stmt": _reindexed,
}
