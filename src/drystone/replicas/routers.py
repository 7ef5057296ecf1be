"""Routers: what sends queries to replicas, for threads and for asyncio."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    ExitStack,
    asynccontextmanager,
    contextmanager,
)
from typing import Any, Concatenate, ParamSpec, TypeVar, cast
from weakref import WeakKeyDictionary

from psycopg import AsyncConnection, Connection

from drystone.database.pool import AsyncPool, Pool
from drystone.database.sqlstates import translated
from drystone.database.transactions import in_transaction, in_transaction_async
from drystone.errors import (
    CommitUnknown,
    ConnectionLost,
    DatabaseError,
    DatabaseUnavailable,
)
from drystone.replicas.fleet import Fleet, Late, Replica, RouterStats
from drystone.replicas.marks import is_marked
from drystone.replicas.positions import LOOK, NOWHERE, Position, Sight
from drystone.replicas.watching import watched, watched_async
from drystone.settings import Settings

P = ParamSpec("P")
Result = TypeVar("Result")

_IN_RECOVERY = b"in_hot_standby"
# Seconds between two looks at how far a replica has got: replay takes about as long.
_FIRST_PAUSE = 0.001
_LONGEST_PAUSE = 0.02


class Router:
    """Sends marked queries to replicas and all else to the primary, for threads.

    Made by :func:`open_router`. Without replicas everything goes to the primary.
    """

    def __init__(self, primary: Pool, fleet: Fleet[Pool], settings: Settings) -> None:
        self.primary = primary
        self.has_replicas = bool(fleet.replicas)
        self.patience = settings.connect_timeout
        self._fleet = fleet
        self._wait = settings.replica_wait
        self._attempts = settings.transaction_attempts
        self._reached: WeakKeyDictionary[Connection[Any], Position] = (
            WeakKeyDictionary()
        )

    def run(
        self,
        function: Callable[Concatenate[Connection[Any], P], Result],
        *values: P.args,
        **parameters: P.kwargs,
    ) -> Result:
        """Call a function with a connection, and return its result.

        That of a marked query gets a replica's, or else the primary's, in a read-only
        transaction; any other gets the primary's, in a transaction that is run again
        if it lost against another one.
        """
        result, _ = self.ask(
            lambda connection: function(connection, *values, **parameters),
            marked=is_marked(function),
        )
        return result

    def connection(self) -> AbstractContextManager[Connection[Any]]:
        """Lend a connection to the primary; the block is a transaction."""
        return self.primary.connection()

    def written(self) -> str:
        """Return a token of all that is committed on the primary by now."""
        return str(self.position())

    def session(self, token: str | None = None) -> Session:
        """Return a session that sees what it writes, and what the token's one wrote."""
        return Session(self, token)

    def stats(self) -> RouterStats:
        """Return what was last seen of the servers, and what was counted."""
        return self._fleet.stats()

    # --- What sessions are made of --------------------------------------------------

    def ask(
        self,
        work: Callable[[Connection[Any]], Result],
        *,
        marked: bool,
        after: Position | None = None,
    ) -> tuple[Result, bool]:
        """Return what ``work`` returns, and whether the primary was asked."""
        if not marked:
            return in_transaction(self.primary, work, attempts=self._attempts), True
        for replica in self._fleet.offers(after):
            try:
                with self._fleet.reading(replica):
                    return self._ask(replica, work, after), False
            except DatabaseError as error:
                if not self._fleet.blames(replica, error):
                    raise
                if isinstance(error, ConnectionLost):
                    replica.pool.drain()
        self._fleet.fell_back()
        with translated(), self.primary.connection() as connection:
            connection.read_only = True  # until the pool resets it
            return work(connection), True

    def position(self, timeout: float | None = None) -> Position:
        """Return where the primary is: all that is committed lies before it."""
        with translated(), self.primary.connection(timeout) as connection:
            connection.autocommit = True
            sight: Sight = LOOK.one(connection)
            return sight.primary_position()

    def _ask(
        self,
        replica: Replica[Pool],
        work: Callable[[Connection[Any]], Result],
        after: Position | None,
    ) -> Result:
        deadline = time.monotonic() + self._wait
        with translated(), replica.pool.connection(self._wait) as connection:
            connection.autocommit = True  # a replica lets nobody write: no BEGIN needed
            if after is not None:
                self._catch_up(connection, after, deadline)
            result = work(connection)
            _check(connection)
            return result

    def _catch_up(
        self, connection: Connection[Any], after: Position, deadline: float
    ) -> None:
        """Wait until the server has replayed a position; raise Late if it has not."""
        # What lies behind a connection is one server, and it never goes back.
        if self._reached.get(connection, NOWHERE).covers(after):
            return
        for pause in _pauses(deadline):
            time.sleep(pause)
            reached = self._reached[connection] = LOOK.one(connection).position
            if reached.covers(after):
                return


