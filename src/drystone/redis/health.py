"""Whether Redis is up, how fast it answers, and how much memory it has left."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from drystone.errors import RedisUnavailable
from drystone.redis.links import Answers, AsyncLink, Link

_COMMANDS = (("INFO", "server"), ("INFO", "memory"))


@dataclass(frozen=True, slots=True)
class RedisHealth:
    """What is known of a Redis now; all is None but ``problem`` if it is down.

    ``latency`` is that of one question, in seconds; memory is in bytes, and
    ``memory_limit`` is None if there is none.
    """

    up: bool
    latency: float | None = None
    version: str | None = None
    memory: int | None = None
    memory_limit: int | None = None
    problem: str | None = None


def check_redis(link: Link) -> RedisHealth:
    """Ask Redis how it is; never raises RedisUnavailable."""
    began = time.perf_counter()
    try:
        answers = link.ask(*_COMMANDS)
    except RedisUnavailable as error:
        return RedisHealth(up=False, problem=error.message)
    return _health(answers, time.perf_counter() - began)


async def check_redis_async(link: AsyncLink) -> RedisHealth:
    """Do for asyncio what :func:`check_redis` does."""
    began = time.perf_counter()
    try:
        answers = await link.ask(*_COMMANDS)
    except RedisUnavailable as error:
        return RedisHealth(up=False, problem=error.message)
    return _health(answers, time.perf_counter() - began)


def _health(answers: Answers, latency: float) -> RedisHealth:
    facts: dict[str, Any] = {}
    for section in answers.values:
        lines = section.decode(errors="replace").splitlines()
        facts.update(line.split(":", 1) for line in lines if ":" in line)
    return RedisHealth(
        up=True,
        latency=latency,
        version=facts["redis_version"],
        memory=int(facts["used_memory"]),
        memory_limit=int(facts["maxmemory"]) or None,
    )
