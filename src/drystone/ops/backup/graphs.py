"""Apache AGE's graphs after a restore: mended, and tried.

AGE knows a graph by the oid of its schema and keeps that as a plain number, so a dump
carries the number of the old database. Where it is not the schema's, every openCypher
query fails with ``graph with oid … does not exist``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, LiteralString

import psycopg
from psycopg import Connection, sql

from drystone.catalog import Difference
from drystone.database.sqlstates import translated
from drystone.ops.backup.manifest import Label
from drystone.ops.backup.reading import HAS_GRAPHS, read_sequences

_STALE = """
SELECT
    graph.graphid,
    graph.namespace::oid
FROM ag_catalog.ag_graph AS graph
WHERE graph.graphid <> graph.namespace::oid
ORDER BY graph.graphid
"""

# One statement for both tables: the foreign key between them is checked at its end, so
# it need not be dropped, which only its owner could do.
_MOVE = """
WITH mapping (old, new) AS (
    SELECT *
    FROM ROWS FROM (
        pg_catalog.unnest(%(old)s::oid[]),
        pg_catalog.unnest(%(new)s::oid[])
    ) AS pair
),
moved AS (
    UPDATE ag_catalog.ag_graph AS graph
    SET graphid = mapping.new
    FROM mapping
    WHERE graph.graphid = mapping.old
)
UPDATE ag_catalog.ag_label AS label
SET graph = mapping.new
FROM mapping
WHERE label.graph = mapping.old
"""

_VERTICES = "MATCH (n) RETURN count(n)"
_EDGES = "MATCH ()-[r]->() RETURN count(r)"
_WRITE = (
    "CREATE (a:`DrystoneProbe` {probe: 1})-[r:`DRYSTONE_PROBES`]->(b) RETURN count(r)"
)
_PUT_BACK = "SELECT pg_catalog.setval(%s::regclass, %s, false)"
_CYPHER = sql.SQL(
    "SELECT found::text::bigint FROM ag_catalog.cypher({graph}, {query})"
    " AS answer (found ag_catalog.agtype)"
)


def repair_graphs(connection: Connection[Any]) -> int:
    """Give every graph the oid of its schema; return how many had another.

    Needs SELECT and UPDATE on AGE's two catalog tables. Sessions that have used a
    graph before must be opened anew. Raises PermissionDenied.
    """
    with translated():
        if connection.execute(HAS_GRAPHS).fetchone() != (True,):
            return 0
        with connection.transaction():
            stale = connection.execute(_STALE).fetchall()
            old = [each[0] for each in stale]
            new = [each[1] for each in stale]
            # The new number of one may be the old number of another: so they go by
            # way of numbers that no schema has, since those of users begin at 16384.
            between = list(range(1, len(stale) + 1))
            for before, after in ((old, between), (between, new)):
                connection.execute(_MOVE, {"old": before, "new": after})
    return len(stale)


def probe_graphs(
    connection: Connection[Any], graphs: Mapping[str, Mapping[str, Label]]
) -> list[Difference]:
    """Read every graph by openCypher, and write to it; what is written is undone.

    The session must not have used a graph before its repair, and nobody else may write
    to the database: its sequences are put back, which know no rollback.
    """
    before = read_sequences(connection)
    differences = []
    for name, labels in graphs.items():
        asked = {
            "vertices": (_VERTICES, _total(labels, "v")),
            "edges": (_EDGES, _total(labels, "e")),
            "edges written": (_WRITE, 1),
        }
        for what, (query, expected) in asked.items():
            found = _ask(connection, name, query)
            if found != expected:
                told = found if isinstance(found, str) else f"{what}: {found:,}"
                differences.append(
                    Difference(
                        "openCypher", name, f"{what}: {expected:,}", told, "loss"
                    )
                )
    for sequence, after in read_sequences(connection).items():
        if after != before[sequence]:
            connection.execute(_PUT_BACK, [sequence, before[sequence].low])
    return differences


def _total(labels: Mapping[str, Label], kind: str) -> int:
    return sum(label.rows for label in labels.values() if label.kind == kind)


def _ask(connection: Connection[Any], graph: str, query: LiteralString) -> int | str:
    """Return the number that a query answers, or why it does not."""
    asked = _CYPHER.format(graph=sql.Literal(graph), query=_dollars(query))
    try:
        with connection.transaction(force_rollback=True):
            row = connection.execute(asked).fetchone()
            return int(row[0]) if row else "no answer"
    except psycopg.Error as error:
        return error.diag.message_primary or type(error).__name__


def _dollars(query: LiteralString) -> sql.SQL:
    """Quote openCypher as AGE wants it: a constant between dollars."""
    return sql.SQL("$$" + query + "$$")
