"""The service that shows health and metrics over HTTP, and its routes for others'."""

from __future__ import annotations

import platform
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import uvicorn
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from drystone.errors import SettingsError
from drystone.migrations.history import as_document
from drystone.ops.checks import Check, Verdict
from drystone.ops.logs import new_request_id, request_id
from drystone.ops.monitor import Health, Monitor

_UNAVAILABLE = 503
_BACKLOG = 2048


class RequestIds:
    """Middleware: what is logged and observed within a request carries its id.

    The id is that of ``X-Request-ID``, or a new one; the response has it too.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        current = new_request_id(Headers(scope=scope).get("x-request-id"))

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-ID"] = current
            await send(message)

        token = request_id.set(current)
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            request_id.reset(token)


def routes(monitor: Monitor, *, registry: CollectorRegistry = REGISTRY) -> list[Route]:
    """Return the routes, for an application of one's own.

    Questions to the database are asked in threads, so the event loop never waits.
    """
    begin = time.monotonic()

    async def live(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    def ready(_: Request) -> Response:
        found = monitor.health()
        return _told(found.checks, ready=found.ready, at=found.at)

    def database(_: Request) -> Response:
        found = monitor.health()
        checks = found.of("database", "extension")
        return _told(checks, ready=not any(c.blocks for c in checks), at=found.at)

    def redis(_: Request) -> Response:
        found = monitor.health()
        checks = found.of("redis")
        away = any(check.verdict is Verdict.FAILED for check in checks)
        return _told(checks, ready=not away, at=found.at)

    def status(_: Request) -> Response:
        return JSONResponse(_status(monitor, time.monotonic() - begin))

    def migrations(_: Request) -> Response:
        found = monitor.health()
        if found.entries is None:
            return _told(found.checks, ready=False, at=found.at)
        return JSONResponse(as_document(found.entries))

    def metrics(_: Request) -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return [
        Route("/health/live", live),
        Route("/health/ready", ready),
        Route("/health/database", database),
        Route("/health/redis", redis),
        Route("/status", status),
        Route("/migrations", migrations),
        Route("/metrics", metrics),
    ]


def application(
    monitor: Monitor,
    *,
    registry: CollectorRegistry = REGISTRY,
    at_end: Callable[[], None] = lambda: None,
) -> Starlette:
    """Return the whole application; ``at_end`` is called when it is shut down."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        at_end()

    return Starlette(
        routes=routes(monitor, registry=registry),
        middleware=[Middleware(RequestIds)],
        lifespan=lifespan,
    )


def serve(
    app: ASGIApp, host: str, port: int, *, grace: int, started: Callable[[int], None]
) -> None:
    """Serve an application until SIGTERM or SIGINT; ``started`` is told the port.

    Then new connections are refused, requests at hand finish within ``grace`` seconds,
    and the application is shut down. Raises SettingsError where nobody may listen.
    """
    listening = _listen(host, port)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=grace,
            lifespan="on",
        )
    )

    def stop(*_: object) -> None:
        server.should_exit = True

    # uvicorn sends itself the signal again when it has ended: that shall not kill.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    with listening:
        started(listening.getsockname()[1])
        server.run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        raise SettingsError(
            f"nobody can listen on {host}, port {port}: {error.strerror}"
            if isinstance(error, OSError)
            else f"{port} is not a port",
            hint="Choose another with --host and --port.",
        ) from error


def _told(checks: list[Check], *, ready: bool, at: float) -> JSONResponse:
    document = {
        "status": "ok" if ready else "unavailable",
        "at": at,
        "checks": [check.as_document() for check in checks],
    }
    return JSONResponse(document, status_code=200 if ready else _UNAVAILABLE)


def _status(monitor: Monitor, uptime: float) -> dict[str, Any]:
    found: Health = monitor.health()
    return {
        "drystone": version("drystone"),
        "python": platform.python_version(),
        "uptime_s": round(uptime, 3),
        "ready": found.ready,
        "server": None if found.server is None else asdict(found.server),
        "extensions": {name: each[0] for name, each in found.extensions.items()},
        "pool": {"name": monitor.pool.name, **monitor.pool.get_stats()},
        "checks": {check.name: check.verdict for check in found.checks},
    }
