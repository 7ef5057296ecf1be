"""Reading through the cache, invalidating, and extending the lease.

Why no read is stale after a change: a value is served only while its tags have the
tokens that were read before its query was run. A writer deletes the tokens after its
commit, and returns when Redis has said so. Whoever read its tokens before that deletion
stores under tokens that are gone; whoever reads them after it runs the query on a
snapshot that has the change. Where Redis cannot be told, the writer returns when the
lease is over, and nobody serves a value again before somebody has read in the database
what Redis was not told of (``leases``).
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psycopg

from drystone.cache import leases
from drystone.cache.codec import CannotHold
from drystone.cache.queries import EVERYTHING, CachedCall, CachedQuery, written_tag
from drystone.cache.steps import Ask, Change, Fetch, Fetched, Flow, Rows, Sleep
from drystone.cache.words import Begun, Vocabulary, continued
from drystone.errors import BadInput, DrystoneError, RedisUnavailable

logger = logging.getLogger(__name__)

# A value's first byte: what is behind it, or that there is nothing to hold.
_VALUE, _UNHOLDABLE = b"V", b"-"
_UNHOLDABLE_TTL = 60.0
_MOST_TAGS = 500

_FIRST_WAIT, _LONGEST_WAIT = 0.002, 0.02
_RETRY = 0.05
_PAUSE = 0.5
# How often a reader looks again while another one extends the lease.
_LOOKS = 5


@dataclass(slots=True)
class Counts:
    """What became of reads since the cache was opened.

    ``hits`` came from Redis, ``fills`` were stored there, ``waits`` came from another
    reader's fill, and ``bypasses`` from the database alone: without Redis, or what it
    cannot hold.
    """

    hits: int = 0
    fills: int = 0
    waits: int = 0
    bypasses: int = 0


class Flows:
    """What one process does with one database's cache.

    ``largest`` is the most bytes that a value may have; ``patience`` is how many
    seconds a reader waits for another one's fill before it asks the database itself.
    """

    def __init__(self, words: Vocabulary, *, largest: int, patience: float) -> None:
        self._words = words
        self._largest = largest
        self._patience = patience
        self._seen = ("", 0.0)
        self._next_attempt = 0.0
        self._mutex = threading.Lock()
        self.counts = Counts()

    # --- Reading ----------------------------------------------------------------------

    def read(self, query: CachedQuery[..., Any], call: CachedCall) -> Flow[Any]:
        """Return a call's result: from Redis, or from the database and into Redis."""
        waited_since: float | None = None
        wait = _FIRST_WAIT
        looks = 0
        while True:
            try:
                answers = yield Ask([self._words.read(call)])
                found = self._words.found(answers)
                if found.lease is None:
                    looks += 1
                    may = looks <= _LOOKS and time.monotonic() >= self._next_attempt
                    if may and (yield from self._extend_lease()):
                        continue
                    break
                if found.data is not None:
                    if found.data[:1] != _VALUE:
                        break
                    try:
                        result = query.codec.decode(found.data[1:])
                    except ValueError:
                        # Not ours to understand: a query is asked instead.
                        logger.warning("cache: a value of %s cannot be read", call.name)
                    else:
                        yield from self._extend_early(found.lease)
                        waits = waited_since is not None
                        self._count("waits" if waits else "hits")
                        return result
                ticket = secrets.token_hex(8)
                tags = sorted({*call.tags, *found.tags})
                begun = yield from self._begin(call, tags, ticket, found.header)
            except RedisUnavailable as error:
                logger.info("cache: %s is read past Redis: %s", call.name, error)
                break
            if begun.tokens is not None:
                header = found.header
                return (yield from self._fill(query, call, ticket, begun, header))
            if begun.lease is not None:
                now = time.monotonic()
                waited_since = waited_since or now
                if now - waited_since > self._patience:
                    break
                yield Sleep(wait)
                wait = min(2 * wait, _LONGEST_WAIT)
        self._count("bypasses")
        fetched: Fetched = yield Fetch()
        return fetched.result

    def _begin(
        self, call: CachedCall, tags: list[str], ticket: str, header: bytes
    ) -> Flow[Begun]:
        answers = yield Ask([self._words.begin(call, tags, ticket, header)])
        return self._words.begun(answers, tags)

    def _fill(
        self,
        query: CachedQuery[..., Any],
        call: CachedCall,
        ticket: str,
        begun: Begun,
        header: bytes,
    ) -> Flow[Any]:
        """Ask the database and store the result; this reader holds the lock."""
        stored = False
        try:
            fetched: Fetched = yield Fetch()
            wanted = {*call.tags, *query.result_tags(fetched.result)}
            if fetched.primary and not wanted <= set(begun.tokens or ()):
                # Tokens count from before the query: it is asked again, with all.
                begun = yield from self._begin(call, sorted(wanted), ticket, header)
                fetched = yield Fetch()
                wanted = {*call.tags, *query.result_tags(fetched.result)}
            tokens = begun.tokens or {}
            if fetched.primary and begun.lease is not None and wanted <= set(tokens):
                needed = {tag: tokens[tag] for tag in sorted(wanted)}
                data, ttl = self._written(query, call, fetched.result, len(needed))
                store = self._words.store(call, ticket, begun.lease, needed, data, ttl)
                yield Ask([store])
                stored = True
        except RedisUnavailable as error:
            logger.info("cache: %s could not be stored: %s", call.name, error)
        except Exception:
            yield from self._release(call, ticket)
            raise
        if not stored:
            yield from self._release(call, ticket)
        self._count("fills" if stored else "bypasses")
        return fetched.result

    def _written(
        self, query: CachedQuery[..., Any], call: CachedCall, result: Any, tags: int
    ) -> tuple[bytes, float]:
        """Return a result as bytes, or a note that readers shall not wait for any."""
        try:
            data = query.codec.encode(result)
        except CannotHold as error:
            reason = f"it has a value that would not come back as it is ({error})"
        else:
            if len(data) <= self._largest and tags <= _MOST_TAGS:
                return _VALUE + data, query.ttl
            reason = f"{len(data)} bytes and {tags} tags are too many"
        logger.warning("cache: a result of %s is not stored: %s", call.name, reason)
        return _UNHOLDABLE, min(query.ttl, _UNHOLDABLE_TTL)

    def _release(self, call: CachedCall, ticket: str) -> Flow[None]:
        try:
            yield Ask([self._words.release(call, ticket)])
        except RedisUnavailable:
            # It ends by itself.
            logger.debug("cache: the lock of %s runs out", call.name)

    # --- Writing ----------------------------------------------------------------------

    def invalidate(self, tags: Iterable[str]) -> Flow[None]:
        """Return when nobody will be served what a committed change made stale.

        The change has noted its tags in the database. Without Redis this waits for the
        end of the lease: six seconds at most, and none while Redis stays away.
        """
        command = self._words.invalidate(tags)
        deadline: float | None = None
        while True:
            try:
                yield Ask([command])
            except RedisUnavailable as error:
                if deadline is None:
                    logger.warning("cache: waiting for the lease's end: %s", error)
                    deadline = time.monotonic() + (yield from self._remaining())
                left = deadline - time.monotonic()
                if left <= 0:
                    return
                yield Sleep(min(left, _RETRY))
            else:
                return

    def _remaining(self) -> Flow[float]:
        try:
            (seconds,) = yield Rows(leases.REMAINING)
        except (DrystoneError, psycopg.Error):
            return leases.LEASE + leases.MARGIN
        return float(seconds)

    # --- The lease --------------------------------------------------------------------

    def _extend_early(self, lease: str) -> Flow[None]:
        """Extend a lease that has been seen for half its time; one reader does."""
        now = time.monotonic()
        seen, since = self._seen
        if lease != seen:
            self._seen = (lease, now)
        elif now - since > leases.LEASE / 2 and now > self._next_attempt:
            self._next_attempt = now + _PAUSE
            try:
                yield from self._extend_lease()
            except RedisUnavailable as error:
                logger.info("cache: the lease is not extended: %s", error)

    def _extend_lease(self) -> Flow[bool]:
        """Extend the lease; True if there may be one now, by whomever."""
        words = self._words
        answers = yield Ask(words.begin_lease(secrets.token_hex(8)))
        elected, (seconds, microseconds), generation = answers.values
        if elected is None:
            yield Sleep(_LONGEST_WAIT)
            return True
        run_id = answers.run_id
        try:
            # In this order, each in its own transaction: see leases.
            length = leases.LEASE + leases.MARGIN
            extended = yield Rows(leases.EXTEND, [run_id, length])
            for era in extended:
                yield from self._catch_up(era.term)
        except RedisUnavailable:
            raise
        except (DrystoneError, psycopg.Error) as error:
            logger.warning("cache: nothing is served, for no lease is had: %s", error)
            extended = []
        if not extended:
            self._next_attempt = time.monotonic() + _PAUSE
            yield Ask([words.give_up_lease()])
            return False
        (era,) = extended
        kept = continued(generation, f"{run_id}.{era.timeline}.{era.term}")
        began = int(seconds) * 1000 + int(microseconds) // 1000
        yield Ask(words.grant_lease(kept, began + int(leases.LEASE * 1000)))
        return True

    def _catch_up(self, term: int) -> Flow[None]:
        """Tell Redis of changes that it may not have been told of."""
        while True:
            found = yield Rows(leases.PENDING, [leases.BATCH])
            if found:
                tags = {_readable(tag) for each in found for tag in each.tags}
                yield Ask([self._words.invalidate(tags)])
                positions = [each.position for each in found]
                yield Change(leases.FORGET, [positions, term])
            if len(found) < leases.BATCH:
                return

    def _count(self, what: str) -> None:
        with self._mutex:
            setattr(self.counts, what, getattr(self.counts, what) + 1)


def _readable(tag: str) -> str:
    """Return a tag of the database as it is written in Redis.

    What is none, whoever wrote it, is taken for everything.
    """
    try:
        return written_tag(tag)
    except BadInput:
        return EVERYTHING
