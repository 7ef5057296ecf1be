"""Looking after the servers: each is asked every ``replica_check_interval``.

One thread or task a server, so that one that does not answer delays no other. Replicas
are asked by the connections that readers use: what is found is what they would find.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial

from drystone.database.pool import AsyncPool, Pool
from drystone.database.sqlstates import translated
from drystone.errors import ConnectionLost, DatabaseError
from drystone.replicas.fleet import Fleet, Replica
from drystone.replicas.positions import LOOK, Sight

# How long a watcher that was woken leaves its server alone, in seconds.
_PAUSE = 0.05

logger = logging.getLogger(__name__)

Tell = Callable[[Sight | None], None]


def look(pool: Pool, timeout: float) -> Sight | None:
    """Ask a server how far it has got; None if it does not answer."""
    try:
        with translated(), pool.connection(timeout) as connection:
            connection.autocommit = True  # until the pool resets it
            with connection.answering_within(timeout):
                sight: Sight = LOOK.one(connection)
            return sight
    except DatabaseError as error:
        logger.info("%s: no answer: %s", pool.name, error.message)
        if isinstance(error, ConnectionLost):
            pool.drain()
        return None


async def look_async(pool: AsyncPool, timeout: float) -> Sight | None:
    """Do for an asynchronous pool what :func:`look` does."""
    try:
        with translated():
            async with pool.connection(timeout) as connection:
                await connection.set_autocommit(True)
                with connection.answering_within(timeout):
                    sight: Sight = await LOOK.one(connection)
                return sight
    except DatabaseError as error:
        logger.info("%s: no answer: %s", pool.name, error.message)
        if isinstance(error, ConnectionLost):
            await pool.drain()
        return None


@contextmanager
def watched(fleet: Fleet[Pool], primary: Pool, interval: float) -> Iterator[None]:
    """Look after a fleet for a block, which begins when each was looked at once."""
    timeout, over = fleet.look_timeout, threading.Event()

    def first_look(replica: Replica[Pool]) -> None:
        fleet.saw(replica, look(replica.pool, timeout))

    def watch(pool: Pool, tell: Tell, wake: threading.Event) -> None:
        while True:
            if wake.wait(interval):
                wake.clear()
                over.wait(_PAUSE)
            if over.is_set():
                return
            tell(look(pool, timeout))

    def begin(pool: Pool, tell: Tell) -> tuple[threading.Thread, threading.Event]:
        wake = threading.Event()
        # A daemon, for it may wait for a server that has stopped to answer.
        thread = threading.Thread(target=watch, args=(pool, tell, wake), daemon=True)
        thread.start()
        return thread, wake

    fleet.saw_primary(look(primary, timeout))  # first: it is what the others lag behind
    with ThreadPoolExecutor(max_workers=len(fleet.replicas)) as executor:
        list(executor.map(first_look, fleet.replicas))
    watchers = [begin(primary, fleet.saw_primary)]
    for replica in fleet.replicas:
        watchers.append(begin(replica.pool, partial(fleet.saw, replica)))
        replica.wake = watchers[-1][1].set
    try:
        yield
    finally:
        over.set()
        for _, wake in watchers:
            wake.set()
        for thread, _ in watchers:
            thread.join(timeout)


@asynccontextmanager
async def watched_async(
    fleet: Fleet[AsyncPool], primary: AsyncPool, interval: float
) -> AsyncIterator[None]:
    """Do for asyncio what :func:`watched` does."""
    timeout = fleet.look_timeout

    async def first_look(replica: Replica[AsyncPool]) -> None:
        fleet.saw(replica, await look_async(replica.pool, timeout))

    async def watch(pool: AsyncPool, tell: Tell, wake: asyncio.Event) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), interval)
                wake.clear()
                await asyncio.sleep(_PAUSE)
            tell(await look_async(pool, timeout))

    def begin(pool: AsyncPool, tell: Tell) -> tuple[asyncio.Task[None], asyncio.Event]:
        wake = asyncio.Event()
        return asyncio.create_task(watch(pool, tell, wake)), wake

    fleet.saw_primary(await look_async(primary, timeout))
    await asyncio.gather(*map(first_look, fleet.replicas))
    watchers = [begin(primary, fleet.saw_primary)]
    for replica in fleet.replicas:
        watchers.append(begin(replica.pool, partial(fleet.saw, replica)))
        replica.wake = watchers[-1][1].set
    try:
        yield
    finally:
        for task, _ in watchers:
            task.cancel()
        await asyncio.gather(*(task for task, _ in watchers), return_exceptions=True)
