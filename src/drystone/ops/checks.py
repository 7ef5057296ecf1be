"""What is looked at to tell whether a set-up works: each part, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib.util import find_spec
from typing import Any

from psycopg import Connection

from drystone.database.sqlstates import translated
from drystone.database.transport import transport_problems
from drystone.errors import DrystoneError, RedisUnavailable
from drystone.migrations.files import Migration
from drystone.migrations.history import Entry, State, read_history
from drystone.migrations.repeatables import read_states

OLDEST_SERVER = 160000

# What the extensions' own types and indexes depend on; others just miss an update.
_VITAL = ("age", "vector")

_SERVER = """
SELECT
    pg_catalog.current_setting('server_version'),
    pg_catalog.current_setting('server_version_num')::integer,
    pg_catalog.current_database()::text,
    pg_catalog.pg_is_in_recovery(),
    extract(
        epoch FROM pg_catalog.statement_timestamp()
            - pg_catalog.pg_postmaster_start_time()
    )::double precision
"""

_EXTENSIONS = """
SELECT
    extension.extname::text,
    extension.extversion,
    available.default_version
FROM pg_catalog.pg_extension AS extension
LEFT JOIN pg_catalog.pg_available_extensions AS available
    ON available.name = extension.extname
ORDER BY extension.extname
"""


class Verdict(StrEnum):
    """How a part is."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    NOT_CONFIGURED = "not configured"


@dataclass(frozen=True, slots=True)
class Check:
    """One part that was looked at: how it is, why, and what to do next.

    ``required`` tells whether a service is not ready without it.
    """

    name: str
    verdict: Verdict
    reason: str
    next: str | None = None
    required: bool = True

    @property
    def blocks(self) -> bool:
        """Whether a service is not ready because of this."""
        return self.required and self.verdict is Verdict.FAILED

    def as_document(self) -> dict[str, Any]:
        """Return it as JSON shows it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL server, and for how many seconds it has run."""

    version: str
    number: int
    database: str
    is_replica: bool
    uptime_s: float


def failed(name: str, error: DrystoneError, *, required: bool = True) -> Check:
    """Return the check that ended with an error."""
    return Check(name, Verdict.FAILED, error.message, error.hint, required)


def read_server(connection: Connection[Any]) -> Server:
    """Ask a server what it is."""
    with translated():
        row = connection.execute(_SERVER).fetchone()
    assert row is not None  # noqa: S101 -- it is one row
    return Server(*row)


def check_server(server: Server) -> Check:
    """Tell whether the server is one that Drystone runs on."""
    kind = "replica" if server.is_replica else "primary"
    told = f"PostgreSQL {server.version}, database {server.database}, {kind}"
    if server.number < OLDEST_SERVER:
        return Check(
            "database",
            Verdict.FAILED,
            f"{told}; 16 is the oldest that will do",
            "Upgrade the server.",
        )
    return Check("database", Verdict.OK, told)


def check_transport(conninfo: str) -> Check:
    """Tell whether anybody between here and the server may listen, or pose as it."""
    problems = [each.partition("; ") for each in transport_problems(conninfo)]
    if problems:
        return Check(
            "transport",
            Verdict.WARNING,
            "; ".join(what for what, _, _ in problems),
            f"{problems[0][2].capitalize()}.",
        )
    return Check("transport", Verdict.OK, "verified TLS, or on this machine")


def read_extensions(connection: Connection[Any]) -> dict[str, tuple[str, str | None]]:
    """Return each extension's version in the catalog and of the server's files."""
    with translated():
        rows = connection.execute(_EXTENSIONS).fetchall()
    return {name: (installed, default) for name, installed, default in rows}


def check_extensions(extensions: Mapping[str, tuple[str, str | None]]) -> list[Check]:
    """Compare library and catalog of each extension.

    With a newer library of AGE on an old catalog, writes succeed and reads fail.
    """
    checks = []
    for name, (installed, default) in extensions.items():
        vital = name in _VITAL
        if installed == default:
            if vital:
                told = f"{installed}, in the catalog and on the server"
                checks.append(Check(f"extension {name}", Verdict.OK, told))
            continue
        if default is None:
            reason = f"the catalog has {installed}, the server has no files of it"
            todo = f"Install the server's package of {name} {installed}."
        else:
            reason = f"the catalog has {installed}, the server's files are of {default}"
            todo = f"ALTER EXTENSION {name} UPDATE; then reconnect every session."
        verdict = Verdict.FAILED if vital else Verdict.WARNING
        checks.append(Check(f"extension {name}", verdict, reason, todo, vital))
    return checks


def read_entries(
    connection: Connection[Any],
    migrations: Sequence[Migration],
    repeatables: Sequence[Migration],
) -> list[Entry]:
    """Compare files and ledger, as ``drystone status`` does."""
    with translated():
        return [
            *read_history(connection, migrations),
            *read_states(connection, repeatables),
        ]


def pending(entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries that the database lacks.

    A repeatable file that differs from what ran last is not among them: during a
    deployment that is so of the older service too, and it goes on working.
    """
    return [
        entry
        for entry in entries
        if entry.state in (State.PENDING, State.LATE) and entry.applied_at is None
    ]


def check_migrations(entries: Sequence[Entry]) -> Check:
    """Tell whether the database holds what this code was written for.

    A migration without a file here is one of newer code, which expands and contracts;
    so that alone stops nobody.
    """
    lacking = pending(entries)
    wrong = [e for e in entries if e.state in (State.EDITED, State.RENAMED)]
    newer = [e for e in entries if e.state is State.MISSING]
    stale = [e for e in entries if e.state is State.PENDING and e.applied_at]
    if wrong:
        return Check(
            "migrations",
            Verdict.FAILED,
            f"{_some(wrong)} edited or renamed after being applied",
            "drystone status shows which; restore the file, or: drystone repair ID",
        )
    if lacking:
        return Check(
            "migrations",
            Verdict.FAILED,
            f"{_some(lacking)} not applied",
            "drystone migrate",
        )
    if newer or stale:
        return Check(
            "migrations",
            Verdict.WARNING,
            f"the database is not of these files: {_some([*newer, *stale])}",
            "Deploy the code that brought them, or: drystone migrate",
            required=False,
        )
    return Check("migrations", Verdict.OK, f"{len(entries)} applied, none pending")


def check_redis(url: str | None, *, timeout: float) -> Check:
    """Ask Redis for its health. While it is away, everything is slower, not wrong."""
    if url is None:
        return Check(
            "redis",
            Verdict.NOT_CONFIGURED,
            "no REDIS_URL is set",
            required=False,
        )
    if find_spec("redis") is None:
        return Check(
            "redis",
            Verdict.FAILED,
            "the Python package redis is not installed",
            "pip install 'drystone[redis]'",
            required=False,
        )
    from drystone.redis.links import open_link

    try:
        with open_link(url, timeout=timeout) as link:
            link.ask(("PING",))
    except RedisUnavailable as error:
        return failed("redis", error, required=False)
    return Check("redis", Verdict.OK, "it answers", required=False)


def _some(entries: Sequence[Entry]) -> str:
    """Name the first of them, and how many there are."""
    if len(entries) == 1:
        return f"{entries[0].id} is"
    return f"{entries[0].id} and {len(entries) - 1} more are"