class Session:
    """What one user does, one thing after the other; made by :meth:`Router.session`.

    What was written in it, or seen on the primary, is seen by each later read in it.
    ``token`` says how far that is; keep it where the user's next request finds it.
    """

    def __init__(self, router: Router, token: str | None) -> None:
        self._router = router
        self._after = Position.parse(token) if token else None

    @property
    def token(self) -> str | None:
        """Where the session is, or None if it needs nothing of a replica yet."""
        return None if self._after is None else str(self._after)

    def run(
        self,
        function: Callable[Concatenate[Connection[Any], P], Result],
        *values: P.args,
        **parameters: P.kwargs,
    ) -> Result:
        """Do what :meth:`Router.run` does, on a replica that is far enough."""
        return self._ask(
            lambda connection: function(connection, *values, **parameters),
            marked=is_marked(function),
        )

    def in_transaction(self, work: Callable[[Connection[Any]], Result]) -> Result:
        """Run ``work(connection)`` on the primary, as ``in_transaction`` does."""
        return self._ask(work, marked=False)

    def _ask(
        self, work: Callable[[Connection[Any]], Result], *, marked: bool
    ) -> Result:
        try:
            result, by_primary = self._router.ask(
                work, marked=marked, after=self._after
            )
        except CommitUnknown:
            self._after = NOWHERE  # so reads go to the primary
            raise
        if by_primary and self._router.has_replicas:
            self._note()
        return result

    def _note(self) -> None:
        """Note how far the primary is: after the commit, or it would not cover it."""
        try:
            self._after = self._router.position(self._router.patience)
        except DatabaseError:
            self._after = NOWHERE  # what is done is done; reads go to the primary


class AsyncRouter:
    """The same for asyncio; made by :func:`open_async_router`."""

    def __init__(
        self, primary: AsyncPool, fleet: Fleet[AsyncPool], settings: Settings
    ) -> None:
        self.primary = primary
        self.has_replicas = bool(fleet.replicas)
        self.patience = settings.connect_timeout
        self._fleet = fleet
        self._wait = settings.replica_wait
        self._attempts = settings.transaction_attempts
        self._reached: WeakKeyDictionary[AsyncConnection[Any], Position] = (
            WeakKeyDictionary()
        )

    async def run(
        self,
        function: Callable[Concatenate[AsyncConnection[Any], P], Awaitable[Result]],
        *values: P.args,
        **parameters: P.kwargs,
    ) -> Result:
        """Do what :meth:`Router.run` does."""
        result, _ = await self.ask(
            lambda connection: function(connection, *values, **parameters),
            marked=is_marked(function),
        )
        return result

    def connection(self) -> AbstractAsyncContextManager[AsyncConnection[Any]]:
        """Lend a connection to the primary; the block is a transaction."""
        return self.primary.connection()

    async def written(self) -> str:
        """Return a token of all that is committed on the primary by now."""
        return str(await self.position())

    def session(self, token: str | None = None) -> AsyncSession:
        """Return a session that sees what it writes, and what the token's one wrote."""
        return AsyncSession(self, token)

    def stats(self) -> RouterStats:
        """Return what was last seen of the servers, and what was counted."""
        return self._fleet.stats()

    # --- What sessions are made of --------------------------------------------------

    async def ask(
        self,
        work: Callable[[AsyncConnection[Any]], Awaitable[Result]],
        *,
        marked: bool,
        after: Position | None = None,
    ) -> tuple[Result, bool]:
        """Return what ``work`` returns, and whether the primary was asked."""
        if not marked:
            done = in_transaction_async(self.primary, work, attempts=self._attempts)
            return await done, True
        for replica in self._fleet.offers(after):
            try:
                with self._fleet.reading(replica):
                    return await self._ask(replica, work, after), False
            except DatabaseError as error:
                if not self._fleet.blames(replica, error):
                    raise
                if isinstance(error, ConnectionLost):
                    await replica.pool.drain()
        self._fleet.fell_back()
        with translated():
            async with self.primary.connection() as connection:
                await connection.set_read_only(True)
                return await work(connection), True

    async def position(self, timeout: float | None = None) -> Position:
        """Return where the primary is: all that is committed lies before it."""
        with translated():
            async with self.primary.connection(timeout) as connection:
                await connection.set_autocommit(True)
                sight: Sight = await LOOK.one(connection)
                return sight.primary_position()

    async def _ask(
        self,
        replica: Replica[AsyncPool],
        work: Callable[[AsyncConnection[Any]], Awaitable[Result]],
        after: Position | None,
    ) -> Result:
        deadline = time.monotonic() + self._wait
        with translated():
            async with replica.pool.connection(self._wait) as connection:
                await connection.set_autocommit(True)
                if after is not None:
                    await self._catch_up(connection, after, deadline)
                result = await work(connection)
                _check(connection)
                return result

    async def _catch_up(
        self, connection: AsyncConnection[Any], after: Position, deadline: float
    ) -> None:
        if self._reached.get(connection, NOWHERE).covers(after):
            return
        for pause in _pauses(deadline):
            await asyncio.sleep(pause)
            sight = await LOOK.one(connection)
            reached = self._reached[connection] = sight.position
            if reached.covers(after):
                return


