"""How good approximate answers are: the recall of HNSW indexes, by a sample.

Rows of the table itself are the queries. Of the ten that are nearest to each, apart
from itself, the recall is the share that is found by the index, with the settings that
the session has. The exact answer reads the whole table, so time is rationed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection, sql

from drystone.ops.vector_indexes import VectorIndex, read_vector_indexes

logger = logging.getLogger(__name__)

NEAREST = 10
_SAMPLES = 20
_BUDGET = 5.0
# Whole blocks are sampled, and the rows of an index may lie in few of them.
_OVERSAMPLED = 50

_SAMPLE = """
SELECT sampled.value::text
FROM (
    SELECT ({value}) AS value
    FROM {table} TABLESAMPLE SYSTEM ({percent})
    WHERE ({value}) IS NOT NULL AND ({condition})
    ORDER BY pg_catalog.random()
    LIMIT {samples}
) AS sampled
"""

_NEAREST = """
SELECT ({value}) {operator} {query}
FROM {table}
WHERE {condition}
ORDER BY ({value}) {operator} {query}
LIMIT {limit}
"""

_EXACT = """
SET LOCAL enable_indexscan = off;
SET LOCAL enable_bitmapscan = off
"""


def measure_recall(
    connection: Connection[Any], *, budget: float = _BUDGET
) -> dict[str, float]:
    """Return the recall of each HNSW index, by its name with its schema.

    Takes about ``budget`` seconds at most, shared by the indexes; what could not be
    measured in them, or may not be read, is left out.
    """
    indexes = [i for i in read_vector_indexes(connection) if i.method == "hnsw"]
    found = {}
    for index in indexes:
        until = time.monotonic() + budget / len(indexes)
        try:
            recall = _recall_of(connection, index, until)
        except psycopg.Error as error:
            logger.info("no recall of %s: %s", index.name, error.sqlstate)
            continue
        if recall is not None:
            found[index.name] = recall
    return found


def _recall_of(
    connection: Connection[Any], index: VectorIndex, until: float
) -> float | None:
    hits = wanted = 0
    try:
        for vector in _sample(connection, index, until):
            query = _nearest(index, vector)
            with _limited(connection, until):
                approximate = [row[0] for row in connection.execute(query)]
                connection.execute(_EXACT)
                exact = [row[0] for row in connection.execute(query)]
            if len(exact) < 2:
                continue
            # Itself is among them. Equally distant rows are equally right.
            hits += sum(distance <= exact[-1] for distance in approximate) - 1
            wanted += len(exact) - 1
    except (TimeoutError, psycopg.errors.QueryCanceled):
        pass
    return hits / wanted if wanted else None


def _sample(connection: Connection[Any], index: VectorIndex, until: float) -> list[str]:
    percent = 100 * _OVERSAMPLED * _SAMPLES / max(index.rows, 1)
    statement = sql.SQL(_SAMPLE).format(
        samples=sql.Literal(_SAMPLES),
        percent=sql.Literal(min(percent, 100)),
        **_parts(index),
    )
    with _limited(connection, until):
        return [row[0] for row in connection.execute(statement)]


def _nearest(index: VectorIndex, vector: str) -> sql.Composed:
    return sql.SQL(_NEAREST).format(
        operator=sql.SQL(index.operator),
        # A constant, as an index of an expression is used for one of its type.
        query=sql.Literal(vector),
        limit=sql.Literal(NEAREST + 1),
        **_parts(index),
    )


def _parts(index: VectorIndex) -> dict[str, sql.Composable]:
    return {
        "value": sql.SQL(index.value),
        "condition": sql.SQL(index.condition),
        "table": sql.SQL(index.table),
    }


@contextmanager
def _limited(connection: Connection[Any], until: float) -> Iterator[None]:
    """Leave the session as it was, and let no statement last longer than ``until``."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    with connection.transaction(force_rollback=True):
        connection.execute(
            "SELECT pg_catalog.set_config('statement_timeout', %s, true)",
            [f"{max(1, round(left * 1000))}ms"],
        )
        yield
