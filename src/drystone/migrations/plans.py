"""What a run would do, told before it does it; and plans that a DBA signs.

A plan holds the text of what is about to run, by checksum. A run that is given a plan
applies exactly that, or nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from psycopg import Connection

from drystone.database.session import connect
from drystone.database.sqlstates import translated
from drystone.errors import HistoryError, Location, MigrationError
from drystone.migrations import execution
from drystone.migrations.files import Migration
from drystone.migrations.history import State, check, read_history
from drystone.migrations.runner import choose
from drystone.migrations.statements import Statement, tables_of
from drystone.settings import Settings

_FORMAT = 1

_SIZE = """
SELECT
    greatest(c.reltuples, 0)::bigint,
    pg_catalog.pg_total_relation_size(c.oid)
FROM pg_catalog.pg_class AS c
WHERE c.oid = pg_catalog.to_regclass(%s)
    AND c.relkind IN ('r', 'p', 'm')
"""


@dataclass(frozen=True, slots=True)
class Touched:
    """A table that exists already: its rows by the statistics, its size in bytes."""

    table: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Planned:
    """One migration of a plan. ``tried`` tells whether a dry run ran it."""

    id: str
    checksum: str
    statements: int
    transactional: bool
    reversible: bool
    touches: tuple[Touched, ...]
    tried: bool


def dry_run(
    conninfo: str,
    settings: Settings,
    migrations: Sequence[Migration],
    *,
    systems: Sequence[str] = (),
    to: str | None = None,
    out_of_order: bool = False,
) -> list[Planned]:
    """Run what is pending in a transaction that is rolled back, and tell what it was.

    From the first file on that PostgreSQL cannot run in a transaction, files are only
    read. Waits for locks no longer than ``migration_lock_timeout``. Raises what a real
    run would raise.
    """
    chosen = choose(migrations, systems=systems, to=to)
    unhurried = settings.model_copy(
        update={
            "statement_timeout": 0.0,
            "session": {
                **settings.session,
                "lock_timeout": f"{settings.migration_lock_timeout}s",
            },
        }
    )
    planned: list[Planned] = []
    with translated(), connect(conninfo, unhurried) as connection:
        entries = read_history(connection, migrations)
        check(entries, out_of_order=out_of_order)
        pending = {e.id for e in entries if e.state in (State.PENDING, State.LATE)}
        with connection.transaction(force_rollback=True):
            trying = True
            for migration in chosen:
                if migration.id not in pending:
                    continue
                touches = _touched(connection, migration.up.statements)
                trying = trying and migration.up.in_one_go
                if trying:
                    execution.run(connection, migration.up)
                planned.append(_planned(migration, touches, tried=trying))
    return planned


def write_plan(path: Path, planned: Sequence[Planned]) -> str:
    """Write a plan as JSON and return its fingerprint."""
    document = {"format": _FORMAT, "migrations": [asdict(each) for each in planned]}
    document["fingerprint"] = fingerprint([(p.id, p.checksum) for p in planned])
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return str(document["fingerprint"])


def require_plan(path: Path, due: Sequence[Migration]) -> None:
    """Raise HistoryError unless what is due is exactly what the plan holds."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        expected = [(each["id"], each["checksum"]) for each in document["migrations"]]
        signed = document["fingerprint"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MigrationError(
            "this is not a plan that drystone has written",
            location=Location(path, 1),
            hint="Write one: drystone migrate --dry-run --plan FILE",
        ) from error
    actual = [(migration.id, migration.up.checksum) for migration in due]
    if signed != fingerprint(expected) or actual != expected:
        differing = sorted(set(actual) ^ set(expected)) or expected
        names = ", ".join(dict.fromkeys(name for name, _ in differing))
        raise HistoryError(
            f"what is due is not what the plan holds; they differ in {names}",
            location=Location(path, 1),
            hint="Have a new plan signed: drystone migrate --dry-run --plan FILE",
        )


def fingerprint(planned: Sequence[tuple[str, str]]) -> str:
    """Return the SHA-256 over ids and checksums in their order."""
    text = "\n".join(f"{name} {checksum}" for name, checksum in planned)
    return hashlib.sha256(text.encode()).hexdigest()


def _planned(
    migration: Migration, touches: tuple[Touched, ...], *, tried: bool
) -> Planned:
    return Planned(
        id=migration.id,
        checksum=migration.up.checksum,
        statements=len(migration.up.statements),
        transactional=migration.up.in_one_go,
        reversible=migration.down is not None,
        touches=touches,
        tried=tried,
    )


def _touched(
    connection: Connection[Any], statements: Sequence[Statement]
) -> tuple[Touched, ...]:
    names = dict.fromkeys(name for each in statements for name in tables_of(each))
    found = []
    for name in names:
        row = connection.execute(_SIZE, [name]).fetchone()
        if row is not None:
            found.append(Touched(name, *row))
    return tuple(found)
