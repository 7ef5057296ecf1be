"""EXPLAIN for named queries: planned for typical values, executed, and rolled back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import postgast
import psycopg
from psycopg import Connection
from psycopg.pq import Format

from drystone.database.sqlstates import translate
from drystone.errors import ConstraintViolation, StatementTimeout
from drystone.queries.describing.described import SCRIPT, DescribedQuery
from drystone.queries.describing.description import Describer
from drystone.queries.describing.lookups import Lookups
from drystone.queries.runtime.binding import Bound, BoundCursor
from drystone.queries.runtime.choices import assemble, conditional
from drystone.review.plans.cypher import cypher_values
from drystone.review.plans.flags import Tables, find_flags
from drystone.review.plans.masking import masked
from drystone.review.plans.nodes import (
    Partitions,
    read_node,
    shape,
)
from drystone.review.plans.plan import PlanNode, QueryPlan
from drystone.review.plans.targets import find_targets
from drystone.review.plans.values import Sampler

LONGEST_SECONDS = 5

_PLANNED = b"EXPLAIN (VERBOSE, FORMAT JSON) "
_EXECUTED = b"EXPLAIN (ANALYZE, BUFFERS, VERBOSE, FORMAT JSON) "
_GENERIC = b"EXPLAIN (GENERIC_PLAN, VERBOSE, FORMAT JSON) "

_TOTAL = "Execution Time"

_QUOTED = re.compile('"([^"]+)"')

_SETTING = "SELECT pg_catalog.set_config(%s, %s, true)"

_EXPLAINED = {
    "select_stmt": "SELECT",
    "insert_stmt": "INSERT",
    "update_stmt": "UPDATE",
    "delete_stmt": "DELETE",
    "merge_stmt": "MERGE",
}

_WRITES = {"InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement that can be explained, with values."""

    sql: str
    names: Sequence[str]
    bound: Bound


@dataclass(frozen=True, slots=True)
class Planned:
    """A query with its plan; ``refused`` says why it cannot be executed."""

    query: DescribedQuery
    missing: str | None = None
    asked: Asked | None = None
    plan: Mapping[str, Any] | None = None
    generic: Mapping[str, Any] | None = None
    without_scans: Mapping[str, Any] | None = None
    refused: str | None = None


class Explainer:
    """Explains queries on one database, in whose tables nothing is left behind.

    The connection must be in autocommit, and is for this alone.
    """

    def __init__(self, connection: Connection[Any], tables: Tables) -> None:
        self._connection = connection
        self._tables = tables
        self._describer = Describer(connection)
        self._lookups = Lookups(connection)
        self._sampler = Sampler(connection)
        self._partitions = Partitions.of(connection)

    def plan(self, query: DescribedQuery) -> Planned:
        """Plan a query for typical values, without executing it."""
        missing = _why_missing(query)
        if missing is not None:
            return Planned(query, missing=missing)
        asked = self._asked(query)
        generic = self._try(_GENERIC, asked.sql, None)
        custom = self._try(_PLANNED, asked.sql, asked.bound)
        plan = custom if isinstance(custom, Mapping) else generic
        if not isinstance(plan, Mapping):
            return Planned(query, missing=str(custom))
        without = self._try(
            _PLANNED, asked.sql, asked.bound, settings={"enable_seqscan": "off"}
        )
        return Planned(
            query,
            asked=asked,
            plan=plan,
            generic=_if_plan(generic),
            without_scans=_if_plan(without),
            refused=None if plan is custom else str(custom),
        )

    def execute(self, planned: Planned) -> QueryPlan:
        """Execute what was planned; what keeps it from that is said in the result."""
        query, asked = planned.query, planned.asked
        name, location = query.name, query.query.location
        if asked is None or planned.plan is None:
            return QueryPlan(name, location, missing=planned.missing)
        found: Mapping[str, Any] | str = planned.refused or self._try(
            _EXECUTED, asked.sql, asked.bound
        )
        executed = _if_plan(found)
        root = _node(executed or planned.plan, planned.generic, asked)
        without = planned.without_scans
        return QueryPlan(
            name,
            location,
            root=root,
            shape=shape(_node(planned.plan, planned.generic, asked), self._partitions),
            flags=find_flags(
                root,
                None if without is None else _node(without, planned.generic, asked),
                self._tables,
            ),
            milliseconds=executed[_TOTAL] if executed else None,
            not_executed=None if executed else str(found),
        )

    def _asked(self, query: DescribedQuery) -> Asked:
        """Choose the text, with every condition and the first order, and values."""
        text = assemble(query.pieces, frozenset(conditional(query.pieces)), None)
        tree = self._describer.analysed(text)
        targets = find_targets(tree, self._lookups) if tree is not None else {}
        values = self._sampler.values(query, tree, targets)
        for number, parameter in enumerate(query.described.parameters):
            if parameter.type.endswith("agtype"):
                values[number] = cypher_values(self._connection, text)
        bound: Bound = (
            [None if value is None else value.encode() for value in values],
            tuple(each.oid for each in query.described.parameters),
            [Format.TEXT] * len(values),
        )
        return Asked(text, query.query.parameters, bound)

    def _try(
        self,
        explain: bytes,
        statement: str,
        bound: Bound | None,
        settings: Mapping[str, str] | None = None,
    ) -> Mapping[str, Any] | str:
        """Return the plan's document, or why there is none, without values."""
        try:
            with self._undone(settings or {}):
                text = explain + statement.encode()
                if bound is None:  # or libpq would ask for the parameters
                    result = self._connection.pgconn.exec_(text)
                    return _single(result)
                cursor = BoundCursor(self._connection).execute(text, bound)
                row = cursor.fetchone()
        except psycopg.Error as error:
            return reason(error)
        return _plan(row[0]) if row else "EXPLAIN shows nothing"

    @contextmanager
    def _undone(self, settings: Mapping[str, str]) -> Iterator[None]:
        with self._connection.transaction(force_rollback=True):
            limits = {"statement_timeout": f"{LONGEST_SECONDS}s", **settings}
            for name, value in limits.items():
                self._connection.execute(_SETTING, [name, value])
            yield


