"""Sessions that all see a database as it was at one moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, LiteralString

from psycopg import Connection, sql

from drystone.database.session import connect
from drystone.database.sqlstates import translated
from drystone.errors import BackupError
from drystone.settings import Settings

# Tables that hold rows of their own; an extension's are the extension's business.
# Locking them first keeps TRUNCATE and rewrites, which know no snapshot, from emptying
# a table between the snapshot and the dump.
_TABLES = """
SELECT
    pg_catalog.format('%I.%I', space.nspname, class.relname) AS relation,
    ARRAY(
        SELECT attribute.attname
        FROM pg_catalog.pg_attribute AS attribute
        WHERE
            attribute.attrelid = class.oid
            AND attribute.attnum > 0
            AND NOT attribute.attisdropped
        ORDER BY attribute.attname
    )::text[] AS columns
FROM pg_catalog.pg_class AS class
INNER JOIN pg_catalog.pg_namespace AS space
    ON space.oid = class.relnamespace
WHERE
    class.relkind = 'r'
    AND space.nspname <> 'information_schema'
    AND space.nspname !~ '^pg_'
    AND NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_depend AS dependency
        WHERE
            dependency.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            AND dependency.objid = class.oid
            AND dependency.deptype = 'e'
    )
ORDER BY
    pg_catalog.pg_table_size(class.oid) DESC,
    class.oid
"""

# Row security would leave rows out in silence; off, it is an error. The others decide
# how values are printed.
_SESSION = """
SET LOCAL row_security = off;
SET LOCAL search_path = '';
SET LOCAL DateStyle = 'ISO, MDY';
SET LOCAL IntervalStyle = 'postgres';
SET LOCAL TimeZone = 'UTC';
SET LOCAL bytea_output = 'hex';
SET LOCAL extra_float_digits = 1;
SET LOCAL lc_monetary = 'C';
SET LOCAL jit = off;
SET LOCAL lock_timeout = 0
"""

_BEGIN = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_LOCK_TIMEOUT = "SET LOCAL lock_timeout = '60s'"
_ATTEMPTS = 10

Table = tuple[LiteralString, tuple[str, ...]]


@contextmanager
def snapshot_sessions(
    conninfo: str, settings: Settings, count: int
) -> Iterator[tuple[Sequence[Connection[Any]], list[Table], str]]:
    """Lend sessions in read-only transactions of one snapshot, the tables, its name.

    A table is its name, as SQL has it, and its columns; they come largest first, and
    none can be altered, truncated or dropped meanwhile.
    """
    # Neither a long dump nor an idle transaction beside it is a mistake here.
    unhurried = settings.model_copy(
        update={"statement_timeout": 0.0, "idle_in_transaction_timeout": 0.0}
    )
    with ExitStack() as stack:
        stack.enter_context(translated())
        sessions = [
            stack.enter_context(connect(conninfo, unhurried)) for _ in range(count)
        ]
        leader, *others = sessions
        tables = _locked(stack, leader)
        exported = leader.execute("SELECT pg_catalog.pg_export_snapshot()").fetchone()
        name = str(exported[0]) if exported else ""
        for other in others:
            stack.enter_context(other.transaction())
            other.execute(_BEGIN)
            other.execute(
                sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(name))
            )
        for session in sessions:
            session.execute(_SESSION)
        yield sessions, tables, name


def _locked(stack: ExitStack, leader: Connection[Any]) -> list[Table]:
    """Open a transaction whose first snapshot is taken when all tables are locked."""
    for _ in range(_ATTEMPTS):
        listed = _tables(leader)
        with ExitStack() as attempt:
            attempt.enter_context(leader.transaction())
            leader.execute(_BEGIN)
            leader.execute(_LOCK_TIMEOUT)
            if listed:
                leader.execute(
                    sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(
                        sql.SQL(", ").join(
                            sql.SQL("ONLY {}").format(sql.SQL(relation))
                            for relation, _ in listed
                        )
                    )
                )
            if sorted(now := _tables(leader)) == sorted(listed):
                stack.push(attempt.pop_all())
                return now
    raise BackupError(
        "tables come and go too fast to be read all at one moment",
        hint="Run again when no migration runs.",
    )


def _tables(connection: Connection[Any]) -> list[Table]:
    return [
        (relation, tuple(columns)) for relation, columns in connection.execute(_TABLES)
    ]
