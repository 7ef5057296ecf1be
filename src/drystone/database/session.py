"""How every session begins: limits, search path, and the extensions' types.

Settings travel as start-up options, so ``RESET ALL`` brings a session back to them.
``ag_catalog`` comes last on the search path: Cypher needs it there, and an unqualified
CREATE TABLE must never land in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg
from pgvector.psycopg import register_vector, register_vector_async
from psycopg import AsyncConnection, Connection
from psycopg.conninfo import conninfo_to_dict
from psycopg.types import TypeInfo

from drystone.credentials import current
from drystone.database.agtype import register_agtype
from drystone.database.connections import AsyncGuardedConnection, GuardedConnection
from drystone.database.sqlstates import translated
from drystone.settings import Settings

SEARCH_PATH = '"$user", public, ag_catalog'

_PROBE_SECONDS = 3
_PROBES = 3

_EXTENSIONS = """
SELECT extname
FROM pg_catalog.pg_extension
WHERE extname = 'vector'
   OR (
        extname = 'age'
        AND pg_catalog.has_schema_privilege('ag_catalog', 'USAGE')
   )
"""

# cypher() works in a session once AGE's library is loaded. LOAD is for superusers;
# calling any of the library's functions loads it too.
_LOAD_AGE = "SELECT ag_catalog.agtype_build_map()"

_RESET = """
RESET SESSION AUTHORIZATION;
RESET ROLE;
RESET ALL;
UNLISTEN *;
SELECT pg_catalog.pg_advisory_unlock_all()
"""

# What a server reports that is not what target_session_attrs has asked for.
_TURNED = {
    "primary": (b"in_hot_standby",),
    "read-write": (b"in_hot_standby", b"default_transaction_read_only"),
}


def connect(
    conninfo: str, settings: Settings, **options: Any
) -> GuardedConnection[Any]:
    """Open one prepared connection, in autocommit unless asked otherwise.

    Raises DatabaseUnavailable. Options are libpq's or psycopg's, and win.
    """
    options.setdefault("autocommit", True)
    with translated():
        connection = GuardedConnection.connect(
            conninfo, **{**session_options(conninfo, settings), **options}
        )
        connection.answer_timeout = answer_timeout(settings)
        try:
            prepare(connection)
        except BaseException:
            connection.close()
            raise
    return connection


async def connect_async(
    conninfo: str, settings: Settings, **options: Any
) -> AsyncGuardedConnection[Any]:
    """Open one prepared asynchronous connection, as :func:`connect` does."""
    options.setdefault("autocommit", True)
    with translated():
        connection = await AsyncGuardedConnection.connect(
            conninfo, **{**session_options(conninfo, settings), **options}
        )
        connection.answer_timeout = answer_timeout(settings)
        try:
            await prepare_async(connection)
        except BaseException:
            await connection.close()
            raise
    return connection


def session_options(conninfo: str, settings: Settings) -> dict[str, Any]:
    """Return libpq's keywords for a session; what the conninfo says itself wins."""
    parameters: Mapping[str, str] = {
        "search_path": SEARCH_PATH,
        "statement_timeout": milliseconds(settings.statement_timeout),
        "idle_in_transaction_session_timeout": milliseconds(
            settings.idle_in_transaction_timeout
        ),
        **settings.session,
    }
    own = conninfo_to_dict(current(conninfo))
    flags = [f"-c {name}={_escaped(value)}" for name, value in parameters.items()]
    return {
        "application_name": settings.application_name,
        "connect_timeout": settings.connect_timeout,
        # Without effect on Unix sockets. With a user timeout, Linux goes by it rather
        # than by the number of probes.
        "keepalives_idle": settings.keepalive_idle,
        "keepalives_interval": _PROBE_SECONDS,
        "keepalives_count": _PROBES,
        "tcp_user_timeout": milliseconds(settings.tcp_user_timeout),
        **own,
        "options": " ".join([*flags, str(own.get("options") or "")]).strip(),
    }


def answer_timeout(settings: Settings) -> float:
    """Return the limit on an answer: none where statements may take any time."""
    return settings.answer_timeout if settings.statement_timeout else 0.0


def prepare(connection: Connection[Any]) -> None:
    """Make vector and agtype known to a new connection, and AGE ready on it."""
    found = {name for (name,) in connection.execute(_EXTENSIONS).fetchall()}
    if "vector" in found:
        register_vector(connection)
    if "age" in found:
        connection.execute(_LOAD_AGE)
        info = TypeInfo.fetch(connection, "ag_catalog.agtype")
        if info is not None:
            register_agtype(connection, info)
    if not connection.autocommit:
        connection.commit()


async def prepare_async(connection: AsyncConnection[Any]) -> None:
    """Do for an asynchronous connection what :func:`prepare` does."""
    cursor = await connection.execute(_EXTENSIONS)
    found = {name for (name,) in await cursor.fetchall()}
    if "vector" in found:
        await register_vector_async(connection)
    if "age" in found:
        await connection.execute(_LOAD_AGE)
        info = await TypeInfo.fetch(connection, "ag_catalog.agtype")
        if info is not None:
            register_agtype(connection, info)
    if not connection.autocommit:
        await connection.commit()


def reset(connection: Connection[Any]) -> None:
    """Undo what a borrower set on a session and left behind."""
    connection.autocommit = True
    connection.execute(_RESET)
    connection.autocommit = False
    connection.isolation_level = None
    connection.read_only = None


async def reset_async(connection: AsyncConnection[Any]) -> None:
    """Do for an asynchronous connection what :func:`reset` does."""
    await connection.set_autocommit(True)
    await connection.execute(_RESET)
    await connection.set_autocommit(False)
    await connection.set_isolation_level(None)
    await connection.set_read_only(None)


def wanted_of(conninfo: str) -> str | None:
    """Return what kind of server a conninfo asks for."""
    wanted = conninfo_to_dict(conninfo).get("target_session_attrs")
    return None if wanted is None else str(wanted)


def refuse_turned(
    connection: Connection[Any] | AsyncConnection[Any], wanted: str | None
) -> None:
    """Close a connection whose server is not of the wanted kind any more, and raise.

    libpq looks at that when it connects; servers report what changes afterwards.
    """
    for name in _TURNED.get(wanted or "", ()):
        if connection.pgconn.parameter_status(name) == b"on":
            connection.pgconn.finish()
            raise psycopg.OperationalError("the server has turned read-only")


def milliseconds(seconds: float) -> str:
    """Write seconds as PostgreSQL's timeouts take them: whole milliseconds."""
    return str(round(seconds * 1000))


def _escaped(value: str) -> str:
    """Escape a value for libpq's ``options``, where a blank ends it."""
    return value.replace("\\", "\\\\").replace(" ", "\\ ")