class AsyncSession:
    """The same for asyncio; made by :meth:`AsyncRouter.session`."""

    def __init__(self, router: AsyncRouter, token: str | None) -> None:
        self._router = router
        self._after = Position.parse(token) if token else None

    @property
    def token(self) -> str | None:
        """Where the session is, or None if it needs nothing of a replica yet."""
        return None if self._after is None else str(self._after)

    async def run(
        self,
        function: Callable[Concatenate[AsyncConnection[Any], P], Awaitable[Result]],
        *values: P.args,
        **parameters: P.kwargs,
    ) -> Result:
        """Do what :meth:`Session.run` does."""
        return await self._ask(
            lambda connection: function(connection, *values, **parameters),
            marked=is_marked(function),
        )

    async def in_transaction(
        self, work: Callable[[AsyncConnection[Any]], Awaitable[Result]]
    ) -> Result:
        """Run ``work(connection)`` on the primary, as ``in_transaction_async`` does."""
        return await self._ask(work, marked=False)

    async def _ask(
        self,
        work: Callable[[AsyncConnection[Any]], Awaitable[Result]],
        *,
        marked: bool,
    ) -> Result:
        try:
            result, by_primary = await self._router.ask(
                work, marked=marked, after=self._after
            )
        except CommitUnknown:
            self._after = NOWHERE
            raise
        if by_primary and self._router.has_replicas:
            await self._note()
        return result

    async def _note(self) -> None:
        try:
            self._after = await self._router.position(self._router.patience)
        except DatabaseError:
            self._after = NOWHERE


@contextmanager
def open_router(pool: Pool, settings: Settings) -> Iterator[Router]:
    """Open the replicas, named by ``replica_urls``, of a pool's database for a block.

    One that is away delays the beginning by a second, and is used once it is there.
    """
    fleet: Fleet[Pool] = Fleet(settings)
    readers = _readers(settings)
    with ExitStack() as stack:
        for conninfo in settings.replicas():
            opened = Pool(conninfo, readers, checked=False)
            fleet.add(conninfo, stack.enter_context(opened))
        if fleet.replicas:
            opened = Pool(cast("str", pool.conninfo), _watcher(settings))
            primary = stack.enter_context(opened)
            interval = settings.replica_check_interval
            stack.enter_context(watched(fleet, primary, interval))
        yield Router(pool, fleet, settings)


@asynccontextmanager
async def open_async_router(
    pool: AsyncPool, settings: Settings
) -> AsyncIterator[AsyncRouter]:
    """Do for asyncio what :func:`open_router` does."""
    fleet: Fleet[AsyncPool] = Fleet(settings)
    readers = _readers(settings)
    async with AsyncExitStack() as stack:
        for conninfo in settings.replicas():
            opened = AsyncPool(conninfo, readers, checked=False)
            fleet.add(conninfo, await stack.enter_async_context(opened))
        if fleet.replicas:
            opened = AsyncPool(cast("str", pool.conninfo), _watcher(settings))
            primary = await stack.enter_async_context(opened)
            interval = settings.replica_check_interval
            await stack.enter_async_context(watched_async(fleet, primary, interval))
        yield AsyncRouter(pool, fleet, settings)


def _readers(settings: Settings) -> Settings:
    """Return settings whose sessions write nothing, on a promoted replica neither.

    Their connections are not checked before each use: what fails is asked elsewhere.
    """
    session = {**settings.session, "default_transaction_read_only": "on"}
    return settings.model_copy(update={"session": session})


def _watcher(settings: Settings) -> Settings:
    """Return settings for one connection to the primary.

    How late replicas are is to be known while all of the pool's connections are lent.
    """
    return settings.model_copy(update={"pool_min_size": 1, "pool_max_size": 1})


def _pauses(deadline: float) -> Iterator[float]:
    """Return how long to wait before each look; raise Late when there is no time."""
    pause = 0.0
    while time.monotonic() + pause < deadline:
        yield pause
        pause = min(max(_FIRST_PAUSE, 2 * pause), _LONGEST_PAUSE)
    raise Late("the replica has not replayed what the reader has written")


def _check(connection: Connection[Any] | AsyncConnection[Any]) -> None:
    """Refuse what a server has answered that tells that it is no replica any more."""
    if connection.pgconn.parameter_status(_IN_RECOVERY) == b"off":
        raise DatabaseUnavailable("the replica was promoted")
