"""What is wrong with a set-up, and what to do next: each part looked at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from psycopg import Connection

from drystone.credentials import current
from drystone.database.session import connect
from drystone.database.sqlstates import translated
from drystone.errors import DrystoneError, RedisUnavailable
from drystone.migrations.files import Migration
from drystone.ops.checks import (
    Check,
    Verdict,
    check_extensions,
    check_migrations,
    check_redis,
    check_server,
    check_transport,
    failed,
    read_entries,
    read_extensions,
    read_server,
)
from drystone.settings import Settings

# Beyond this, what two machines write cannot be put in an order.
_CLOCK_SKEW_S = 2.0
_LONG_TRANSACTION_S = 300.0
# Autovacuum forces itself at 200 million; at 2.1 billion the server refuses writes.
_OLD_XID = 1_000_000_000

_INVALID_INDEXES = """
SELECT index.indexrelid::regclass::text
FROM pg_catalog.pg_index AS index
WHERE
    NOT index.indisvalid
    AND NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_stat_progress_create_index AS building
        WHERE building.index_relid = index.indexrelid
    )
ORDER BY 1
"""

_ROLE = """
SELECT
    role.rolname::text,
    role.rolsuper,
    pg_catalog.pg_has_role('pg_monitor', 'USAGE'),
    role.rolconnlimit,
    database.datconnlimit,
    pg_catalog.current_setting('max_connections')::integer
        - pg_catalog.current_setting('superuser_reserved_connections')::integer,
    (
        SELECT count(*)
        FROM pg_catalog.pg_stat_activity AS session
        WHERE
            session.usesysid IS NOT NULL
            AND session.pid <> pg_catalog.pg_backend_pid()
    )
FROM pg_catalog.pg_roles AS role
CROSS JOIN pg_catalog.pg_database AS database
WHERE
    role.rolname = current_user
    AND database.datname = pg_catalog.current_database()
"""

_SAFETY = """
SELECT
    pg_catalog.current_setting('fsync') = 'on',
    pg_catalog.current_setting('full_page_writes') = 'on',
    pg_catalog.age(database.datfrozenxid),
    coalesce(
        (
            SELECT
                extract(
                    epoch FROM pg_catalog.clock_timestamp() - min(session.xact_start)
                )
            FROM pg_catalog.pg_stat_activity AS session
            WHERE
                session.datid = database.oid
                AND session.backend_type = 'client backend'
        ),
        0
    )::double precision
