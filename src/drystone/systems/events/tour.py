"""A short tour of the events system: real questions to the demo data, with answers."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from drystone.errors import DrystoneError
from drystone.systems.events import graph, ingest, search, stats
from drystone.systems.events.demo.generation import REFERENCE_DATE
from drystone.systems.events.embedding import embed

_QUESTION = "language models that answer from your own documents"
_YEAR = dt.timedelta(days=365)
_PAGE = "<html><body>" + "An event that is listed somewhere else. " * 5

_CENSUS = """
SELECT
    (SELECT count(*) FROM events.events),
    (SELECT count(*) FROM events.speakers),
    (SELECT count(*) FROM events.companies),
    (SELECT count(*) FROM events.topics),
    (SELECT count(*) FROM events.event_speakers)
        + (SELECT count(*) FROM events.event_companies)
        + (SELECT count(*) FROM events.event_topics)
"""


@dataclass(frozen=True, slots=True)
class Stop:
    """One question of the tour: what is asked, how, and what came back."""

    title: str
    call: str
    seconds: float
    headers: tuple[str, ...]
    rows: list[tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Census:
    """How much the system holds."""

    events: int
    speakers: int
    companies: int
    topics: int
    links: int


def census(connection: Connection[Any]) -> Census:
    """Count what the system holds."""
    row = connection.execute(_CENSUS).fetchone()
    return Census(*row) if row else Census(0, 0, 0, 0, 0)


def stops(connection: Connection[Any]) -> Iterator[Stop]:
    """Ask one question of each kind: by words, by meaning, by both, by relations."""
    yield _ask(
        "Full text: which events speak of it?",
        "search_text(q='\"vector search\" or embeddings')",
        ("event", "date", "where", "rank"),
        lambda: [
            (hit.name, _day(hit.date), hit.location or "", f"{hit.rank:.2f}")
            for hit in search.search_text(
                connection, q='"vector search" or embeddings', limit_rows=3
            )
        ],
    )
    vector = embed(_QUESTION)
    yield _ask(
        "Vector: which events mean something like it?",
        f'nearest_events(embedding=embed("{_QUESTION}"))',
        ("event", "date", "where", "similarity"),
        lambda: [
            (hit.name, _day(hit.date), hit.location or "", f"{hit.similarity:.2f}")
            for hit in search.nearest_events(connection, embedding=vector, limit_rows=3)
        ],
    )
    yield _ask(
        "Hybrid: 0.7 of meaning, 0.3 of words",
        'search_hybrid(q="language models", embedding=…)',
        ("event", "meaning", "words", "score"),
        lambda: [
            (
                hit.name,
                f"{hit.vector_score:.2f}",
                f"{hit.text_score:.2f}",
                f"{hit.score:.2f}",
            )
            for hit in search.search_hybrid(
                connection,
                q="language models",
                embedding=vector,
                limit_rows=3,
            )
        ],
    )
    here, there = _far_apart(connection)
    yield _ask(
        f"Graph: how does {here.name} get to know {there.name}?",
        "shortest_path(params={from_id, to_id, max_hops: 4})",
        ("step", "who", "met at"),
        lambda: [
            (str(hop.step), hop.speaker_name, hop.event_name or "")
            for hop in graph.shortest_path(
                connection,
                params={
                    "from_id": str(here.id),
                    "to_id": str(there.speaker_id),
                    "max_hops": 4,
                },
            )
        ],
    )


def _far_apart(
    connection: Connection[Any],
) -> tuple[stats.ActiveSpeakersRow, graph.SpeakerNetworkRow]:
    """Return the busiest speaker, and one of those who are three meetings away."""
    busiest = stats.active_speakers(
        connection,
        date_from=REFERENCE_DATE - _YEAR,
        date_to=REFERENCE_DATE + _YEAR,
        limit_rows=1,
    )[0]
    met = graph.speaker_network(
        connection,
        params={"speaker_id": str(busiest.id), "depth": 3},
        limit_rows=10_000,
    )
    return busiest, met[-1]


def refused(connection: Connection[Any]) -> DrystoneError:
    """Store an event from a foreign site and return the error that refuses it."""
    try:
        ingest.upsert_scraped_event(
            connection,
            luma_url="https://example.com/not-on-luma",
            name="An event from somewhere else",
            raw_html=_PAGE,
            scraped_at=dt.datetime.now(dt.UTC),
        )
    except DrystoneError as error:
        return error
    raise AssertionError("the database took an event that breaks its rules")


def _ask(
    title: str,
    call: str,
    headers: tuple[str, ...],
    question: Callable[[], list[tuple[str, ...]]],
) -> Stop:
    begin = time.monotonic()
    rows = question()
    return Stop(title, call, time.monotonic() - begin, headers, rows)


def _day(date: dt.date | None) -> str:
    return f"{date:%d %b %Y}" if date else ""
