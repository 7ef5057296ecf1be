from __future__ import annotations

import time
from typing import Any

import pytest
from redis import Redis

from drystone.errors import BadInput, RedisUnavailable
from drystone.redis.links import AsyncLink, Link, open_link
from drystone.redis.sessions import AsyncSessions, Sessions

DATA: dict[str, Any] = {"user": "7", "roles": ["admin"], "cart": {"n": 2}}


def test_a_session_is_had_by_its_token_until_it_is_ended(link: Link) -> None:
    """004-06"""
    sessions = Sessions(link)
    token, other = sessions.create(DATA), sessions.create({})

    assert sessions.get(token) == DATA
    assert sessions.replace(token, {"user": "8"})
    assert sessions.get(token) == {"user": "8"}
    assert sessions.delete(token)
    assert sessions.get(token) is None
    assert not sessions.delete(token)
    assert not sessions.touch(token)
    assert not sessions.replace(token, DATA)
    assert sessions.get(token) is None
    assert sessions.get(other) == {}


def test_redis_is_not_told_the_token(link: Link, redis_url: str) -> None:
    token = Sessions(link).create(DATA)

    with Redis.from_url(redis_url, decode_responses=True) as client:
        (key,) = client.keys("*")
        assert key.startswith("drystone:session:")
        assert token not in key
        assert token not in client.get(key)
        assert 7190 < client.ttl(key) <= 7200
    assert len(token) >= 43


def test_a_session_lives_on_as_long_as_it_is_touched(link: Link) -> None:
    sessions = Sessions(link, ttl=2)
    kept, left = sessions.create(DATA), sessions.create(DATA)
    for _ in range(5):
        time.sleep(0.5)
        assert sessions.touch(kept)

    assert sessions.get(kept) == DATA
    assert sessions.get(left) is None


@pytest.mark.parametrize("token", ["", "x", "x" * 10**6, "\ud800", "*", "a b\r\nQUIT"])
def test_what_is_no_token_has_no_session(link: Link, token: str) -> None:
    sessions = Sessions(link)
    sessions.create(DATA)

    assert sessions.get(token) is None


@pytest.mark.parametrize("data", [{"x": "y" * 70_000}, {"x": object()}])
def test_what_a_session_cannot_hold_is_refused(link: Link, data: Any) -> None:
    with pytest.raises(BadInput, match="a session's data"):
        Sessions(link).create(data)


def test_without_redis_there_are_no_sessions() -> None:
    with open_link("unix:///nowhere/redis.sock") as link:
        with pytest.raises(RedisUnavailable, match="no connection"):
            Sessions(link).create(DATA)
        with pytest.raises(RedisUnavailable, match="left alone"):
            Sessions(link).get("x")


async def test_asyncio_has_the_same_sessions(link: Link, async_link: AsyncLink) -> None:
    sessions = AsyncSessions(async_link)
    token = await sessions.create(DATA)

    assert Sessions(link).get(token) == await sessions.get(token) == DATA
    assert await sessions.touch(token)
    assert await sessions.replace(token, {})
    assert await sessions.delete(token)
    assert await sessions.get(token) is None
