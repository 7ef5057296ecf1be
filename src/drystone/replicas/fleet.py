"""The replicas of one primary: which of them may be read, and which is asked next.

How late a replica is cannot be told by the time of the last transaction it replayed:
that grows on an idle primary too. So the primary's positions are remembered with the
time they were first seen. A replica is as late as the first one that it lacks is old;
clocks of servers play no part in it.
"""

from __future__ import annotations

import logging
import math
import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from threading import Lock
from typing import Generic, TypeVar

from psycopg.conninfo import conninfo_to_dict

from drystone.database.pool import AsyncPool, Pool
from drystone.errors import DatabaseError, DatabaseUnavailable
from drystone.replicas.positions import Position, Sight
from drystone.settings import Settings

logger = logging.getLogger(__name__)

AnyPool = TypeVar("AnyPool", Pool, AsyncPool)

# What a replica fails with and its primary need not, as SQLSTATEs or their beginnings:
# it is going, out of something, broken, or cancels for what it replays. And 42 and 3F:
# it may not have replayed the migration yet that the code was written for.
_OWN_FAULTS = ("08", "25006", "3F", "40001", "40P01", "42", "53", "57P", "58", "XX00")


class State(StrEnum):
    """What a replica is found to be; only one that is ready is read from."""

    READY = "ready"
    LAGGING = "lagging"
    DOWN = "down"
    PROMOTED = "promoted"
    FOREIGN = "foreign"  # of another database, or on another timeline


class Late(DatabaseError):
    """A replica has not replayed in time what its reader has written."""


class Replica(Generic[AnyPool]):
    """A replica, and what was last seen of it."""

    def __init__(self, name: str, pool: AnyPool) -> None:
        self.name = name
        self.pool: AnyPool = pool
        self.wake: Callable[[], object] = bool  # set by whoever watches it
        self.state = State.DOWN
        self.position: Position | None = None
        self.seen_at = -math.inf
        self.lag_seconds = math.inf
        self.lag_bytes: int | None = None
        self.in_use = 0
        self.reads = 0
        self.faults = 0


@dataclass(frozen=True, slots=True)
class ReplicaStats:
    """A replica as it was last seen; no lag is known of one that is down.

    ``reads`` were answered by it; ``faults`` were repeated elsewhere.
    """

    name: str
    state: State
    lag_seconds: float | None
    lag_bytes: int | None
    in_use: int
    reads: int
    faults: int


@dataclass(frozen=True, slots=True)
class RouterStats:
    """What became of the queries that are marked for replicas.

    ``primary_reads`` were answered by the primary: since no replica was ready, since
    none had replayed what the reader had written (``late``), or after a fault.
    """

    replicas: tuple[ReplicaStats, ...]
    primary_up: bool
    primary_reads: int
    late: int


