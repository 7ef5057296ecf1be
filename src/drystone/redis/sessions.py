"""Sessions of logged-in users, in Redis.

Whoever has a session's token is its user, so Redis never sees one: keys are made of
its hash. A token is 256 bits from the system's source of randomness.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

import msgspec

from drystone.errors import BadInput
from drystone.redis.links import Answers, AsyncLink, Command, Link

# Two hours.
TTL = 7200
LARGEST = 65_536

_LONGEST_TOKEN = 200

Data = Mapping[str, Any]


class _Words:
    """The commands, and what their answers mean."""

    def __init__(self, ttl: int, prefix: str) -> None:
        self._ttl = ttl
        self._prefix = prefix

    def create(self, data: Data) -> tuple[str, Command]:
        token = secrets.token_urlsafe(32)
        return token, ("SET", self._key(token), _encoded(data), "EX", self._ttl, "NX")

    def get(self, token: str) -> Command:
        return ("GET", self._key(token))

    def touch(self, token: str) -> Command:
        return ("EXPIRE", self._key(token), self._ttl)

    def replace(self, token: str, data: Data) -> Command:
        key = self._key(token)
        return ("SET", key, _encoded(data), "EX", self._ttl, "XX")

    def delete(self, token: str) -> Command:
        return ("UNLINK", self._key(token))

    def _key(self, token: str) -> str:
        digest = hashlib.sha256(token[:_LONGEST_TOKEN].encode(errors="replace"))
        return f"{self._prefix}session:{digest.hexdigest()}"

    @staticmethod
    def data(answers: Answers) -> dict[str, Any] | None:
        (text,) = answers.values
        return None if text is None else msgspec.json.decode(text, type=dict[str, Any])

    @staticmethod
    def done(answers: Answers) -> bool:
        (answer,) = answers.values
        return bool(answer)


class Sessions:
    """Sessions, for threads.

    ``ttl`` is how many seconds one lives after it was made or touched last. Without
    Redis there are none: every method raises RedisUnavailable.
    """

    def __init__(
        self, link: Link, *, ttl: int = TTL, prefix: str = "drystone:"
    ) -> None:
        self._link = link
        self._words = _Words(ttl, prefix)

    def create(self, data: Data) -> str:
        """Begin a session and return its token, which nobody else is told.

        ``data`` is what JSON can express; raises BadInput for more than 64 kB of it.
        """
        token, command = self._words.create(data)
        self._link.ask(command)
        return token

    def get(self, token: str) -> dict[str, Any] | None:
        """Return a session's data; None if there is none, or no more."""
        return self._words.data(self._link.ask(self._words.get(token)))

    def touch(self, token: str) -> bool:
        """Let a session live for its time from now on; False if there is none."""
        return self._words.done(self._link.ask(self._words.touch(token)))

    def replace(self, token: str, data: Data) -> bool:
        """Give a session other data, and its time anew; False if there is none."""
        return self._words.done(self._link.ask(self._words.replace(token, data)))

    def delete(self, token: str) -> bool:
        """End a session; False if there was none."""
        return self._words.done(self._link.ask(self._words.delete(token)))


class AsyncSessions:
    """The same for asyncio."""

    def __init__(
        self, link: AsyncLink, *, ttl: int = TTL, prefix: str = "drystone:"
    ) -> None:
        self._link = link
        self._words = _Words(ttl, prefix)

    async def create(self, data: Data) -> str:
        """Begin a session and return its token; see :meth:`Sessions.create`."""
        token, command = self._words.create(data)
        await self._link.ask(command)
        return token

    async def get(self, token: str) -> dict[str, Any] | None:
        """Return a session's data; None if there is none, or no more."""
        return self._words.data(await self._link.ask(self._words.get(token)))

    async def touch(self, token: str) -> bool:
        """Let a session live for its time from now on; False if there is none."""
        return self._words.done(await self._link.ask(self._words.touch(token)))

    async def replace(self, token: str, data: Data) -> bool:
        """Give a session other data, and its time anew; False if there is none."""
        return self._words.done(await self._link.ask(self._words.replace(token, data)))

    async def delete(self, token: str) -> bool:
        """End a session; False if there was none."""
        return self._words.done(await self._link.ask(self._words.delete(token)))


def _encoded(data: Data) -> bytes:
    try:
        text = msgspec.json.encode(data)
    except (TypeError, ValueError, RecursionError):
        raise BadInput(
            "a session's data is not what JSON can express",
            hint="Keep texts, numbers, lists and objects in it; ids as texts.",
        ) from None
    if len(text) > LARGEST:
        raise BadInput(
            f"a session's data has {len(text)} bytes; {LARGEST} are the most",
            hint="Keep ids in the session, and what they stand for in the database.",
        )
    return text
