"""One statement, and what a rule may know when it looks at it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from drystone.errors import Location
from drystone.migrations.statements import Statement
from drystone.review.lint.findings import Finding, Rule, Severity
from drystone.review.lint.schema.model import Schema, Table
from drystone.review.locks import LockMode


@dataclass(frozen=True, slots=True)
class Look:
    """A statement in its file, with the schema before it.

    ``fresh`` are the migrations that go out together with it: what they made, nobody
    uses yet. ``batched`` tells that the runner repeats the statement for a few rows
    each time.
    """

    statement: Statement
    schema: Schema
    file: Path
    fresh: Collection[str]
    batched: bool = False

    def lives(self, name: str) -> bool:
        """Tell whether a table was there before the release; one not known was."""
        table = self.schema.tables.get(name)
        if table is not None and table.created_in:
            return table.created_in not in self.fresh
        return self.schema.schemas.get(name.partition(".")[0]) not in self.fresh

    def table(self, name: str) -> Table:
        """Return a table; of one that no file made, the columns are not known."""
        return self.schema.tables.get(name) or Table(name, "", known=False)

    def find(
        self,
        rule: Rule,
        message: str,
        *,
        table: str | None = None,
        severity: Severity | None = None,
    ) -> Finding:
        """Return a finding at the statement."""
        place = Location(self.file, self.statement.line)
        return Finding(rule, place, severity or rule.severity, message, table)


Check = Callable[[Look], Iterator[Finding]]


def waiting(mode: LockMode) -> str:
    """Name those who wait for a lock."""
    return "readers and writers" if mode.blocks_reads else "writers"
