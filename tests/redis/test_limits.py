from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from drystone.errors import BadInput
from drystone.redis.limits import AsyncRateLimit, RateLimit
from drystone.redis.links import AsyncLink, Link

HOUR = 3600


def await_a_window(seconds: float) -> None:
    """Wait for the beginning of a window, if it is not far: none shall end midway."""
    left = seconds - time.time() % seconds
    if left < 5:
        time.sleep(left + 0.1)


def test_of_many_who_come_at_once_the_limit_is_let_in(link: Link) -> None:
    await_a_window(HOUR)
    limit = RateLimit(link, limit=10, seconds=HOUR)

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(limit.take, ["user:7"] * 50))

    assert sum(each.allowed for each in found) == 10
    assert min(each.remaining for each in found) == 0
    assert all(0 < each.seconds <= HOUR for each in found)
    assert limit.take("user:8").remaining == 9


def test_a_new_window_begins_anew(link: Link) -> None:
    limit = RateLimit(link, limit=1, seconds=0.3)
    deadline = time.monotonic() + 10
    while limit.take("x").allowed:
        assert time.monotonic() < deadline
    refused = limit.take("x")
    time.sleep(refused.seconds + 0.02)

    assert limit.take("x").allowed


def test_counts_go_when_their_window_is_over(link: Link, redis_url: str) -> None:
    await_a_window(HOUR)
    RateLimit(link, limit=1, seconds=HOUR).take("a b\n" * 100)
    RateLimit(link, limit=1, seconds=HOUR).take("10.0.0.1")

    with Redis.from_url(redis_url, decode_responses=True) as client:
        keys = client.keys("*")
        assert len(keys) == 2
        assert any(key.startswith("drystone:rate:10.0.0.1:") for key in keys)
        assert all(0 < client.ttl(key) <= HOUR for key in keys)


def test_limits_of_different_lengths_count_apart(link: Link) -> None:
    RateLimit(link, limit=1, seconds=HOUR).take("x")

    assert RateLimit(link, limit=1, seconds=24 * HOUR).take("x").allowed


@pytest.mark.parametrize(("limit", "seconds"), [(0, 1), (1, 0)])
def test_a_limit_that_lets_nobody_in_is_refused(
    link: Link, limit: int, seconds: float
) -> None:
    with pytest.raises(BadInput, match="at least"):
        RateLimit(link, limit=limit, seconds=seconds)


async def test_asyncio_is_limited_alike(link: Link, async_link: AsyncLink) -> None:
    await_a_window(HOUR)
    RateLimit(link, limit=5, seconds=HOUR).take("x")
    limit = AsyncRateLimit(async_link, limit=5, seconds=HOUR)

    found = await asyncio.gather(*(limit.take("x") for _ in range(20)))

    assert sum(each.allowed for each in found) == 4
