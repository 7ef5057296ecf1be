"""A network between a client and a server, which can be cut, and go deaf."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, Literal, Self

from psycopg.conninfo import conninfo_to_dict, make_conninfo

# Where a COMMIT gets to: not to the server; there, but its answer not back; nowhere,
# and the server is not told that the client is gone.
Loss = Literal["before", "after", "unnoticed"]

_COMMIT = b"COMMIT\0"


class Proxy:
    """A TCP proxy on 127.0.0.1 before a PostgreSQL server, in a thread of its own.

    ``port`` stays the same over stop and start; ``lost`` counts the COMMITs that were.
    """

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        parts = conninfo_to_dict(conninfo)
        self._target = str(parts["host"]), int(parts["port"] or 5432)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._hearing = asyncio.Event()
        self._links: set[_Link] = set()
        self._server: asyncio.Server | None = None
        self.port = 0
        self.loss: Loss | None = None
        self.lost = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self.hear()
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()
        self._run(self._finish())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def start(self) -> None:
        """Listen."""
        self._run(self._listen())

    def stop(self) -> None:
        """Refuse new connections, and cut those that there are."""
        self.refuse()
        self.cut()

    def refuse(self) -> None:
        """Refuse new connections."""
        if self._server is not None:
            self._call(self._server.close)
            self._server = None

    def cut(self) -> None:
        """Cut every connection, on both sides."""
        self._call(self._cut_all)

    def go_deaf(self) -> None:
        """Take connections and what is sent, and pass nothing on."""
        self._call(self._hearing.clear)

    def hear(self) -> None:
        """Pass on what comes, and what came meanwhile."""
        self._call(self._hearing.set)

    def lose_commit(self, loss: Loss) -> None:
        """Cut the connection that next says COMMIT."""
        self.loss = loss

    @property
    def url(self) -> str:
        """Conninfo of the same database, through this proxy."""
        return make_conninfo(self._conninfo, host="127.0.0.1", port=self.port)

    @property
    def links(self) -> int:
        """How many connections there are."""
        return len(self._links)

    def _call(self, action: Callable[[], Any]) -> None:
        async def run() -> None:
            action()

        self._run(run())

    def _run(self, coroutine: Any) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)

    def _cut_all(self) -> None:
        for link in self._links:
            link.cut()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", self.port or None
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _finish(self) -> None:
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        await asyncio.sleep(0)  # transports that were aborted close in the next round

    async def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        link = _Link(writer)
        self._links.add(link)
        try:
            await self._hearing.wait()
            from_server, link.server = await self._connect()
            async with asyncio.TaskGroup() as pumps:
                pumps.create_task(self._to_server(reader, link, link.server))
                pumps.create_task(self._to_client(from_server, link))
        except* (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            link.cut()
            self._links.discard(link)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        host, port = self._target
        if host.startswith("/"):
            return await asyncio.open_unix_connection(f"{host}/.s.PGSQL.{port}")
        return await asyncio.open_connection(host, port)

    async def _to_server(
        self, reader: asyncio.StreamReader, link: _Link, server: asyncio.StreamWriter
    ) -> None:
        while data := await reader.read(1 << 16):
            await self._hearing.wait()
            if self.loss is not None and data.endswith(_COMMIT):
                loss, self.loss = self.loss, None
                self.lost += 1
                if loss == "after":
                    link.answer_is_lost = True
                else:
                    link.client.transport.abort()
                    if loss == "unnoticed":
                        await link.gone.wait()
                    break
            server.write(data)
            await server.drain()
        link.cut()

    async def _to_client(self, reader: asyncio.StreamReader, link: _Link) -> None:
        while data := await reader.read(1 << 16):
            await self._hearing.wait()
            if link.answer_is_lost:
                break
            link.client.write(data)
            await link.client.drain()
        link.cut()


class _Link:
    """A client's connection, and the one to the server for it."""

    def __init__(self, client: asyncio.StreamWriter) -> None:
        self.client = client
        self.server: asyncio.StreamWriter | None = None
        self.answer_is_lost = False
        self.gone = asyncio.Event()

    def cut(self) -> None:
        self.gone.set()
        for side in (self.client, self.server):
            if side is not None:
                side.transport.abort()
