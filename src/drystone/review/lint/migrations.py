"""Migrations as lint sees them: each statement beside the schema that it finds."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from drystone.migrations.files import Migration, SqlFile
from drystone.review.lint import reading
from drystone.review.lint.findings import Finding, Rule
from drystone.review.lint.hazards import (
    breaking,
    columns,
    constraints,
    indexes,
    maintenance,
    transactions,
    types,
)
from drystone.review.lint.hazards.look import Check, Look
from drystone.review.lint.hazards.transactions import Transaction
from drystone.review.lint.schema.model import Constraint, Schema, Table
from drystone.review.lint.schema.replay import replay

RULES: tuple[Rule, ...] = (
    *reading.RULES,
    *breaking.RULES,
    *columns.RULES,
    *constraints.RULES,
    *indexes.RULES,
    *maintenance.RULES,
    *transactions.RULES,
    *types.RULES,
)

# A rollback undoes what clients could rely on; how long they wait counts all the same.
_LOCKING: tuple[Check, ...] = (
    columns.check,
    constraints.check,
    indexes.check,
    maintenance.check,
)
_ALL: tuple[Check, ...] = (
    *_LOCKING,
    breaking.check,
    columns.check_clients,
    types.check,
)

_MAKING = {"create_stmt", "create_table_as_stmt", "create_schema_stmt"}


@dataclass(frozen=True, slots=True)
class LintedMigrations:
    """What was found, file by file, and the schema that the migrations make."""

    findings: list[Finding]
    schema: Schema


def lint_migrations(
    migrations: Sequence[Migration], *, release: Collection[str]
) -> LintedMigrations:
    """Look at every migration, in order, and at its rollback.

    ``release`` are the ids that go out together; any other migration is a release of
    its own. What a release makes is not used by anybody while it is applied.
    """
    linter = _Linter(frozenset(release))
    for migration in migrations:
        linter.lint(migration)
    linter.finish()
    return LintedMigrations(linter.findings, linter.schema)


@dataclass(slots=True)
class _Linter:
    release: frozenset[str]
    schema: Schema = field(default_factory=Schema)
    findings: list[Finding] = field(default_factory=list)
    keys: list[tuple[Look, Table, Constraint]] = field(default_factory=list)

    def lint(self, migration: Migration) -> None:
        together = migration.id in self.release
        fresh = self.release if together else frozenset({migration.id})
        for look in self._looks(migration.up, fresh, self.schema, _ALL):
            self._apply(look, migration.id)
        if migration.down is not None:
            self._undo(migration.down, fresh, migration.id)

    def finish(self) -> None:
        """Look at the foreign keys that are left, beside the indexes of all files."""
        for look, table, key in self.keys:
            left = self.schema.tables.get(table.name) is table
            if left and table.constraints.get(key.name) is key:
                self.findings += constraints.unindexed(look, table, key)

    def _apply(self, look: Look, migration: str) -> None:
        name = constraints.constrained(look.statement)
        before = constraints.foreign_keys(self.schema.tables.get(name))
        replay(self.schema, look.statement, migration)
        table = self.schema.tables.get(name)
        if table is not None:
            self.keys += [
                (look, table, key)
                for key in constraints.foreign_keys(table)
                if not any(key is each for each in before)
            ]

    def _undo(self, file: SqlFile, fresh: frozenset[str], migration: str) -> None:
        statements, _ = reading.read(file)
        makes = any(each.kind in _MAKING for each in statements)
        # Only then does it matter what the rollback itself makes of the schema.
        schema = deepcopy(self.schema) if makes else self.schema
        for look in self._looks(file, fresh, schema, _LOCKING):
            if makes:
                replay(schema, look.statement, migration)

    def _looks(
        self,
        file: SqlFile,
        fresh: frozenset[str],
        schema: Schema,
        checks: Sequence[Check],
    ) -> Iterator[Look]:
        """Yield each statement of a file after it was checked, to be applied."""
        statements, unread = reading.read(file)
        directives, unclear = reading.directives(file)
        self.findings += unread + unclear
        transaction = Transaction(
            directives.get("transactional", "true").lower() != "false"
            and all(each.transactional for each in statements)
        )
        for look in (
            Look(each, schema, file.path, fresh, batched="batch" in directives)
            for each in statements
        ):
            for check in checks:
                self.findings += check(look)
            self.findings += transaction.check(look)
            self.findings += indexes.check_company(look, statements)
            yield look
