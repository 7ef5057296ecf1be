"""Which Redis is meant: the configured one, or the embedded one."""

from __future__ import annotations

from dataclasses import dataclass

from drystone.embedded import EmbeddedRedis
from drystone.settings import Settings


@dataclass(frozen=True, slots=True)
class RedisTarget:
    """A Redis to connect to. ``url`` may hold a password."""

    url: str
    embedded: bool


def locate_redis(settings: Settings) -> RedisTarget:
    """Return the configured Redis; without one, start the embedded one.

    Raises EmbeddedServerError when that cannot be had.
    """
    url = settings.redis()
    if url is not None:
        return RedisTarget(url, embedded=False)
    return RedisTarget(EmbeddedRedis(settings.project).start(), embedded=True)
