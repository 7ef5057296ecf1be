"""Connections that do not wait forever, and refuse to be used after a fork.

PostgreSQL's own limits end a statement that runs for too long, and TCP's end a network
that swallows what is sent. Neither helps against a peer that takes everything and says
nothing: a pooler that hangs, a server that was stopped. For these there is a limit on
this side, ``answer_timeout``.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any, TypeVar

from psycopg import AsyncConnection, BaseConnection, Connection, OperationalError
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.pq.abc import PGconn
from psycopg.rows import Row

from drystone.errors import UsedAfterFork

Value = TypeVar("Value")


class AnswerTimeout(OperationalError):
    """The server owed an answer for too long; the connection is closed."""


class _Guard(BaseConnection[Row]):
    """What both kinds of connection know; ``answer_timeout`` of 0 is no limit."""

    answer_timeout: float = 0.0

    def __init__(self, pgconn: PGconn) -> None:
        super().__init__(pgconn)
        self.opened_at = monotonic()
        self._process = os.getpid()

    @contextmanager
    def answering_within(self, seconds: float) -> Iterator[None]:
        """Set another limit for what is asked within a block."""
        usual, self.answer_timeout = self.answer_timeout, seconds
        try:
            yield
        finally:
            self.answer_timeout = usual

    def _guarded(self, gen: PQGen[Value]) -> PQGen[Value]:
        refuse_after_fork(self._process, "connection")
        return _limited(gen, self.pgconn, self.answer_timeout)


class GuardedConnection(_Guard[Row], Connection[Row]):
    """A connection for threads."""

    def wait(self, gen: PQGen[Value], *args: Any, **kwargs: Any) -> Value:
        """Wait as the driver does, for ``answer_timeout`` at most."""
        try:
            return super().wait(self._guarded(gen), *args, **kwargs)
        except AnswerTimeout:
            self.pgconn.finish()
            raise


class AsyncGuardedConnection(_Guard[Row], AsyncConnection[Row]):
    """A connection for asyncio."""

    async def wait(self, gen: PQGen[Value], *args: Any, **kwargs: Any) -> Value:
        """Wait as the driver does, for ``answer_timeout`` at most."""
        try:
            return await super().wait(self._guarded(gen), *args, **kwargs)
        except AnswerTimeout:
            self.pgconn.finish()
            raise


def refuse_after_fork(process: int, what: str) -> None:
    """Raise UsedAfterFork if ``process`` is not this one.

    Two processes on one socket would read each other's answers.
    """
    if process != os.getpid():
        raise UsedAfterFork(
            f"this {what} was opened by another process, before a fork",
            hint=f"Open a {what} in each process, after it was started.",
        )


def _limited(
    gen: PQGen[Value], pgconn: PGconn, seconds: float
) -> Generator[Any, Any, Value]:
    """Pass a driver's generator on until an answer has been owed for too long.

    The driver resumes it now and then even if nothing has come. Listening is no
    question, so it has no limit.
    """
    began = monotonic()
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if (
                not ready
                and 0 < seconds < monotonic() - began
                and pgconn.transaction_status == TransactionStatus.ACTIVE
            ):
                raise AnswerTimeout(
                    f"the server has not answered for {seconds:g} s (answer_timeout)"
                )
            wanted = gen.send(ready)
    except StopIteration as done:
        value: Value = done.value
        return value
