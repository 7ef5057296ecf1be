"""Whether a catalog is untouched: cheaper to tell than what is in it.

A row of a system catalog that is changed gets a new version, stamped with the
transaction that wrote it. Where no row is newer than a mark and none is missing, the
catalog is, row for row, what it was: nothing needs to be read and compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

# Statistics and large objects are data; what all databases share is not this one's, but
# for subscriptions, whose catalog not everybody may read.
_CATALOGS = """
SELECT n.nspname, c.relname
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind = 'r'
    AND (
        NOT c.relisshared
        OR c.relname = 'pg_subscription'
        AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
    )
    AND (
        n.nspname = 'pg_catalog'
        AND c.relname !~ '^pg_(statistic|statistic_ext_data|largeobject)$'
        OR n.nspname = 'ag_catalog'
        AND c.relname IN ('ag_graph', 'ag_label')
    )
ORDER BY n.nspname, c.relname
"""

_NEXT = "SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::xid"

# A transaction's age shrinks with its number; equal is the mark's own successor.
_STATE = """
SELECT
    {name} AS catalog,
    count(*) AS rows,
    count(*) FILTER (
        WHERE pg_catalog.age(c.xmin) <= pg_catalog.age({mark}::xid)
    ) AS newer
FROM {catalog} AS c
{own}
"""

_OWN_SUBSCRIPTIONS = """
WHERE c.subdbid = (
    SELECT d.oid
    FROM pg_catalog.pg_database AS d
    WHERE d.datname = pg_catalog.current_database()
)
"""


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment of a database: the next transaction's number, and rows by catalog."""

    transaction: str
    rows: dict[str, int]


def take_mark(connection: Connection[Any]) -> Mark:
    """Remember the moment; nobody else may change the database from then on."""
    row = connection.execute(_NEXT).fetchone()
    transaction = str(row[0]) if row else "0"
    state = _state(connection, transaction)
    return Mark(transaction, {name: rows for name, rows, _ in state})


def is_untouched(connection: Connection[Any], mark: Mark) -> bool:
    """Tell whether every catalog is, row for row, what it was at the mark.

    False may also mean that a row was written anew with what it said before.
    """
    state = _state(connection, mark.transaction)
    newer = any(newer for _, _, newer in state)
    return not newer and mark.rows == {name: rows for name, rows, _ in state}


def _state(connection: Connection[Any], mark: str) -> list[tuple[str, int, int]]:
    catalogs = connection.execute(_CATALOGS, prepare=True).fetchall()
    parts = [
        sql.SQL(_STATE).format(
            name=sql.Literal(f"{schema}.{name}"),
            mark=sql.SQL("%(mark)s"),
            catalog=sql.Identifier(schema, name),
            own=sql.SQL(_OWN_SUBSCRIPTIONS if name == "pg_subscription" else ""),
        )
        for schema, name in catalogs
    ]
    query = sql.SQL("UNION ALL").join(parts)
    return connection.execute(query, {"mark": mark}, prepare=True).fetchall()
