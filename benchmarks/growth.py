"""What grows with a system's rows: each query at a tenth of them, at all, unindexed."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from psycopg import Connection

from benchmarks.timing import milliseconds
from drystone.cli.output import line, table
from drystone.queries.runtime.statement import Statement, call_of

Question = Callable[[Connection[Any]], Any]

S = TypeVar("S")


def show_growth(
    connection: Connection[Any],
    questions: Callable[[Connection[Any]], dict[str, Question]],
    *,
    load: Callable[[Connection[Any], S], object],
    sizes: tuple[S, S],
    labels: tuple[str, str, str],
    unindexed: Sequence[str],
    calls: int,
) -> None:
    """Print the median of each question at both sizes, and of some without indexes.

    The labels are of the small size, the large one, and the large one without indexes.
    The rows of the large size stay.
    """
    medians: dict[str, list[float]] = {}
    for size in sizes:
        load(connection, size)
        for name, question in questions(connection).items():
            medians.setdefault(name, []).append(_median(connection, question, calls))
    without = {}
    with _no_indexes(connection):
        for name in unindexed:
            without[name] = _median(connection, questions(connection)[name], calls=3)
    rows = [
        (
            name,
            f"{small:.2f}",
            f"{large:.2f}",
            f"{large / small:.1f}",
            f"{without[name]:.0f}" if name in without else "",
            f"{without[name] / large:.0f}" if name in without else "",
        )
        for name, (small, large) in medians.items()
    ]
    small_ms, large_ms, without_ms = (f"{label} ms" for label in labels)
    headers = ("query", small_ms, large_ms, "times", without_ms, "times")
    table(headers, rows, right=headers[1:])


def show_plan(connection: Connection[Any], question: Question, *, title: str) -> None:
    """Print the plan of a query as it was executed, with rows and blocks."""
    call = call_of(question)
    explain = "EXPLAIN (ANALYZE, BUFFERS, COSTS OFF, TIMING OFF, SUMMARY OFF) "
    explained = Statement[str](
        "explain",
        explain + call.statement._sql.decode(),
        parameters=call.statement._parameters,
    )
    line(f"\n{title}:")
    with connection.transaction(force_rollback=True):
        line("\n".join(explained.rows(connection, call.values)))


def _median(connection: Connection[Any], question: Question, calls: int) -> float:
    def once(connection: Connection[Any]) -> None:
        with connection.transaction(force_rollback=True):
            question(connection)

    once(connection)
    return statistics.median(milliseconds(once, [connection] * calls))


@contextmanager
def _no_indexes(connection: Connection[Any]) -> Iterator[None]:
    """Let the planner use no index."""
    kinds = ("indexscan", "indexonlyscan", "bitmapscan")
    for kind in kinds:
        connection.execute(f"SET enable_{kind} = off".encode())
    try:
        yield
    finally:
        for kind in kinds:
            connection.execute(f"RESET enable_{kind}".encode())
