"""What a database holds, measured: rows, sequences, graphs and nearest vectors."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

from psycopg import Connection, sql
from psycopg.rows import class_row

from drystone.migrations import ledger
from drystone.ops.backup.manifest import (
    Facts,
    Label,
    Locale,
    Neighbour,
    Probe,
    Range,
    Role,
    Rows,
    Setting,
)
from drystone.ops.backup.sessions import Table
from drystone.ops.vector_indexes import read_vector_indexes

_NEAREST = 10

# Columns are named, and in the order of their names: a table that inherits may have
# them in another order after a restore. The sum of hashes knows no order of rows and,
# unlike their exclusive or, sees a row that is there twice.
_ROWS = sql.SQL("""
SELECT
    pg_catalog.count(*),
    pg_catalog.concat(
        coalesce(pg_catalog.sum(
            ('x' || pg_catalog.left(hash, 16))::bit(64)::bigint
        ), 0),
        ':',
        coalesce(pg_catalog.sum(
            ('x' || pg_catalog.substr(hash, 17, 16))::bit(64)::bigint
        ), 0)
    )
FROM (
    SELECT pg_catalog.encode(
        pg_catalog.sha256(pg_catalog.convert_to(ROW({columns})::text, 'UTF8')), 'hex'
    ) AS hash
    FROM ONLY {table} AS each
) AS hashed
""")

_LARGE_OBJECTS = """
SELECT
    pg_catalog.count(*),
    pg_catalog.concat(coalesce(pg_catalog.sum(
        ('x' || pg_catalog.left(pg_catalog.encode(pg_catalog.sha256(
            pg_catalog.int8send(object.oid::bigint) || pg_catalog.lo_get(object.oid)
        ), 'hex'), 16))::bit(64)::bigint
    ), 0))
FROM pg_catalog.pg_largeobject_metadata AS object
"""

_SEQUENCES = """
SELECT
    pg_catalog.format('%I.%I', space.nspname, class.relname) AS name,
    sequence.seqincrement
FROM pg_catalog.pg_sequence AS sequence
INNER JOIN pg_catalog.pg_class AS class
    ON class.oid = sequence.seqrelid
INNER JOIN pg_catalog.pg_namespace AS space
    ON space.oid = class.relnamespace
WHERE
    class.relpersistence <> 't'
    AND NOT EXISTS (
        SELECT
        FROM pg_catalog.pg_depend AS dependency
        WHERE
            dependency.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            AND dependency.objid = class.oid
            AND dependency.deptype = 'e'
    )
ORDER BY 1
"""

_NEXT = sql.SQL("""
SELECT {name}, last_value + CASE WHEN is_called THEN {increment} ELSE 0 END
FROM {sequence}
""")

HAS_GRAPHS = "SELECT pg_catalog.to_regclass('ag_catalog.ag_graph') IS NOT NULL"

_LABELS = """
SELECT
    graph.name,
    label.name,
    label.kind,
    label.id,
    pg_catalog.format('%I.%I', space.nspname, class.relname)
FROM ag_catalog.ag_label AS label
INNER JOIN ag_catalog.ag_graph AS graph
    ON graph.graphid = label.graph
INNER JOIN pg_catalog.pg_class AS class
    ON class.oid = label.relation
INNER JOIN pg_catalog.pg_namespace AS space
    ON space.oid = class.relnamespace
ORDER BY
    graph.name,
    label.id
"""

# What tells a table's rows apart: its primary key, or else all that a row holds.
_KEY = """
SELECT coalesce(
    (
        SELECT pg_catalog.format('ROW(%%s)', pg_catalog.string_agg(
            pg_catalog.format('each.%%I', attribute.attname),
            ', '
            ORDER BY attribute.attname
        ))
        FROM pg_catalog.pg_constraint AS key
        INNER JOIN pg_catalog.pg_attribute AS attribute
            ON attribute.attrelid = key.conrelid
            AND attribute.attnum = ANY (key.conkey)
        WHERE
            key.conrelid = %s::pg_catalog.regclass
            AND key.contype = 'p'
    ),
    'each'
)
"""

_PROBE = sql.SQL("""
WITH probe AS MATERIALIZED (
    SELECT {expression} AS vector
    FROM {table} AS each
    WHERE {expression} IS NOT NULL
    ORDER BY {key}::text COLLATE pg_catalog."C"
    LIMIT 1
)
SELECT
    {key}::text AS key,
    ({expression} {operator} (SELECT probe.vector FROM probe))::text AS distance
FROM {table} AS each
WHERE {expression} IS NOT NULL
ORDER BY
    {expression} {operator} (SELECT probe.vector FROM probe),
    {key}::text COLLATE pg_catalog."C"
LIMIT {limit}
""")

_EXTENSIONS = """
SELECT extension.extname, extension.extversion
FROM pg_catalog.pg_extension AS extension
ORDER BY extension.extname
"""

_SETTINGS = """
SELECT
    role.rolname AS role,
    pg_catalog.split_part(entry, '=', 1) AS name,
    pg_catalog.substr(entry, pg_catalog.strpos(entry, '=') + 1) AS value
FROM pg_catalog.pg_db_role_setting AS setting
INNER JOIN pg_catalog.pg_database AS here
    ON here.oid = setting.setdatabase
LEFT JOIN pg_catalog.pg_roles AS role
    ON role.oid = setting.setrole
CROSS JOIN LATERAL pg_catalog.unnest(setting.setconfig) AS entry
WHERE here.datname = pg_catalog.current_database()
ORDER BY 1, 2
"""

# The superuser that made the server is no dependency of anything.
_ROLES = """
SELECT
    role.rolname AS name,
    role.rolbypassrls AS bypassrls,
    ARRAY(
        SELECT parent.rolname
        FROM pg_catalog.pg_auth_members AS membership
        INNER JOIN pg_catalog.pg_roles AS parent
            ON parent.oid = membership.roleid
        WHERE membership.member = role.oid
        ORDER BY parent.rolname
    )::text[] AS member_of
