from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.instrumentation.psycopg import PsycopgInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from psycopg import AsyncConnection, Connection

from drystone.database.pool import open_pool
from drystone.errors import DatabaseError
from drystone.ops.telemetry import instrument
from drystone.settings import Settings
from tests.ops.test_queries import BROKEN, SECRET, SERIES


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(exporter: InMemorySpanExporter) -> Iterator[TracerProvider]:
    made = TracerProvider()
    made.add_span_processor(SimpleSpanProcessor(exporter))
    yield made
    made.shutdown()


def test_a_query_is_a_span_of_its_name_below_the_current_one(
    connection: Connection[Any],
    exporter: InMemorySpanExporter,
    provider: TracerProvider,
) -> None:
    spans = instrument(provider)
    try:
        with provider.get_tracer("app").start_as_current_span("request"):
            SERIES.rows(connection, (3,))
        with pytest.raises(DatabaseError), connection.transaction():
            BROKEN.rows(connection, (SECRET,))
    finally:
        spans.stop()
    SERIES.rows(connection, (3,))
    query, request, broken = exporter.get_finished_spans()
    assert (query.name, query.kind) == ("test.series", SpanKind.CLIENT)
    assert dict(query.attributes or {}) == {
        "db.system.name": "postgresql",
        "db.query.summary": "test.series",
        "db.response.returned_rows": 3,
    }
    assert query.parent == request.context
    assert (request.start_time or 0) <= (query.start_time or 0)
    assert (query.start_time or 0) < (query.end_time or 0) <= (request.end_time or 0)
    assert broken.status.status_code is StatusCode.ERROR
    assert (broken.attributes or {})["db.response.status_code"] == "22012"
    assert SECRET not in "".join(span.to_json() for span in (query, request, broken))


def test_psycopgs_instrumentation_sees_own_statements_and_no_generated_ones(
    database_url: str,
    exporter: InMemorySpanExporter,
    provider: TracerProvider,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So both may be on, and no query is told twice."""
    # Once off, it leaves a method that makes connections of these classes only.
    for kind in (Connection, AsyncConnection):
        monkeypatch.setattr(kind, "connect", kind.__dict__["connect"])
    instrumentor = PsycopgInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    try:
        with open_pool(database_url, Settings()) as pool, pool.connection() as opened:
            exporter.clear()
            SERIES.rows(opened, (3,))
            assert exporter.get_finished_spans() == ()
            opened.cursor().execute("SELECT 1")
            assert len(exporter.get_finished_spans()) == 1
    finally:
        instrumentor.uninstrument()
