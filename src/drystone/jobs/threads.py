"""Handlers without ``async``: each runs in a thread, and can be taken back."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from psycopg import Connection

from drystone.database.pool import Pool
from drystone.errors import DrystoneError, LockNotAvailable, StatementTimeout
from drystone.jobs.consumer import Delivery
from drystone.jobs.handlers import Handler
from drystone.systems.core import outbox


class Busy(DrystoneError):
    """Somebody else is at the job, for longer than a statement may wait."""


class _Withdrawn(Exception):
    """A job was taken back while its thread was at it: nothing may be committed."""


class ThreadRun:
    """A handler without ``async``, in a thread: its statements can be cancelled."""

    def __init__(
        self,
        pool: Pool,
        delivery: Delivery,
        handler: Handler,
        arguments: tuple[Any, ...],
    ) -> None:
        self._pool = pool
        self._delivery = delivery
        self._handler = handler
        self._arguments = arguments
        self._lock = threading.Lock()
        self._connection: Connection[Any] | None = None
        self._withdrawn = False

    def __call__(self) -> None:
        """Do the job in one transaction, on the thread that calls."""
        with self._pool.connection() as connection, connection.transaction():
            self._connection = connection
            try:
                with patient(self._delivery):
                    begun = outbox.begin_job(
                        connection,
                        queue=self._delivery.queue,
                        job_id=self._delivery.receipt,
                    )
                if begun and not self._withdrawn:
                    self._handler.function(connection, *self._arguments)
            finally:
                with self._lock:
                    self._connection = None
            if self._withdrawn:
                raise _Withdrawn

    def withdraw(self) -> None:
        """Let nothing of it be committed, and end the statement that it waits for."""
        self._withdrawn = True
        with self._lock:
            if self._connection is not None:
                with suppress(psycopg.Error):
                    self._connection.cancel_safe(timeout=1)


@contextmanager
def patient(delivery: Delivery) -> Iterator[None]:
    """Tell the wait for somebody who has begun the job from a failure of it."""
    try:
        yield
    except (StatementTimeout, LockNotAvailable):
        raise Busy(f"job {delivery.id} is being done elsewhere") from None


async def in_thread(run: ThreadRun) -> None:
    """Run in a thread that does not hold up the end of the process."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def finish(error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def target() -> None:
        error: BaseException | None = None
        try:
            run()
        except BaseException as raised:  # noqa: BLE001 -- it is handed on
            error = raised
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(finish, error)

    threading.Thread(target=target, name="drystone-job", daemon=True).start()
    try:
        await done
    except asyncio.CancelledError:
        run.withdraw()
        raise
