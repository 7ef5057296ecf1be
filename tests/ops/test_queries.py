from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from psycopg import AsyncConnection, Connection

from drystone.errors import DatabaseError, UniqueViolation
from drystone.ops.logs import JsonLines, LineHandler, request_id
from drystone.ops.queries import QueryObserver, observe_queries
from drystone.queries.runtime import observing
from drystone.queries.runtime.statement import Statement
from drystone.settings import Settings
from tests.ops.conftest import samples

SECRET = "4111-1111-1111-1111"

SERIES = Statement[int](
    "test.series",
    "SELECT n FROM generate_series(1, $1) AS n",
    parameters=(("last", "int4"),),
    binary=True,
)
INSERT = Statement[Any](
    "test.insert",
    "INSERT INTO pg_temp.cards VALUES ($1)",
    parameters=(("card", "text"),),
)
BROKEN = Statement[Any](
    "test.broken", "SELECT 1 / (length($1) - 19)", parameters=(("card", "text"),)
)

Told = list[tuple[str, int | None, str | None]]


@pytest.fixture
def told() -> Iterator[Told]:
    """What a plain observer is told, without the seconds."""
    found: Told = []

    def observe(
        name: str, seconds: float, rows: int | None, sqlstate: str | None
    ) -> None:
        assert 0 < seconds < 60
        found.append((name, rows, sqlstate))

    observing.observe(observe)
    yield found
    observing.forget(observe)
    assert observing.current is None


@pytest.fixture
def cards(connection: Connection[Any]) -> Connection[Any]:
    connection.execute("CREATE TEMP TABLE cards (card text PRIMARY KEY)")
    return connection


def test_every_kind_of_call_is_told_with_its_rows(
    cards: Connection[Any], told: Told
) -> None:
    SERIES.rows(cards, (3,))
    SERIES.one(cards, (1,))
    SERIES.row(cards, (0,))
    INSERT.count(cards, ("a",))
    INSERT.count_many(cards, [("b",), ("c",)])
    Statement[Any]("test.script", "SELECT 1; SELECT 2").script(cards)
    with SERIES.stream(cards, (2500,)) as rows:
        assert sum(1 for _ in rows) == 2500
    assert told == [
        ("test.series", 3, None),
        ("test.series", 1, None),
        ("test.series", 0, None),
        ("test.insert", 1, None),
        ("test.insert", 2, None),
        ("test.script", 0, None),
        ("test.series", 2500, None),
    ]


async def test_asynchronous_calls_are_told_likewise(
    database_url: str, told: Told
) -> None:
    async with await AsyncConnection.connect(database_url) as connection:
        await connection.execute("CREATE TEMP TABLE cards (card text PRIMARY KEY)")
        await SERIES.rows(connection, (3,))
        await INSERT.count(connection, ("a",))
        await INSERT.count_many(connection, [("b",), ("c",)])
        async with SERIES.stream(connection, (2500,)) as rows:
            assert len([row async for row in rows]) == 2500
        with pytest.raises(UniqueViolation):
            await INSERT.count(connection, ("a",))
    assert told == [
        ("test.series", 3, None),
        ("test.insert", 1, None),
        ("test.insert", 2, None),
        ("test.series", 2500, None),
        ("test.insert", None, "23505"),
    ]


@pytest.mark.parametrize("method", ["rows", "count", "stream"])
def test_a_failure_is_told_once_with_its_sqlstate(
    connection: Connection[Any], told: Told, method: str
) -> None:
    def call() -> None:
        if method == "stream":
            with BROKEN.stream(connection, (SECRET,)) as rows:
                list(rows)
        else:
            getattr(BROKEN, method)(connection, (SECRET,))

    with pytest.raises(DatabaseError), connection.transaction():
        call()
    assert told == [("test.broken", None, "22012")]


def test_several_observers_are_told_and_forgotten_one_by_one(
    connection: Connection[Any], told: Told
) -> None:
    others: list[str] = []

    def other(name: str, *_: object) -> None:
        others.append(name)

    observing.observe(other)
    SERIES.rows(connection, (1,))
    observing.forget(other)
    SERIES.rows(connection, (1,))
    assert (len(told), others) == (2, ["test.series"])


# --- Metrics and log lines --------------------------------------------------------


