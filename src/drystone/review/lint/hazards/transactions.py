"""What goes wrong between the statements of a file: locks held for too long."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from drystone.review.lint.findings import Finding, Rule, Severity
from drystone.review.lint.hazards.effects import (
    Effect,
    Work,
    changes_rows,
    effects,
)
from drystone.review.lint.hazards.look import Look, waiting
from drystone.review.lint.schema import names
from drystone.review.lint.schema.alterations import commands
from drystone.review.lint.schema.names import pb
from drystone.review.locks import LockMode

CONTROL = Rule(
    "transaction-control",
    Severity.ERROR,
    "A migration runs inside the runner's own transaction and cannot begin or end one.",
    "Remove BEGIN and COMMIT; split the file where two transactions are wanted.",
    ("squawk:transaction-nesting", "squawk:ban-uncommitted-transaction"),
)
HELD = Rule(
    "work-under-lock",
    Severity.WARNING,
    "The file goes on while an earlier statement's lock makes clients wait.",
    "Put the statement into a migration of its own, or before the one that locks.",
    ("eugene:E4",),
)
REWRITE_HELD = Rule(
    "rewrite-under-lock",
    Severity.ERROR,
    "A table is rewritten while an earlier statement's lock makes clients wait.",
    "Put the statement that rewrites into a migration of its own.",
    ("eugene:E10",),
)
NO_LOCK_TIMEOUT = Rule(
    "no-lock-timeout",
    Severity.ERROR,
    "Without lock_timeout, a statement that waits for its lock holds up all clients "
    "that come after it.",
    "Leave lock_timeout to drystone migrate, which sets it and tries again; in a file "
    "that runs outside of a transaction: SET lock_timeout = '2s';",
    ("squawk:require-lock-timeout", "eugene:E9"),
)
NO_STATEMENT_TIMEOUT = Rule(
    "no-statement-timeout",
    Severity.NOTICE,
    "Nothing ends a statement that holds clients up for longer than expected.",
    "SET LOCAL statement_timeout = '30s'; at the head of the file.",
    ("squawk:require-statement-timeout",),
)
APART = Rule(
    "alter-tables-apart",
    Severity.NOTICE,
    "Several ALTER TABLEs of one table do what one would do with one pass over it.",
    "ALTER TABLE t ADD COLUMN …, ALTER COLUMN …; as one statement.",
    ("eugene:W12",),
)
VALIDATED_AT_ONCE = Rule(
    "validated-at-once",
    Severity.ERROR,
    "VALIDATE in the transaction that added the constraint scans under its lock.",
    "Put VALIDATE CONSTRAINT into the next migration.",
    ("squawk:constraint-missing-not-valid",),
)
ENUM_VALUE_USED = Rule(
    "enum-value-used-at-once",
    Severity.ERROR,
    "PostgreSQL refuses a new value of an enum until the transaction that added it has "
    "ended.",
    "Put the statements that use it into the next migration.",
)

RULES = (
    CONTROL,
    HELD,
    REWRITE_HELD,
    NO_LOCK_TIMEOUT,
    NO_STATEMENT_TIMEOUT,
    APART,
    VALIDATED_AT_ONCE,
    ENUM_VALUE_USED,
)

_APART = {pb.AT_ValidateConstraint, pb.AT_AttachPartition, pb.AT_DetachPartition}
_DOING = {
    Work.READ: "rows of {} are read",
    Work.CHANGE: "rows of {} are changed",
    Work.SCAN: "rows of {} are scanned",
    Work.BUILD: "an index of {} is built",
}
_SLOW = {Work.SCAN, Work.BUILD, Work.REWRITE}
_HARMLESS = {"alter_table_stmt", "comment_stmt", "variable_set_stmt"}


class Held(NamedTuple):
    """A lock that clients wait for, and the line of the statement that took it."""

    table: str
    mode: LockMode
    line: int


@dataclass(slots=True)
class Transaction:
    """What the statements of a file have left behind so far."""

    transactional: bool
    held: list[Held] = field(default_factory=list)
    altered: set[str] = field(default_factory=set)
    labels: set[str] = field(default_factory=set)
    lock_timeout: bool | None = None
    statement_timeout: bool = False
    said: set[Rule] = field(default_factory=set)

    def check(self, look: Look) -> Iterator[Finding]:
        """Yield what goes wrong at a statement because of those before it."""
        kind = look.statement.kind
        if kind == "transaction_stmt":
            yield from self._controlled(look)
        elif kind in ("variable_set_stmt", "discard_stmt"):
            self._set(look.statement.node)
        else:
            found = [each for each in effects(look) if look.lives(each.table)]
            yield from self._apart(look)
            yield from self._labelled(look)
            yield from self._held(look, found)
            yield from self._timeouts(look, found)
            self._hold(look, found)

    def _once(self, finding: Finding) -> Iterator[Finding]:
        if finding.rule not in self.said:
            self.said.add(finding.rule)
            yield finding

    def _controlled(self, look: Look) -> Iterator[Finding]:
        if look.statement.node.kind in (pb.TRANS_STMT_COMMIT, pb.TRANS_STMT_ROLLBACK):
            self.held.clear()
        yield look.find(
            CONTROL,
            "drystone migrate refuses a file that begins or ends a transaction: it "
            "brings its own",
        )

    def _set(self, node: Any) -> None:
        name = getattr(node, "name", "")
        kind = getattr(node, "kind", pb.VAR_RESET_ALL)
        if name == "lock_timeout" or kind == pb.VAR_RESET_ALL:
            self.lock_timeout = kind == pb.VAR_SET_VALUE and not _is_zero(node)
        elif name == "statement_timeout":
            self.statement_timeout = kind == pb.VAR_SET_VALUE and not _is_zero(node)

    def _hold(self, look: Look, found: list[Effect]) -> None:
        if self.transactional:
            self.held += [
                Held(each.table, each.mode, look.statement.line)
                for each in found
                if each.mode.dangerous
            ]

    def _held(self, look: Look, found: list[Effect]) -> Iterator[Finding]:
        if not self.held:
            return
        held = max(self.held, key=lambda each: each.mode.rank)
        while_held = (
            f"while {waiting(held.mode)} of {held.table} wait for the {held.mode} lock "
            f"of line {held.line}"
        )
        for each in found:
            if each.work is Work.REWRITE:
                message = f"{each.table} is rewritten {while_held}"
                yield look.find(REWRITE_HELD, message, table=held.table)
                return
        if _validates(look):
            yield from self._validated(look, found)
            return
        busy = next((each for each in found if each.work), None)
        if busy is not None and busy.work is not None:
            message = f"{_DOING[busy.work].format(busy.table)} {while_held}"
            yield from self._once(look.find(HELD, message, table=held.table))
        elif look.statement.kind == "do_stmt" and _do_changes(look):
            message = f"the block changes rows {while_held}"
            yield from self._once(look.find(HELD, message, table=held.table))
        else:
            yield from self._queued(look, found, while_held, held.table)

    def _queued(
        self, look: Look, found: list[Effect], while_held: str, table: str
    ) -> Iterator[Finding]:
        locked = {each.table for each in self.held}
        for each in found:
            if each.mode.dangerous and each.table not in locked:
                message = f"the lock of {each.table} is waited for, {while_held}"
                yield from self._once(
                    look.find(HELD, message, table=table, severity=Severity.NOTICE)
                )

    def _validated(self, look: Look, found: list[Effect]) -> Iterator[Finding]:
        for each in found:
            held = next((h for h in self.held if h.table == each.table), None)
            if held is not None and each.work:
                yield look.find(
                    VALIDATED_AT_ONCE,
                    f"{waiting(held.mode)} of {each.table} wait while its rows are "
                    f"scanned: line {held.line} holds its {held.mode} lock",
                    table=each.table,
                )
                return

    def _timeouts(self, look: Look, found: list[Effect]) -> Iterator[Finding]:
        dangerous = [each for each in found if each.mode.dangerous]
        if dangerous and self._waits_for_ever(look):
            name, mode = dangerous[0].table, dangerous[0].mode
            yield from self._once(
                look.find(
                    NO_LOCK_TIMEOUT,
                    f"{waiting(mode)} of {name} queue up behind this statement for as "
                    "long as it waits for its lock",
                    table=name,
                )
            )
        slow = [each for each in dangerous if each.work in _SLOW]
        if slow and not self.statement_timeout:
            name, mode = slow[0].table, slow[0].mode
            yield from self._once(
                look.find(
                    NO_STATEMENT_TIMEOUT,
                    f"{waiting(mode)} of {name} wait however long this takes",
                    table=name,
                )
            )

    def _waits_for_ever(self, look: Look) -> bool:
        detaches = look.statement.kind == "alter_table_stmt"  # CONCURRENTLY: it waits
        if self.transactional or (detaches and not look.statement.transactional):
            return self.lock_timeout is False
        return not self.lock_timeout

    def _apart(self, look: Look) -> Iterator[Finding]:
        if look.statement.kind not in _HARMLESS:
            self.altered.clear()
        if look.statement.kind != "alter_table_stmt":
            return
        name = names.qualified(look.statement.node.relation)
        kinds = {each.subtype for each in commands(look.statement.node)}
        if not look.lives(name) or kinds & _APART:
            return
        if name in self.altered:
            message = f"{name} is altered again, where one ALTER TABLE would do"
            yield from self._once(look.find(APART, message, table=name))
        self.altered.add(name)

    def _labelled(self, look: Look) -> Iterator[Finding]:
        node = look.statement.node
        if look.statement.kind == "alter_enum_stmt":
            name = names.dotted(names.parts(node.type_name))
            if look.schema.types.get(name) not in look.fresh and not node.old_val:
                self.labels.add(node.new_val)
            return
        if not self.transactional:
            return
        used = [label for label in self.labels if f"'{label}'" in look.statement.text]
        if used and look.statement.kind != "comment_stmt":
            yield from self._once(
                look.find(
                    ENUM_VALUE_USED,
                    f"'{used[0]}' was added in this transaction and cannot be used in "
                    "it yet",
                )
            )


def _validates(look: Look) -> bool:
    return look.statement.kind == "alter_table_stmt" and any(
        each.subtype == pb.AT_ValidateConstraint
        for each in commands(look.statement.node)
    )


def _do_changes(look: Look) -> bool:
    return changes_rows(look.statement.text)


def _is_zero(node: Any) -> bool:
    value = node.args[0].a_const
    text = value.sval.sval if value.HasField("sval") else str(value.ival.ival)
    return not text.strip("0 msind")
