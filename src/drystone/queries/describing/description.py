"""A statement as PostgreSQL itself describes it: parameters, columns, nullability.

It is parsed and described by the server, and its analysed parse tree is read from the
body of a temporary function, which nothing calls: nothing is executed, logged or kept.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import Connection, sql
from psycopg.pq import ExecStatus

from drystone.errors import QueryRefused
from drystone.queries.describing.cardinality import at_most_one_row
from drystone.queries.describing.lookups import Lookups
from drystone.queries.describing.nodes import Node, read_nodes
from drystone.queries.describing.nullability import (
    Prover,
    gives_one_row,
    type_of,
    visible_targets,
)
from drystone.queries.describing.parameters import may_be_null

# Whatever is on the search path, a type that is not PostgreSQL's own has its schema.
_NAMES = """
SELECT
    t.oid,
    CASE
        WHEN n.nspname = 'pg_catalog' THEN pg_catalog.format_type(t.oid, NULL)
        WHEN e.oid IS NOT NULL THEN pg_catalog.format('%%I.%%I[]', n.nspname, e.typname)
        ELSE pg_catalog.format('%%I.%%I', n.nspname, t.typname)
    END
FROM pg_catalog.pg_type AS t
JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_type AS e
    ON e.oid = t.typelem
    AND e.typarray = t.oid
WHERE t.oid = ANY (%s::oid[])
"""

_FUNCTION = """
CREATE FUNCTION pg_temp.described({types}) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
    {statement}
;
END
"""

# The body is parsed all the same; only what the function returns is not looked at.
_UNCHECKED = "SET check_function_bodies = off"

_BODY = """
SELECT p.prosqlbody::text
FROM pg_catalog.pg_proc AS p
WHERE p.pronamespace = pg_catalog.pg_my_temp_schema()
    AND p.proname = 'described'
"""

_INFERRED, _TEXT = 0, 25

# Classes of errors that are the statement's own; a missing privilege is not.
_FAULTS = ("0A", "22", "42")
_NO_PRIVILEGE = "42501"


@dataclass(frozen=True, slots=True)
class Parameter:
    """What ``$n`` takes: its type, and whether NULL means something there."""

    type: str
    oid: int
    nullable: bool


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result.

    ``type`` may be a domain; ``oid`` is then the type that it rests on and is sent as.
    ``joins`` are the outer joins that alone can make it NULL, by numbers that mean
    something within one result; None if there may be other reasons.
    """

    name: str
    type: str
    oid: int
    joins: frozenset[int] | None

    @property
    def nullable(self) -> bool:
        """Whether it may be NULL; false only where that is impossible."""
        return self.joins is None or bool(self.joins)


@dataclass(frozen=True, slots=True)
class StatementDescription:
    """What a statement takes and gives."""

    parameters: tuple[Parameter, ...]
    columns: tuple[Column, ...]
    one_row: bool = False  # whether there is a row in every case
    at_most_one: bool = False  # whether a key, or the form, allows no second row