class Observed:
    """An observer, and what comes of it."""

    def __init__(self, observer: QueryObserver, registry: CollectorRegistry) -> None:
        self.observer = observer
        self._registry = registry

    def metrics(self) -> dict[Any, float]:
        return samples(generate_latest(self._registry).decode())


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What handlers of the root logger write as JSON lines."""
    stream = io.StringIO()
    handler = LineHandler(stream)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


def observed(*, handler: LineHandler | None = None, **settings: Any) -> Observed:
    registry = CollectorRegistry()
    return Observed(
        observe_queries(Settings(**settings), registry=registry, handler=handler),
        registry,
    )


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_queries_are_counted_by_name(cards: Connection[Any]) -> None:
    found = observed(log_queries="none")
    try:
        for _ in range(3):
            SERIES.rows(cards, (5,))
        with pytest.raises(DatabaseError), cards.transaction():
            BROKEN.rows(cards, (SECRET,))
        metrics = found.metrics()
    finally:
        found.observer.close()
    series, broken = ("query", "test.series"), ("query", "test.broken")
    assert metrics["drystone_query_seconds_count", (series,)] == 3
    assert metrics["drystone_query_seconds_bucket", (("le", "+Inf"), series)] == 3
    assert 0 < metrics["drystone_query_seconds_sum", (series,)] < 60
    assert metrics["drystone_query_rows_total", (series,)] == 15
    assert metrics["drystone_query_seconds_count", (broken,)] == 1
    errors = "drystone_query_errors_total"
    assert metrics[errors, (broken, ("sqlstate", "22012"))] == 1
    assert (errors, (series, ("sqlstate", "22012"))) not in metrics
    SERIES.rows(cards, (5,))
    assert found.metrics()["drystone_query_seconds_count", (series,)] == 3


@pytest.mark.parametrize("direct", [True, False])
def test_a_line_for_each_query_has_its_request(
    cards: Connection[Any], log: io.StringIO, *, direct: bool
) -> None:
    """Written by a handler at once, or as records for whatever handlers there are."""
    stream = io.StringIO() if direct else log
    handler = LineHandler(stream) if direct else None
    found = observed(handler=handler, log_queries="all", slow_query_ms=60_000)
    token = request_id.set("request-7")
    try:
        SERIES.rows(cards, (5,))
        INSERT.count(cards, (SECRET,))
    finally:
        request_id.reset(token)
        found.observer.close()
    first, second = lines(stream)
    assert first.pop("timestamp").endswith("Z")
    assert 0 < first.pop("milliseconds") < 60_000
    assert first == {
        "level": "INFO",
        "logger": "drystone.query",
        "message": "query",
        "query": "test.series",
        "rows": 5,
        "sqlstate": None,
        "request_id": "request-7",
    }
    assert (second["query"], second["rows"]) == ("test.insert", 1)


def test_slow_and_failed_queries_are_warnings(
    cards: Connection[Any], log: io.StringIO
) -> None:
    found = observed(log_queries="slow", slow_query_ms=20)
    try:
        SERIES.rows(cards, (1,))
        Statement[Any]("test.slow", "SELECT pg_sleep(0.03)").rows(cards)
        with pytest.raises(DatabaseError), cards.transaction():
            BROKEN.rows(cards, (SECRET,))
    finally:
        found.observer.close()
    slow, broken = (line for line in lines(log) if line["query"] != "test.series")
    assert (slow["level"], slow["message"]) == ("WARNING", "slow query")
    assert slow["query"] == "test.slow"
    assert slow["milliseconds"] >= 30
    assert (broken["message"], broken["sqlstate"]) == ("query failed", "22012")
    assert broken["rows"] is None


def test_no_line_has_a_parameter_or_a_password(
    cards: Connection[Any], log: io.StringIO
) -> None:
    found = observed(log_queries="all", slow_query_ms=0)
    try:
        INSERT.count(cards, (SECRET,))
        try:
            with cards.transaction():
                INSERT.count(cards, (SECRET,))
        except UniqueViolation:
            # PostgreSQL's own message, the cause of this one, has the value.
            logging.getLogger("app").exception("the card could not be stored")
    finally:
        found.observer.close()
    told = log.getvalue()
    assert "the card could not be stored" in told
    assert "UniqueViolation" in told
    assert "test_queries.py" in told
    assert SECRET not in told
    assert SECRET not in str(found.metrics())


def test_an_exception_is_told_by_type_and_place() -> None:
    try:
        raise ValueError(SECRET)
    except ValueError:
        text = JsonLines().formatException(sys.exc_info())
    assert text.startswith("ValueError\n  ")
    assert SECRET not in text