FROM pg_catalog.pg_roles AS role
WHERE role.oid IN (
    SELECT dependency.refobjid
    FROM pg_catalog.pg_shdepend AS dependency
    INNER JOIN pg_catalog.pg_database AS here
        ON here.oid = dependency.dbid
    WHERE
        here.datname = pg_catalog.current_database()
        AND dependency.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
)
ORDER BY role.rolname
"""

_OWNER = """
SELECT pg_catalog.pg_get_userbyid(here.datdba)
FROM pg_catalog.pg_database AS here
WHERE here.datname = pg_catalog.current_database()
"""

# The last column has another name before PostgreSQL 17.
_LOCALE = """
SELECT
    pg_catalog.pg_encoding_to_char(here.encoding) AS encoding,
    here.datlocprovider::text AS provider,
    here.datcollate AS collate,
    here.datctype AS ctype,
    coalesce(
        pg_catalog.to_jsonb(here) ->> 'datlocale',
        pg_catalog.to_jsonb(here) ->> 'daticulocale'
    ) AS name
FROM pg_catalog.pg_database AS here
WHERE here.datname = pg_catalog.current_database()
"""


def read_facts(sessions: Sequence[Connection[Any]], tables: Sequence[Table]) -> Facts:
    """Measure what the sessions see; they share the tables among them."""
    leader = sessions[0]
    rows = _count(sessions, tables)
    owner = leader.execute(_OWNER).fetchone()
    if owner is None:
        raise AssertionError("a session has a database")
    with (
        leader.cursor(row_factory=class_row(Setting)) as settings,
        leader.cursor(row_factory=class_row(Role)) as roles,
    ):
        return Facts(
            locale=read_locale(leader),
            owner=owner[0],
            tables=rows,
            sequences=read_sequences(leader),
            graphs=_graphs(leader, rows),
            probes=_probes(leader),
            extensions=dict(leader.execute(_EXTENSIONS).fetchall()),
            settings=tuple(settings.execute(_SETTINGS)),
            roles=tuple(roles.execute(_ROLES)),
            migrations=tuple(each.id for each in ledger.applied(leader)),
        )


def read_locale(connection: Connection[Any]) -> Locale:
    """Return the encoding and the locale of the database."""
    with connection.cursor(row_factory=class_row(Locale)) as cursor:
        (locale,) = cursor.execute(_LOCALE)
    return locale


def read_sequences(connection: Connection[Any]) -> dict[str, Range]:
    """Return the next value of every sequence, whatever the snapshot is."""
    listed = connection.execute(_SEQUENCES).fetchall()
    if not listed:
        return {}
    found = connection.execute(
        sql.SQL(" UNION ALL ").join(
            _NEXT.format(
                name=sql.Literal(name),
                increment=sql.Literal(increment),
                sequence=sql.SQL(name),
            )
            for name, increment in listed
        )
    )
    return {name: Range(low=value, high=value) for name, value in found}


def _count(
    sessions: Sequence[Connection[Any]], tables: Sequence[Table]
) -> dict[str, Rows]:
    """Count and sum the rows of every table, each with whichever session is free."""
    free: SimpleQueue[Connection[Any]] = SimpleQueue()
    for session in sessions:
        free.put(session)

    def measure(table: Table) -> tuple[str, Rows]:
        relation, columns = table
        query = _ROWS.format(
            columns=sql.SQL(", ").join(sql.Identifier("each", one) for one in columns),
            table=sql.SQL(relation),
        )
        session = free.get()
        try:
            return relation, _rows(session, query)
        finally:
            free.put(session)

    with ThreadPoolExecutor(len(sessions)) as pool:
        counted = dict(sorted(pool.map(measure, tables)))
    large = _rows(sessions[0], sql.SQL(_LARGE_OBJECTS))
    return {**counted, "large objects": large} if large.count else counted


def _rows(session: Connection[Any], query: sql.SQL | sql.Composed) -> Rows:
    row = session.execute(query).fetchone()
    if row is None:
        raise AssertionError("an aggregate has one row")
    return Rows(count=row[0], checksum=row[1])


def _graphs(
    connection: Connection[Any], rows: dict[str, Rows]
) -> dict[str, dict[str, Label]]:
    """Return the labels of AGE's graphs; each has a table of its own."""
    graphs: dict[str, dict[str, Label]] = {}
    if connection.execute(HAS_GRAPHS).fetchone() == (True,):
        for graph, label, kind, number, relation in connection.execute(_LABELS):
            count = rows[relation].count
            labels = graphs.setdefault(graph, {})
            labels[label] = Label(kind=kind, id=number, rows=count)
    return graphs


def _probes(connection: Connection[Any]) -> dict[str, Probe]:
    indexes = read_vector_indexes(connection)
    probes = {}
    connection.execute("SET LOCAL enable_indexscan = off")
    with connection.cursor(row_factory=class_row(Neighbour)) as cursor:
        for index in indexes:
            ((key,),) = connection.execute(_KEY, [index.table]).fetchall()
            cursor.execute(
                _PROBE.format(
                    expression=sql.SQL(index.value),
                    table=sql.SQL(index.table),
                    key=sql.SQL(key),
                    operator=sql.SQL(index.operator),
                    limit=_NEAREST,
                )
            )
            probes[index.name] = Probe(
                table=index.table,
                expression=index.value,
                index_bytes=index.bytes,
                neighbours=tuple(cursor),
            )
    connection.execute("SET LOCAL enable_indexscan = on")
    return probes
