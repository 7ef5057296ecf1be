"""How often somebody may do something: a count in Redis for each window of time.

Windows are those of Redis's clock, the same for every process. A count is raised and
looked at in one step, so of many who come at once no more than the limit are let in.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from urllib.parse import quote

from drystone.errors import BadInput
from drystone.redis.links import Answers, AsyncLink, Command, Link

_LONGEST_NAME = 100

_COUNT = """
local now = redis.call('TIME')
local milliseconds = now[1] * 1000 + math.floor(now[2] / 1000)
local window = math.floor(milliseconds / ARGV[1])
local key = KEYS[1] .. string.format('%.0f', window)
local count = redis.call('INCR', key)
local left = (window + 1) * ARGV[1] - milliseconds
if count == 1 then redis.call('PEXPIRE', key, left) end
return {count, left}
"""


@dataclass(frozen=True, slots=True)
class Allowance:
    """Whether it may be done now; how often still; and when a window begins anew."""

    allowed: bool
    remaining: int
    seconds: float


class _Words:
    def __init__(self, limit: int, seconds: float, prefix: str) -> None:
        if limit < 1 or seconds < 0.001:
            raise BadInput(
                "a rate limit lets at least one through, in at least a millisecond"
            )
        self._limit = limit
        self._milliseconds = round(seconds * 1000)
        self._prefix = prefix

    def count(self, who: str) -> Command:
        name = quote(who, safe=":@")
        if len(name) > _LONGEST_NAME:
            name = hashlib.sha256(who.encode(errors="replace")).hexdigest()
        # The length belongs to it: somebody may be limited by the minute and the day.
        key = f"{self._prefix}rate:{name}:{self._milliseconds}:"
        return ("EVAL", _COUNT, 1, key, self._milliseconds)

    def allowance(self, answers: Answers) -> Allowance:
        ((count, left),) = answers.values
        return Allowance(
            allowed=count <= self._limit,
            remaining=max(0, self._limit - count),
            seconds=left / 1000,
        )


class RateLimit:
    """``limit`` times in each window of ``seconds``, for threads.

    ``take`` raises RedisUnavailable without Redis: whether somebody is let in then is
    for the caller to say.
    """

    def __init__(
        self, link: Link, *, limit: int, seconds: float, prefix: str = "drystone:"
    ) -> None:
        self._link = link
        self._words = _Words(limit, seconds, prefix)

    def take(self, who: str) -> Allowance:
        """Count one more for somebody, a user or an address, and tell if it may be."""
        return self._words.allowance(self._link.ask(self._words.count(who)))


class AsyncRateLimit:
    """The same for asyncio."""

    def __init__(
        self, link: AsyncLink, *, limit: int, seconds: float, prefix: str = "drystone:"
    ) -> None:
        self._link = link
        self._words = _Words(limit, seconds, prefix)

    async def take(self, who: str) -> Allowance:
        """Count one more for somebody, a user or an address, and tell if it may be."""
        return self._words.allowance(await self._link.ask(self._words.count(who)))
