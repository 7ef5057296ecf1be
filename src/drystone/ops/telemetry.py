"""Traces: a span of OpenTelemetry's for each query that a generated function runs.

OpenTelemetry's own instrumentation of psycopg replaces the cursors that connections
make. Generated functions make theirs themselves, so it does not see their queries; the
spans here are made from what the observer is told, by the same conventions for
databases. A span has the query's name, never its text or a parameter.
"""

from __future__ import annotations

import time
from importlib.metadata import version

from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode, TracerProvider

from drystone.queries.runtime import observing


class QuerySpans:
    """Makes spans below the current one, until :meth:`stop` is called."""

    def __init__(self, tracer_provider: TracerProvider | None) -> None:
        self._tracer = trace.get_tracer(
            "drystone", version("drystone"), tracer_provider
        )
        observing.observe(self._tell)

    def stop(self) -> None:
        """Make no more spans."""
        observing.forget(self._tell)

    def _tell(
        self, name: str, seconds: float, rows: int | None, sqlstate: str | None
    ) -> None:
        end = time.time_ns()
        span = self._tracer.start_span(
            name,
            kind=SpanKind.CLIENT,
            start_time=end - int(seconds * 1e9),
            attributes={"db.system.name": "postgresql", "db.query.summary": name},
        )
        if rows is None:
            span.set_status(Status(StatusCode.ERROR))
            span.set_attribute("error.type", sqlstate or "_OTHER")
            if sqlstate is not None:
                span.set_attribute("db.response.status_code", sqlstate)
        else:
            span.set_attribute("db.response.returned_rows", rows)
        span.end(end)


def instrument(tracer_provider: TracerProvider | None = None) -> QuerySpans:
    """Have each query of this process be a span; by default, of the global provider."""
    return QuerySpans(tracer_provider)