def writes(query: DescribedQuery) -> bool:
    """Tell whether a statement may change rows."""
    try:
        tree = postgast.parse(query.query.sql)
    except postgast.PgQueryError:
        return False
    return any(type(node).__name__ in _WRITES for _, node in postgast.walk(tree))


def _why_missing(query: DescribedQuery) -> str | None:
    if query.error is not None:
        return f"PostgreSQL refuses it: {query.error.message}"
    if query.query.operator == SCRIPT:
        return "a script of several statements has no plan"
    statement = postgast.parse(query.query.sql).stmts[0].stmt
    kind = statement.WhichOneof("node")
    if kind not in _EXPLAINED:
        words = " ".join(query.query.sql.split()[:2]).upper()
        return f"PostgreSQL makes no plan for {words}"
    return None


def _node(
    plan: Mapping[str, Any], generic: Mapping[str, Any] | None, asked: Asked
) -> PlanNode:
    texts = masked(plan, generic, sql=asked.sql, names=asked.names)
    return read_node(plan, texts)


def _if_plan(found: Mapping[str, Any] | str) -> Mapping[str, Any] | None:
    return found if isinstance(found, Mapping) else None


def _single(result: Any) -> Mapping[str, Any]:
    if result.status == psycopg.pq.ExecStatus.FATAL_ERROR:
        raise psycopg.errors.error_from_result(result, encoding="utf-8")
    return _plan(json.loads(result.get_value(0, 0)))


def _plan(document: Any) -> Mapping[str, Any]:
    """Return the top node, with the time that triggers took too."""
    found = document[0]
    return {**found["Plan"], _TOTAL: found.get("Execution Time")}


def reason(error: psycopg.Error) -> str:
    """Say why it was not executed, without a word that may hold a value."""
    found = translate(error)
    if isinstance(found, StatementTimeout):
        return f"it took longer than {LONGEST_SECONDS} s"
    if isinstance(found, ConstraintViolation):
        rule = found.constraint or "a constraint"
        return f"{rule} refuses the values that were tried"
    if isinstance(error, psycopg.errors.UndefinedTable):
        name = _QUOTED.search(error.diag.message_primary or "")
        return f"it reads {name[1] if name else 'a table'}, which is not there"
    return (
        "PostgreSQL refuses the values that were tried"
        f" (SQLSTATE {error.sqlstate or 'unknown'})"
    )