class Fleet(Generic[AnyPool]):
    """The replicas of one primary. Its methods may be called from any thread."""

    def __init__(self, settings: Settings) -> None:
        self.replicas: list[Replica[AnyPool]] = []
        self.primary_up = False
        self.primary_reads = 0
        self.late = 0
        self._max_lag = settings.replica_max_lag
        self._wait = settings.replica_wait
        # What was seen longer ago than this says nothing: whoever looks is stuck.
        self.look_timeout = max(1.0, settings.replica_check_interval)
        self._valid_for = 3 * self.look_timeout
        self._primary: Sight | None = None
        self._primary_seen_at = 0.0
        remembered = self._max_lag / settings.replica_check_interval
        self._history: deque[tuple[float, int]] = deque(maxlen=int(remembered) + 60)
        self._lock = Lock()

    def add(self, conninfo: str, pool: AnyPool) -> None:
        """Add a replica by its own pool."""
        name = server_name(conninfo)
        pool.name = f"{pool.name}@{name}"
        self.replicas.append(Replica(name, pool))

    # --- What is seen ---------------------------------------------------------------

    def saw_primary(self, sight: Sight | None) -> None:
        """Note what the primary says, or that it does not answer."""
        with self._lock:
            self.primary_up = sight is not None and not sight.in_recovery
            if sight is None or sight.in_recovery:
                return
            now, position, known = time.monotonic(), sight.position, self._primary
            if (
                known is None
                or position.timeline != known.timeline
                or not position.covers(known.position)
            ):
                self._history.clear()  # positions of another course of events
            if not self._history:
                # Nobody knows how old it is. A replica that lacks it is late.
                self._history.append((-math.inf, position.lsn))
            elif position.lsn > self._history[-1][1]:
                self._history.append((now, position.lsn))
            self._primary, self._primary_seen_at = sight, now

    def saw(self, replica: Replica[AnyPool], sight: Sight | None) -> None:
        """Note what a replica says, or that it does not answer."""
        with self._lock:
            before = replica.state
            replica.lag_seconds, replica.lag_bytes = math.inf, None
            replica.position = None if sight is None else sight.position
            replica.state = self._judge(replica, sight)
            replica.seen_at = time.monotonic()
        if replica.state != before:
            level = logging.INFO if replica.state is State.READY else logging.WARNING
            words = "replica %s is %s, was %s"
            logger.log(level, words, replica.name, replica.state, before)

    def _judge(self, replica: Replica[AnyPool], sight: Sight | None) -> State:
        if sight is None:
            return State.DOWN
        if not sight.in_recovery:
            return State.PROMOTED
        primary = self._primary
        if primary is None:
            return State.LAGGING
        # While the primary is away, another replica may have become the primary.
        astray = sight.timeline - primary.timeline
        if (
            (sight.system, sight.database) != (primary.system, primary.database)
            or astray < 0
            or (astray > 0 and self.primary_up)
        ):
            return State.FOREIGN
        replayed = sight.position.lsn
        replica.lag_bytes = max(0, primary.position.lsn - replayed)
        missing = (seen for seen, lsn in self._history if lsn > replayed)
        # By the time of the primary's last answer: while it is away nobody falls back.
        replica.lag_seconds = self._primary_seen_at - next(
            missing, self._primary_seen_at
        )
        late = replica.lag_seconds > self._max_lag
        return State.LAGGING if late else State.READY

    # --- Who is asked ---------------------------------------------------------------

    def offers(self, after: Position | None) -> Iterator[Replica[AnyPool]]:
        """Return the replica to read from; the others too while the primary is away.

        With a position only those that have reached it, or may within ``replica_wait``.
        """
        oldest = time.monotonic() - self._valid_for
        ready = [
            each
            for each in self.replicas
            if each.state is State.READY and each.seen_at > oldest
        ]
        if after is not None:
            ready = [each for each in ready if self._may_reach(each, after)]
            ready = [each for each in ready if _has_reached(each, after)] or ready
        while ready:
            # Of two the less used: nearly as even as the least used of all, and no
            # crowd runs to the one that has just come back.
            pair = random.sample(ready, min(2, len(ready)))
            chosen = min(pair, key=lambda each: each.in_use)
            yield chosen
            if self.primary_up:
                return
            ready.remove(chosen)

    def _may_reach(self, replica: Replica[AnyPool], after: Position) -> bool:
        position = replica.position
        if position is None or position.system != after.system:
            return False
        if position.timeline < after.timeline:
            return False
        return position.lsn >= after.lsn or replica.lag_seconds <= self._wait

    @contextmanager
    def reading(self, replica: Replica[AnyPool]) -> Iterator[None]:
        """Count a read of a replica, for a block that ends when it has answered."""
        with self._lock:
            replica.in_use += 1
        answered = 0
        try:
            yield
            answered = 1
        finally:
            with self._lock:
                replica.in_use -= 1
                replica.reads += answered

    def fell_back(self) -> None:
        """Count a query that the primary answers and a replica might have."""
        with self._lock:
            self.primary_reads += 1

    def blames(self, replica: Replica[AnyPool], error: DatabaseError) -> bool:
        """Tell whether a replica failed for reasons of its own, and count it.

        One that cannot be reached is left out from now on, until it is seen to be well.
        """
        if isinstance(error, Late):
            with self._lock:
                self.late += 1
            return True
        away = isinstance(error, DatabaseUnavailable)
        if not away and not (error.sqlstate or "").startswith(_OWN_FAULTS):
            return False
        logger.info("replica %s failed, sqlstate=%s", replica.name, error.sqlstate)
        with self._lock:
            replica.faults += 1
            if away:
                replica.state = State.DOWN
        if away:
            replica.wake()
        return True

    def stats(self) -> RouterStats:
        """Return what was last seen, and what was counted."""
        with self._lock:
            return RouterStats(
                replicas=tuple(
                    ReplicaStats(
                        name=each.name,
                        state=each.state,
                        lag_seconds=_finite(each.lag_seconds),
                        lag_bytes=each.lag_bytes,
                        in_use=each.in_use,
                        reads=each.reads,
                        faults=each.faults,
                    )
                    for each in self.replicas
                ),
                primary_up=self.primary_up,
                primary_reads=self.primary_reads,
                late=self.late,
            )


def server_name(conninfo: str) -> str:
    """Return what a server is called in logs and metrics: its host and port."""
    parts = conninfo_to_dict(conninfo)
    host = parts.get("host") or parts.get("hostaddr") or "localhost"
    return f"{host}:{parts.get('port') or 5432}"


def _has_reached(replica: Replica[AnyPool], after: Position) -> bool:
    return replica.position is not None and replica.position.covers(after)


def _finite(seconds: float) -> float | None:
    return seconds if math.isfinite(seconds) else None
