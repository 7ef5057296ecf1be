"""The events system's queries against the budgets that it was asked to keep."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from psycopg import Connection
from psycopg.conninfo import make_conninfo

from benchmarks.timing import milliseconds, percentile
from drystone.cli.output import table
from drystone.database.pool import Pool, open_pool
from drystone.settings import Settings
from drystone.systems.events import browse, graph, search
from drystone.systems.events.embedding import embed

_CALLS = 400
_CLIENTS = 20

# Milliseconds at the 95th percentile.
_BUDGETS = {"read": 150, "list": 150, "text": 300, "vector": 300, "graph": 500}


def run(connection: Connection[Any]) -> None:
    """Print p50 and p95 of each kind of query, alone and under 20 clients at once."""
    ids = [row[0] for row in connection.execute("SELECT id FROM events.events")]
    people = [row[0] for row in connection.execute("SELECT id FROM events.speakers")]
    chance = random.Random(1)
    vector = embed("language models that answer from your own documents")
    questions: dict[str, Callable[[Any], Any]] = {
        "read": lambda c: browse.get_event(c, event_id=chance.choice(ids)),
        "list": lambda c: browse.list_events(c, limit_rows=20),
        "text": lambda c: search.search_text(c, q="vector search", limit_rows=10),
        "vector": lambda c: search.nearest_events(c, embedding=vector, limit_rows=10),
        "graph": lambda c: graph.speaker_network(
            c,
            params={"speaker_id": str(chance.choice(people)), "depth": 2},
            limit_rows=50,
        ),
    }
    info = connection.info
    conninfo = make_conninfo(
        "", host=info.host, port=info.port, user=info.user, dbname=info.dbname
    )
    settings = Settings(pool_min_size=_CLIENTS)
    rows = []
    with open_pool(conninfo, settings) as pool, ThreadPoolExecutor(_CLIENTS) as threads:
        for name, question in questions.items():
            alone = milliseconds(question, [connection] * (_CALLS // 4))
            crowd = list(threads.map(_through, [pool] * _CALLS, [question] * _CALLS))
            rows.append(
                (
                    name,
                    f"{percentile(alone, 50):.1f}",
                    f"{percentile(alone, 95):.1f}",
                    f"{percentile(crowd, 50):.1f}",
                    f"{percentile(crowd, 95):.1f}",
                    str(_BUDGETS[name]),
                )
            )
    headers = ("query", "p50 ms", "p95 ms", "20 at once: p50", "p95", "budget p95")
    table(headers, rows, right=headers[1:])


def _through(pool: Pool, question: Callable[[Any], Any]) -> float:
    with pool.connection() as connection:
        return milliseconds(question, [connection])[0]
