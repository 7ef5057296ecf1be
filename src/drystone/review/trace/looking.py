"""What a session can see of itself: its locks, its tables' files, the rows it read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import postgast
from psycopg import Connection, sql

from drystone.migrations.statements import Statement, pb
from drystone.review.locks import LockMode

# Without catalogs, TOAST, the ledger and what belongs to an extension.
_RELATIONS = """
SELECT
    c.oid,
    pg_catalog.format('%%I.%%I', n.nspname, c.relname),
    c.relkind,
    pg_catalog.pg_relation_filenode(c.oid),
    i.indrelid
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
WHERE (%(only)s::oid[] IS NULL OR c.oid = ANY (%(only)s::oid[]))
    AND c.relkind = ANY (%(kinds)s::"char"[])
    AND c.relpersistence <> 't'
    AND n.nspname !~ '^(pg_|information_schema$)'
    AND NOT (n.nspname = 'public' AND c.relname ~ '^(_yoyo_|_drystone_|yoyo_lock)')
    AND NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_depend AS d
        WHERE d.classid = 'pg_catalog.pg_class'::regclass
            AND d.objid IN (c.oid, i.indrelid)
            AND d.deptype = 'e'
    )
"""

_LOCKS = """
SELECT l.relation, l.mode
FROM pg_catalog.pg_locks AS l
WHERE l.pid = %s
    AND l.locktype = 'relation'
    AND l.database = (
        SELECT d.oid
        FROM pg_catalog.pg_database AS d
        WHERE d.datname = pg_catalog.current_database()
    )
"""

# The rows that scans of the whole table have returned: in this transaction, or ever.
_SCANNED = """
SELECT seen.oid, seen.number
FROM (
    SELECT t.oid, pg_catalog.{}(t.oid) AS number
    FROM pg_catalog.unnest(%s::oid[]) AS t (oid)
) AS seen
WHERE seen.number > 0
"""
_IN_TRANSACTION, _EVER = (
    "pg_stat_get_xact_tuples_returned",
    "pg_stat_get_tuples_returned",
)

# Otherwise a session reports what it has read once a second at most.
_REPORT = "SELECT pg_catalog.pg_stat_force_next_flush()"

# The tables that are named, by themselves or by an index, their parents and partitions.
_FAMILY = """
WITH RECURSIVE family AS (
    SELECT coalesce(i.indrelid, c.oid) AS oid
    FROM pg_catalog.unnest(%s::text[]) AS named (name)
    JOIN pg_catalog.pg_class AS c ON c.oid = pg_catalog.to_regclass(named.name)
    LEFT JOIN pg_catalog.pg_index AS i ON i.indexrelid = c.oid
    UNION
    SELECT CASE h.inhparent WHEN family.oid THEN h.inhrelid ELSE h.inhparent END
    FROM family
    JOIN pg_catalog.pg_inherits AS h ON family.oid IN (h.inhparent, h.inhrelid)
)
SELECT family.oid
FROM family
"""

_KINDS = {
    "r": "table",
    "p": "partitioned table",
    "i": "index",
    "I": "index",
    "S": "sequence",
    "v": "view",
    "m": "materialized view",
    "f": "foreign table",
}
_WITH_ROWS = {"table", "materialized view"}


@dataclass(frozen=True, slots=True)
class Relation:
    """What can be locked: its name as SQL writes it, and the number of its file.

    ``table`` is an index's table, by oid. Partitioned relations and views have no file.
    """

    name: str
    kind: str
    file: int | None
    table: int | None

    @property
    def has_rows(self) -> bool:
        """Whether it is a table or a materialized view, with rows of its own."""
        return self.kind in _WITH_ROWS


Relations = Mapping[int, Relation]
Locks = dict[int, LockMode]


def relations(
    connection: Connection[Any], only: Iterable[int] | None = None
) -> dict[int, Relation]:
    """Return what there is by oid, or those that are asked for."""
    wanted = None if only is None else list(only)
    rows = connection.execute(
        _RELATIONS, {"only": wanted, "kinds": list(_KINDS)}, prepare=False
    )
    return {
        oid: Relation(name, _KINDS[kind], file, table)
        for oid, name, kind, file, table in rows
    }


def concerned(
    connection: Connection[Any], statement: Statement, known: Relations
) -> Relations:
    """Return what a statement names, with its family; all there is if it names none."""
    nodes = [node for _, node in postgast.walk(statement.node)]
    paths = [
        [part for part in (node.schemaname, node.relname) if part]
        for node in nodes
        if isinstance(node, pb.RangeVar)
    ]
    if statement.kind == "drop_stmt":
        objects = statement.node.objects
        paths += [[item.string.sval for item in each.list.items] for each in objects]
    if not paths:
        return known
    names = [sql.Identifier(*path).as_string() for path in paths]
    family = {oid for (oid,) in connection.execute(_FAMILY, [names], prepare=False)}
    return {oid: relation for oid, relation in known.items() if oid in family}


def locks_of(connection: Connection[Any], pid: int) -> Locks:
    """Return the strongest lock on each relation that a session holds or waits for."""
    return strongest(
        (oid, lock_mode(mode))
        for oid, mode in connection.execute(_LOCKS, [pid], prepare=False)
    )


def strongest(found: Iterable[tuple[int, LockMode]]) -> Locks:
    """Keep the strongest mode of each relation."""
    kept: Locks = {}
    for oid, mode in found:
        if oid not in kept or mode.rank > kept[oid].rank:
            kept[oid] = mode
    return kept


def lock_mode(name: str) -> LockMode:
    """Turn pg_locks' name of a mode into SQL's: ``ShareLock``."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix("Lock"))
    return LockMode(words.upper())


def scanned(
    connection: Connection[Any], known: Relations, *, in_transaction: bool
) -> Counter[int]:
    """Return how many rows scans of whole tables have returned, by oid."""
    counter = _IN_TRANSACTION if in_transaction else _EVER
    query = sql.SQL(_SCANNED).format(sql.Identifier(counter))
    tables = [oid for oid, relation in known.items() if relation.has_rows]
    if not in_transaction:
        connection.execute(_REPORT)
    return Counter(dict(connection.execute(query, [tables], prepare=False).fetchall()))


def rewritten(before: Relations, now: Relations, known: Relations) -> list[str]:
    """Name the known tables whose rows were written to a new file."""
    return sorted(
        known[oid].name
        for oid, relation in now.items()
        if oid in known and relation.has_rows and relation.file != before[oid].file
    )


def indexes_built(before: Relations, now: Relations, known: Relations) -> list[str]:
    """Name the indexes of known tables that are new, or have a new file."""
    return sorted(
        relation.name
        for oid, relation in now.items()
        if relation.table in known
        and relation.file is not None
        and (oid not in before or relation.file != before[oid].file)
    )