class Describer:
    """Describes statements on one database, whose schema must not change meanwhile.

    The connection must be in autocommit, and is for this alone.
    """

    def __init__(self, connection: Connection[Any]) -> None:
        connection.execute(_UNCHECKED)
        self._connection = connection
        self._lookups = Lookups(connection)
        self._prover = Prover(self._lookups)
        self._types: dict[int, str] = {}

    def describe(self, statement: str) -> StatementDescription:
        """Describe a statement whose parameters are ``$1``, ``$2``.

        Raises QueryRefused, with PostgreSQL's message, hint, SQLSTATE and position.
        """
        types, columns = self._prepared(statement)
        declared = [oid for _, oid in columns]
        self._name(types)
        tree = self._tree(statement, types)
        if tree is not None:
            self._plan(statement)
        nullable = [True] * len(types)
        joins: list[frozenset[int] | None] = [None] * len(columns)
        one_row = at_most_one = False
        if tree is not None:
            nullable = may_be_null(tree, len(types), self._lookups)
            if len(visible_targets(tree)) == len(columns):
                joins = self._prover.missing_joins(tree)
                declared = _declared(tree, declared)
            one_row = gives_one_row(tree)
            at_most_one = at_most_one_row(tree, self._lookups)
        self._name(declared)
        return StatementDescription(
            tuple(
                Parameter(self._types[oid], oid, may)
                for oid, may in zip(types, nullable, strict=True)
            ),
            tuple(
                Column(name, self._types[kind], oid, alone)
                for (name, oid), kind, alone in zip(
                    columns, declared, joins, strict=True
                )
            ),
            one_row,
            at_most_one,
        )

    def result_types(self, statement: str, absent: Collection[int]) -> list[int]:
        """Return the types of a result, where some parameters are not in the text.

        Raises QueryRefused as :meth:`describe` does.
        """
        _, columns = self._prepared(statement, absent)
        return [oid for _, oid in columns]

    def analysed(self, statement: str) -> Node | None:
        """Return a statement's analysed parse tree, if a function may hold it.

        Raises QueryRefused as :meth:`describe` does.
        """
        types, _ = self._prepared(statement)
        self._name(types)
        return self._tree(statement, types)

    def _prepared(
        self, statement: str, absent: Collection[int] = ()
    ) -> tuple[list[int], list[tuple[str, int]]]:
        """Have the server parse and describe it: types, and names and types."""
        wire = self._connection.pgconn
        given = [
            _TEXT if number in absent else _INFERRED
            for number in range(1, max(absent, default=0) + 1)
        ]
        result = wire.prepare(b"", statement.encode(), given)
        if result.status == ExecStatus.COMMAND_OK:
            result = wire.describe_prepared(b"")
        if result.status != ExecStatus.COMMAND_OK:
            raise _refusal(psycopg.errors.error_from_result(result, encoding="utf-8"))
        types = [result.param_type(number) for number in range(result.nparams)]
        columns = [
            ((result.fname(number) or b"").decode(), result.ftype(number))
            for number in range(result.nfields)
        ]
        return types, columns

    def _tree(self, statement: str, types: list[int]) -> Node | None:
        """Return the analysed parse tree; None for what no function may hold."""
        create = sql.SQL(_FUNCTION).format(
            types=sql.SQL(", ").join(sql.SQL(self._types[oid]) for oid in types),
            statement=sql.SQL(statement),
        )
        # Rolled back: somebody else's DROP must not meet the function.
        try:
            with self._connection.transaction(force_rollback=True):
                self._connection.execute(create, prepare=False)
                row = self._connection.execute(_BODY).fetchone()
        except psycopg.Error:
            return None
        tree: Any = read_nodes(row[0]) if row else None
        while isinstance(tree, list):  # of lists of one
            tree = tree[0]
        return tree if isinstance(tree, Node) else None

    def _plan(self, statement: str) -> None:
        """Have it planned, without values: some faults are found only there."""
        wire = self._connection.pgconn
        result = wire.exec_(b"EXPLAIN (GENERIC_PLAN) " + statement.encode())
        if result.status == ExecStatus.FATAL_ERROR:
            error = psycopg.errors.error_from_result(result, encoding="utf-8")
            state = error.sqlstate or ""
            if state.startswith(_FAULTS) and state != _NO_PRIVILEGE:
                raise _refusal(error, before=len("EXPLAIN (GENERIC_PLAN) "))

    def _name(self, oids: list[int]) -> None:
        unknown = sorted(set(oids) - self._types.keys())
        if unknown:
            self._types.update(self._connection.execute(_NAMES, [unknown]).fetchall())


def describe_statement(connection: Connection[Any], sql: str) -> StatementDescription:
    """Describe one statement, as :class:`Describer` does for many."""
    return Describer(connection).describe(sql)


def _declared(tree: Node, sent: list[int]) -> list[int]:
    """Return the types of a result, domains too, of which the server tells the base."""
    if tree.get("setOperations"):
        return sent
    found = [type_of(entry["expr"]) for entry in visible_targets(tree)]
    return [int(own or oid) for own, oid in zip(found, sent, strict=True)]


def _refusal(error: psycopg.Error, *, before: int = 0) -> QueryRefused:
    """Return the error for what the server refuses; it holds no values.

    ``before`` counts the characters that were sent before the statement.
    """
    diagnosis = error.diag
    position = diagnosis.statement_position
    return QueryRefused(
        diagnosis.message_primary or str(error),
        position=int(position) - before if position else None,
        hint=diagnosis.message_hint,
        sqlstate=error.sqlstate,
    )
