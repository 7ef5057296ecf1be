"""One query's trial: what is said of its columns against the rows that it returns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection
from psycopg.pq import ExecStatus

from drystone.errors import QueryError
from drystone.queries.describing.description import Describer
from tests.queries.fuzz.changes import Query, random_query
from tests.queries.fuzz.schema import fill, relations

_TIMEOUT = b"SET statement_timeout = '1s'"

# Data sets for each lot of queries, filled anew before each.
DATA_SETS = 2


@dataclass(slots=True)
class Outcome:
    """What became of one query; ``null`` and ``claimed`` have an entry a column."""

    seed: str
    query: Query
    claimed: list[bool] | None = None
    null: list[bool] = field(default_factory=list)
    rows: int = 0
    executed: bool = False
    refusal: str = ""

    def wrong(self) -> list[int]:
        """Return the columns, counted from 1, that hold NULL against the claim."""
        both = zip(self.claimed or [], self.null, strict=False)
        return [
            number
            for number, (claimed, null) in enumerate(both, start=1)
            if claimed and null
        ]

    def report(self) -> str:
        """Tell how the query can be had again, and what was wrong."""
        columns = ", ".join(str(number) for number in self.wrong())
        return (
            f"NULL in column {columns}, described as never NULL, of the query "
            f"{self.seed!r} with {self.query.values}:\n{self.query.sql}"
        )


def try_queries(
    connection: Connection[Any],
    describer: Describer,
    seed: str,
    numbers: Sequence[int],
) -> list[Outcome]:
    """Describe random queries, and execute each on several data sets.

    The connection is another than the describer's, in autocommit; every change is
    rolled back.
    """
    known = relations(connection)
    outcomes = [
        Outcome(f"{seed}/{number}", random_query(f"{seed}/{number}", known))
        for number in numbers
    ]
    for outcome in outcomes:
        describe(describer, outcome)
    described = [each for each in outcomes if each.claimed is not None]
    for number in range(DATA_SETS):
        fill(connection, f"{seed}/{numbers[0]}/{number}")
        for outcome in described:
            execute(connection, outcome)
    return outcomes


def describe(describer: Describer, outcome: Outcome) -> None:
    try:
        described = describer.describe(outcome.query.sql)
    except QueryError as refused:
        outcome.refusal = str(refused)
        return
    outcome.claimed = [not column.nullable for column in described.columns]


def execute(connection: Connection[Any], outcome: Outcome) -> None:
    """Look for NULLs in the columns; nothing is converted to Python's types."""
    raw = connection.pgconn
    raw.exec_(_TIMEOUT)
    raw.exec_(b"BEGIN")
    values = [None if v is None else v.encode() for v in outcome.query.values]
    result = raw.exec_params(outcome.query.sql.encode(), values)
    raw.exec_(b"ROLLBACK")
    if result.status != ExecStatus.TUPLES_OK:
        outcome.refusal = result.error_message.decode(errors="replace")
        return
    outcome.executed = True
    outcome.rows += result.ntuples
    outcome.null = [
        seen
        or any(result.get_value(row, column) is None for row in range(result.ntuples))
        for column, seen in enumerate(outcome.null or [False] * result.nfields)
    ]


def tally(outcomes: Sequence[Outcome]) -> Counter[str]:
    """Count queries and columns; ``full`` are those columns that showed no NULL."""
    counts: Counter[str] = Counter(queries=len(outcomes))
    for outcome in outcomes:
        counts["described"] += outcome.claimed is not None
        counts["executed"] += outcome.executed
        if not outcome.executed or not outcome.rows:
            continue
        counts["with rows"] += 1
        claimed = outcome.claimed or []
        counts["columns"] += len(claimed)
        counts["full"] += sum(not null for null in outcome.null)
        counts["claimed"] += sum(claimed)
        counts["wrong"] += len(outcome.wrong())
    return counts
