"""HNSW against the ivfflat index that the events system was first asked to have.

Both are built on the same rows and asked the same questions; an exact scan says what
the right answers are.
"""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from psycopg import Connection

from benchmarks.timing import milliseconds, percentile
from drystone.cli.output import table
from drystone.systems.events import indexes

_QUESTIONS = 200
_NEIGHBOURS = 10

_VECTORS = """
SELECT embedding
FROM events.events
WHERE embedding IS NOT NULL
ORDER BY md5(id::text)
LIMIT %s
"""

_NEAREST = """
SELECT id
FROM events.events
WHERE embedding IS NOT NULL
ORDER BY embedding <=> %s
LIMIT 10
"""

_SIZE = "SELECT pg_relation_size(%s::regclass) / 1024 / 1024.0"


def run(connection: Connection[Any]) -> None:
    """Print build time, size, recall@10 and latency of each kind of index."""
    vectors = [row[0] for row in connection.execute(_VECTORS, [_QUESTIONS])]
    connection.execute("SET enable_indexscan = off")
    exact = [_ask(connection, vector) for vector in vectors]
    slow = milliseconds(partial(_ask, connection), vectors)
    connection.execute("RESET enable_indexscan")
    connection.execute("SET enable_seqscan = off")  # 2,000 rows are few to a planner
    rows: list[tuple[str, ...]] = [
        ("exact scan", "", "", "1.000", *_latency(slow)),
    ]

    begin = time.perf_counter()
    connection.execute("REINDEX INDEX events.idx_events_embedding")
    seconds = time.perf_counter() - begin
    for effort in (40, 100):
        connection.execute(f"SET hnsw.ef_search = {effort}".encode())
        name = f"hnsw, ef_search {effort}"
        rows.append(
            _row(connection, name, "idx_events_embedding", seconds, vectors, exact)
        )

    connection.execute("DROP INDEX events.idx_events_embedding")
    begin = time.perf_counter()
    indexes.create_ivfflat_index(connection)
    seconds = time.perf_counter() - begin
    (ivfflat,) = indexes.embedding_indexes(connection)
    for probes in (1, 10):
        connection.execute(f"SET ivfflat.probes = {probes}".encode())
        name = f"ivfflat, probes {probes}"
        rows.append(_row(connection, name, ivfflat.index_name, seconds, vectors, exact))
    indexes.drop_ivfflat_index(connection)
    connection.execute(
        "CREATE INDEX idx_events_embedding"
        " ON events.events USING hnsw (embedding public.vector_cosine_ops)"
    )
    table(
        ("index", "build s", "MB", "recall@10", "p50 ms", "p95 ms"),
        rows,
        right=("build s", "MB", "recall@10", "p50 ms", "p95 ms"),
    )


def _row(
    connection: Connection[Any],
    name: str,
    index: str,
    seconds: float,
    vectors: list[Any],
    exact: list[set[Any]],
) -> tuple[str, ...]:
    found = [_ask(connection, vector) for vector in vectors]
    hits = sum(len(a & b) for a, b in zip(found, exact, strict=True))
    recall = hits / (_NEIGHBOURS * len(vectors))
    quick = milliseconds(partial(_ask, connection), vectors)
    size = connection.execute(_SIZE, [f"events.{index}"]).fetchone()
    megabytes = f"{size[0]:.1f}" if size else ""
    return (name, f"{seconds:.1f}", megabytes, f"{recall:.3f}", *_latency(quick))


def _ask(connection: Connection[Any], vector: Any) -> set[Any]:
    # Not prepared: a plan that is kept would outlive the index that it was made for.
    found = connection.execute(_NEAREST, [vector], prepare=False)
    return {row[0] for row in found}


def _latency(values: list[float]) -> tuple[str, str]:
    return f"{percentile(values, 50):.2f}", f"{percentile(values, 95):.2f}"
