"""Everything a database holds, read from pg_catalog as one comparable value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from psycopg import Connection, Cursor
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from drystone.database.sqlstates import translated
from drystone.errors import DatabaseError

Key = tuple[str, str]
Properties = Mapping[str, object]

# What decides how the server prints expressions and constants. An empty search_path
# makes it qualify every name; the queries are too short for JIT to pay.
_SESSION = {
    "search_path": "",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "jit": "off",
    "quote_all_identifiers": "off",
    "standard_conforming_strings": "on",
}

_SET = """
SELECT pg_catalog.set_config(name, value, true)
FROM pg_catalog.jsonb_each_text(%s::jsonb) AS setting (name, value)
"""

_CURRENT = """
SELECT name, pg_catalog.current_setting(name)
FROM pg_catalog.unnest(%s::text[]) AS setting (name)
"""

_EXISTING = """
SELECT name
FROM pg_catalog.unnest(%s::text[]) AS wanted (name)
WHERE pg_catalog.to_regclass(name) IS NOT NULL
"""

_NEEDS = re.compile(r"^-- needs: (\S+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a database holds: properties by kind and name, sorted by both.

    Names are quoted and qualified as in SQL; properties are what JSON can hold. No
    oid, timestamp or number of rows is among them, so that two databases made by the
    same migrations have equal snapshots. An absent property is one that the object
    does not have: an owner, say, is named where it is not the database's owner.
    """

    objects: Mapping[Key, Properties]


@dataclass(frozen=True, slots=True)
class _Query:
    kind: str
    sql: bytes
    needs: str | None


def read_snapshot(connection: Connection[Any]) -> Snapshot:
    """Read what the database holds, without what belongs to extensions and ledgers.

    Runs in one REPEATABLE READ, READ ONLY transaction of its own; inside an open
    transaction it reads what that one sees, and puts its settings back. The session's
    search_path and output formats do not matter. Printing a view or a constraint takes
    an ACCESS SHARE lock and so waits for whoever alters the table.

    Roles, tablespaces and the database's own settings belong to the server and are left
    out. So are secrets: an option that may hold one shows only that it is set.

    Raises DatabaseError, as where the role may not read AGE's catalog.
    """
    with translated(), _reading(connection), connection.pipeline():
        kinds = _kinds(connection)
        # Planning takes longer than running, unless the connection keeps no plans.
        keep = connection.prepare_threshold is not None
        cursors = [
            (each.kind, _execute(connection, each.sql, prepare=keep)) for each in kinds
        ]
        objects: dict[Key, Properties] = {}
        for kind, cursor in cursors:
            for name, properties in cursor:
                if (kind, name) in objects:
                    raise DatabaseError(f"two objects are called {kind} {name}")
                objects[kind, name] = json.loads(properties)
    return Snapshot({key: objects[key] for key in sorted(objects)})


@contextmanager
def _reading(connection: Connection[Any]) -> Iterator[None]:
    """Set the session up, for the time of a transaction or of the read."""
    if connection.info.transaction_status == TransactionStatus.IDLE:
        with connection.transaction():
            connection.execute(
                "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
            )
            _set(connection, _SESSION)
            yield
        return
    before = dict(_execute(connection, _CURRENT, [list(_SESSION)]))
    _set(connection, _SESSION)
    yield
    # After an error the transaction is lost, and these settings with it.
    _set(connection, before)


def _set(connection: Connection[Any], settings: Mapping[str, str]) -> None:
    connection.execute(_SET, [json.dumps(settings)])


def _kinds(connection: Connection[Any]) -> list[_Query]:
    """Return the queries whose tables exist in this database."""
    queries = _queries()
    wanted = sorted({each.needs for each in queries if each.needs})
    existing = {name for (name,) in _execute(connection, _EXISTING, [wanted])}
    return [each for each in queries if each.needs is None or each.needs in existing]


def _execute(
    connection: Connection[Any],
    sql: Any,
    parameters: Any = None,
    *,
    prepare: bool = False,
) -> Cursor[tuple[Any, ...]]:
    cursor = connection.cursor(row_factory=tuple_row)
    return cursor.execute(sql, parameters, prepare=prepare)


@cache
def _queries() -> tuple[_Query, ...]:
    """Return one query for each file in sql/: the file's name is the kind."""
    files = {
        path.name.removesuffix(".sql"): path.read_text(encoding="utf-8")
        for path in resources.files(__package__).joinpath("sql").iterdir()
        if path.name.endswith(".sql")
    }
    scope = files.pop("scope")
    wrap = "{scope}\nSELECT name, properties::text FROM (\n{query}\n) AS listed"
    queries = []
    for stem, query in sorted(files.items()):
        needs = _NEEDS.search(query)
        queries.append(
            _Query(
                kind=stem.replace("_", " "),
                sql=wrap.format(scope=scope, query=query).encode(),
                needs=needs[1] if needs else None,
            )
        )
    return tuple(queries)