FROM pg_catalog.pg_database AS database
WHERE database.datname = pg_catalog.current_database()
"""

_CLOCK = "SELECT extract(epoch FROM pg_catalog.clock_timestamp())::double precision"


def diagnose(
    conninfo: str,
    settings: Settings,
    *,
    migrations: Sequence[Migration] = (),
    repeatables: Sequence[Migration] = (),
) -> list[Check]:
    """Look at a database and at Redis; changes nothing.

    Raises DatabaseUnavailable where there is no database to look at. What cannot be
    looked at is told as a check of its own.
    """
    checks: list[Check] = []
    # Without what every session prepares, so that its failure can be told as such.
    with (
        translated(),
        Connection.connect(
            current(conninfo), connect_timeout=settings.connect_timeout, autocommit=True
        ) as connection,
    ):
        server = read_server(connection)
        checks.append(check_server(server))
        checks.append(check_transport(current(conninfo)))
        looks: tuple[tuple[str, Callable[[], Iterable[Check]]], ...] = (
            ("sessions", lambda: [_check_sessions(conninfo, settings)]),
            ("extensions", lambda: check_extensions(read_extensions(connection))),
            (
                "migrations",
                lambda: [
                    check_migrations(read_entries(connection, migrations, repeatables))
                ],
            ),
            ("indexes", lambda: [_check_indexes(connection)]),
            ("role", lambda: _check_role(connection, settings)),
            ("server", lambda: _check_safety(connection)),
            ("clock", lambda: [_check_clock(connection)]),
        )
        for name, look in looks:
            try:
                with translated():
                    checks += look()
            except DrystoneError as error:
                checks.append(failed(name, error))
    checks += _check_redis(settings)
    return checks


def _check_sessions(conninfo: str, settings: Settings) -> Check:
    """Open a session as services do, with AGE and vectors."""
    connect(conninfo, settings).close()
    return Check("sessions", Verdict.OK, "they open as a service's do")


def _check_indexes(connection: Connection[Any]) -> Check:
    names = [name for (name,) in connection.execute(_INVALID_INDEXES)]
    if names:
        return Check(
            "indexes",
            Verdict.FAILED,
            f"no query can use {', '.join(names)}: building it has failed",
            f"REINDEX INDEX CONCURRENTLY {names[0]}; or DROP INDEX it.",
        )
    return Check("indexes", Verdict.OK, "all are valid")


def _check_role(connection: Connection[Any], settings: Settings) -> Iterator[Check]:
    row = connection.execute(_ROLE).fetchone()
    assert row is not None  # noqa: S101 -- one's own role, one's own database
    role, is_super, monitors, role_limit, database_limit, most, others = row
    if is_super:
        yield Check(
            "role",
            Verdict.WARNING,
            f"{role} is a superuser: no privilege and no policy holds it back",
            "Let services log in as a role with the privileges that they need.",
        )
    elif not monitors:
        yield Check(
            "role",
            Verdict.WARNING,
            f"{role} does not see what other roles' sessions do",
            f"For whole metrics: GRANT pg_monitor TO {role};",
        )
    else:
        yield Check("role", Verdict.OK, f"{role}, with pg_monitor")
    limits = [limit for limit in (role_limit, database_limit) if limit >= 0]
    allowed = min([most, *limits])
    told = f"a pool may open {settings.pool_max_size}, {allowed} are allowed in all"
    if settings.pool_max_size > allowed:
        yield Check(
            "connections",
            Verdict.FAILED,
            told,
            "Lower pool_max_size, or raise max_connections or the role's limit.",
        )
    elif settings.pool_max_size > allowed - others:
        yield Check(
            "connections",
            Verdict.WARNING,
            f"{told}, and {others} are in use now",
            "Lower pool_max_size, or let services share PgBouncer.",
        )
    else:
        yield Check("connections", Verdict.OK, f"{told}; {others} are in use now")


def _check_safety(connection: Connection[Any]) -> Iterator[Check]:
    row = connection.execute(_SAFETY).fetchone()
    assert row is not None  # noqa: S101
    fsync, pages, xid_age, oldest = row
    off = [
        name for name, on in (("fsync", fsync), ("full_page_writes", pages)) if not on
    ]
    if off:
        yield Check(
            "durability",
            Verdict.WARNING,
            f"{' and '.join(off)} off: a crash may destroy the database",
            f"ALTER SYSTEM SET {off[0]} = on; unless its data can be made again.",
        )
    else:
        yield Check("durability", Verdict.OK, "what is committed survives a crash")
    if xid_age > _OLD_XID:
        yield Check(
            "vacuum",
            Verdict.FAILED,
            f"the oldest transaction id is {xid_age:,} behind; at 2.1 billion writes"
            " are refused",
            "End old transactions and replication slots, then VACUUM FREEZE.",
        )
    if oldest > _LONG_TRANSACTION_S:
        yield Check(
            "transactions",
            Verdict.WARNING,
            f"one has been open for {oldest / 60:.0f} min: vacuum cannot clean up",
            "Find it in pg_stat_activity by xact_start; pg_terminate_backend ends it.",
        )


def _check_clock(connection: Connection[Any]) -> Check:
    """Compare the clocks; half of the way is taken for the answer's."""
    sent = time.time()
    row = connection.execute(_CLOCK).fetchone()
    answered = time.time()
    assert row is not None  # noqa: S101
    skew = row[0] - (sent + answered) / 2
    if abs(skew) > _CLOCK_SKEW_S + (answered - sent):
        ahead = "ahead of" if skew > 0 else "behind"
        return Check(
            "clock",
            Verdict.WARNING,
            f"the server's is {abs(skew):.0f} s {ahead} this machine's",
            "Have both follow NTP.",
        )
    return Check("clock", Verdict.OK, "the server's and this machine's agree")


def _check_redis(settings: Settings) -> Iterator[Check]:
    url = settings.redis()
    check = check_redis(url, timeout=settings.redis_timeout)
    yield check
    if url is None or check.verdict is not Verdict.OK:
        return
    from drystone.redis.links import open_link

    try:
        with open_link(url, timeout=settings.redis_timeout) as link:
            (memory,) = link.ask(("INFO", "memory")).values
    except RedisUnavailable as error:
        yield failed("redis memory", error, required=False)
        return
    facts = _facts(memory)
    policy = facts.get("maxmemory_policy", "noeviction")
    if policy != "noeviction" and facts.get("maxmemory") != "0":
        yield Check(
            "redis memory",
            Verdict.WARNING,
            f"with maxmemory-policy {policy}, Redis may forget jobs that wait",
            "CONFIG SET maxmemory-policy noeviction",
            required=False,
        )


def _facts(answer: Any) -> Mapping[str, str]:
    text = answer.decode() if isinstance(answer, bytes) else str(answer)
    pairs = (line.partition(":") for line in text.splitlines())
    return {name: value for name, _, value in pairs}
