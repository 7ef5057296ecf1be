"""``drystone serve``: health and metrics over HTTP."""

from __future__ import annotations

import logging

import click
from prometheus_client import REGISTRY

from drystone.cli.context import Context, pass_context
from drystone.ops.logs import configure_logging
from drystone.ops.metrics import watch_database, watch_pools
from drystone.ops.monitor import Monitor
from drystone.ops.queries import observe_queries
from drystone.ops.serving import application
from drystone.ops.serving import serve as serve_application

logger = logging.getLogger(__name__)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=8000, show_default=True, help="0: any that is free.")
@pass_context
def serve(context: Context, *, host: str, port: int) -> None:
    """Serve /health/…, /status, /migrations and /metrics; log JSON lines on stderr.

    SIGTERM: new requests are refused, those at hand are finished within the grace
    period of the setting serve_grace.
    """
    settings = context.settings
    monitor = Monitor(
        context.target.conninfo,
        settings,
        migrations=context.read_migrations(),
        repeatables=context.read_repeatables(),
    )
    handler = configure_logging()
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    queries = observe_queries(settings, handler=handler)
    watch_pools(monitor.pool)
    watch_database(monitor)

    def end() -> None:
        queries.close()
        monitor.close()
        logger.info("ended")

    def started(port: int) -> None:
        logger.info("serving", extra={"host": host, "port": port})

    app = application(monitor, registry=REGISTRY, at_end=end)
    serve_application(app, host, port, grace=settings.serve_grace, started=started)
