"""Links to Redis that know whom they talk to.

A link keeps redis-py's connections, asks several commands at once, and tells with the
answers which run of the server gave them: a run id is learned once for a connection,
and a connection does not survive its server. So an answer of a server that was
restarted, or of another one that took over, cannot be mistaken for one of before.

A Redis that does not answer in time is left alone for a second: waiting for it again
and again would make everybody as slow as it is.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

from redis.asyncio.connection import Connection as AsyncConnection
from redis.asyncio.connection import parse_url as parse_url_async
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.connection import Connection, parse_url
from redis.exceptions import AuthenticationError, RedisError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeout
from redis.retry import Retry

from drystone.errors import RedisUnavailable, SettingsError

Part: TypeAlias = str | bytes | int | float
Command: TypeAlias = Sequence[Part]

PATIENCE = 1.0


@dataclass(frozen=True, slots=True)
class Answers:
    """What Redis answered to commands, in their order, and which run of it did."""

    run_id: str
    values: list[Any]


class _Breaker:
    """Whether Redis is left alone for now."""

    def __init__(self) -> None:
        self._closed_until = 0.0

    def check(self) -> None:
        if time.monotonic() < self._closed_until:
            raise RedisUnavailable(
                "Redis did not answer a moment ago, and is left alone for now",
                hint="Check that it runs and that REDIS_URL points to it.",
            )

    def failed(self, error: Exception) -> RedisUnavailable:
        """Return the error to raise; one that is about the command breaks nothing."""
        if isinstance(error, ResponseError):
            return RedisUnavailable(
                f"Redis refuses a command: {_code(error)}",
                hint="OOM: its memory is full. NOPERM, NOAUTH: see the user in"
                " REDIS_URL. READONLY: it is a replica. Its own log tells more.",
            )
        self._closed_until = time.monotonic() + PATIENCE
        if isinstance(error, AuthenticationError):
            reason = "it refuses the login"
        elif isinstance(error, RedisTimeout | TimeoutError):
            reason = "it did not answer in time"
        else:
            reason = "there is no connection to it"
        return RedisUnavailable(
            f"Redis cannot be used: {reason}",
            hint="Check that it runs and that REDIS_URL points to it.",
        )


class Link:
    """A link for threads. Every method raises RedisUnavailable."""

    def __init__(self, url: str, *, timeout: float) -> None:
        options = _options(url, timeout, parse_url)
        self._kind = options.pop("connection_class", Connection)
        self._options = {**options, "retry": Retry(NoBackoff(), 0)}
        self._idle: deque[_Line] = deque()
        self._breaker = _Breaker()

    def ask(self, *commands: Command) -> Answers:
        """Send the commands at once and return the answers.

        They are sent a second time where a connection turns out to be cut: whoever asks
        must not mind.
        """
        self._breaker.check()
        while True:
            line, fresh = self._take()
            try:
                answers = line.ask(commands)
            except (RedisError, OSError) as error:
                if fresh or not _is_cut(error):
                    raise self._breaker.failed(error) from error
            else:
                self._idle.append(line)
                return answers

    def close(self) -> None:
        """Close every connection; the link opens new ones if it is asked again."""
        while self._idle:
            self._idle.pop().connection.disconnect()

    def _take(self) -> tuple[_Line, bool]:
        try:
            return self._idle.pop(), False
        except IndexError:
            return _Line(self._kind, self._options), True


class _Line:
    """A connection, and which run of the server it goes to."""

    def __init__(self, kind: Any, options: Mapping[str, Any]) -> None:
        self.connection = kind(**options, redis_connect_func=self._greet)
        self.run_id = ""

    def ask(self, commands: Sequence[Command]) -> Answers:
        connection = self.connection
        try:
            connection.connect()
            packed = connection.pack_commands(commands)
            connection.send_packed_command(packed, check_health=False)
            return Answers(self.run_id, [connection.read_response() for _ in commands])
        except BaseException:
            # Answers may be left in it that belong to nobody.
            connection.disconnect()
            raise

    def _greet(self, connection: Any) -> None:
        connection.on_connect()
        connection.send_command("INFO", "server")
        self.run_id = _run_id(connection.read_response())


class AsyncLink:
    """A link for asyncio. Every method raises RedisUnavailable."""

    def __init__(self, url: str, *, timeout: float) -> None:
        options = _options(url, timeout, parse_url_async)
        self._kind = options.pop("connection_class", AsyncConnection)
        self._options = {**options, "retry": AsyncRetry(NoBackoff(), 0)}
        self._idle: deque[_AsyncLine] = deque()
        self._breaker = _Breaker()

    async def ask(self, *commands: Command) -> Answers:
        """Do what :meth:`Link.ask` does."""
        self._breaker.check()
        while True:
            line, fresh = self._take()
            try:
                answers = await line.ask(commands)
            except (RedisError, OSError) as error:
                if fresh or not _is_cut(error):
                    raise self._breaker.failed(error) from error
            else:
                self._idle.append(line)
                return answers

    async def close(self) -> None:
        """Close every connection; the link opens new ones if it is asked again."""
        while self._idle:
            await self._idle.pop().connection.disconnect()

    def _take(self) -> tuple[_AsyncLine, bool]:
        try:
            return self._idle.pop(), False
        except IndexError:
            return _AsyncLine(self._kind, self._options), True


class _AsyncLine:
    """The same for asyncio."""

    def __init__(self, kind: Any, options: Mapping[str, Any]) -> None:
        self.connection = kind(**options, redis_connect_func=self._greet)
        self.run_id = ""

    async def ask(self, commands: Sequence[Command]) -> Answers:
        connection = self.connection
        try:
            await connection.connect()
            packed = connection.pack_commands(commands)
            await connection.send_packed_command(packed, check_health=False)
            return Answers(
                self.run_id, [await connection.read_response() for _ in commands]
            )
        except BaseException:
            await connection.disconnect(nowait=True)
            raise

    async def _greet(self, connection: Any) -> None:
        await connection.on_connect()
        await connection.send_command("INFO", "server")
        self.run_id = _run_id(await connection.read_response())


@contextmanager
def open_link(url: str, *, timeout: float = 0.5) -> Iterator[Link]:
    """Lend a link and close it after the block; connects when it is first asked."""
    link = Link(url, timeout=timeout)
    try:
        yield link
    finally:
        link.close()


@asynccontextmanager
async def open_async_link(
    url: str, *, timeout: float = 0.5
) -> AsyncIterator[AsyncLink]:
    """Do for asyncio what :func:`open_link` does."""
    link = AsyncLink(url, timeout=timeout)
    try:
        yield link
    finally:
        await link.close()


def _options(url: str, timeout: float, parse: Callable[[str], Any]) -> dict[str, Any]:
    """Return the arguments of a connection; what the URL says itself wins."""
    try:
        parsed = dict(parse(url))
    except ValueError:
        raise SettingsError(
            "REDIS_URL is not the URL of a Redis",
            hint="It looks like redis://host:6379/0; a database is a number.",
        ) from None
    return {
        "socket_timeout": timeout,
        "socket_connect_timeout": timeout,
        "protocol": 2,
        "client_name": "drystone",
        **parsed,
    }


def _run_id(information: bytes | str) -> str:
    text = information if isinstance(information, str) else information.decode()
    facts = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    return str(facts["run_id"])


def _is_cut(error: Exception) -> bool:
    """Tell whether a connection was closed at its other end."""
    slow = isinstance(error, RedisTimeout | TimeoutError)
    return not slow and isinstance(error, RedisConnectionError | OSError)


def _code(error: ResponseError) -> str:
    """Return an error's code; behind it stands what may be somebody's value."""
    return str(error).partition(" ")[0]
