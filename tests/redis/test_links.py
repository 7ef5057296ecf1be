"""Links, which Redis is meant, and its health."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import SecretStr

from drystone.embedded import EmbeddedRedis
from drystone.errors import RedisUnavailable, SettingsError
from drystone.redis.health import check_redis, check_redis_async
from drystone.redis.links import AsyncLink, Link, open_async_link, open_link
from drystone.redis.target import locate_redis
from drystone.settings import Settings


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    server = EmbeddedRedis(tmp_path, parameters={"appendfsync": "no"})
    yield server
    server.reset()


def test_without_a_configured_redis_the_embedded_one_is_started(
    server: EmbeddedRedis, tmp_path: Path
) -> None:
    """004-06"""
    target = locate_redis(Settings(project=tmp_path))

    assert target.embedded
    assert server.status().url == target.url
    configured = Settings(project=tmp_path, redis_url=SecretStr("redis://elsewhere"))
    assert locate_redis(configured).url == "redis://elsewhere"


def test_answers_come_in_the_order_of_the_commands(link: Link) -> None:
    answers = link.ask(("SET", "a", b"\0\r\n"), ("GET", "a"), ("GET", "b"))

    assert answers.values == [b"OK", b"\0\r\n", None]
    assert len(answers.run_id) == 40


def test_threads_share_a_link(link: Link) -> None:
    start = threading.Barrier(16)

    def count(_: int) -> None:
        start.wait()
        for number in range(50):
            name = f"{threading.get_ident()}:{number}"
            assert link.ask(("ECHO", name)).values == [name.encode()]

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(count, range(16)))


def test_a_restarted_redis_is_another_run_and_costs_no_error(
    server: EmbeddedRedis,
) -> None:
    with open_link(server.start()) as link:
        before = link.ask(("PING",)).run_id
        server.stop()
        server.start()
        assert link.ask(("PING",)).run_id != before


async def test_a_restarted_redis_costs_asyncio_no_error(server: EmbeddedRedis) -> None:
    async with open_async_link(server.start()) as link:
        before = (await link.ask(("PING",))).run_id
        server.stop()
        server.start()
        assert (await link.ask(("PING",))).run_id != before


def test_a_refused_command_names_its_code_and_no_value(link: Link) -> None:
    link.ask(("SET", "hunter2", "x"))

    with pytest.raises(RedisUnavailable, match="WRONGTYPE") as caught:
        link.ask(("LPUSH", "hunter2", "x"))

    assert "hunter2" not in str(caught.value)
    assert link.ask(("PING",)).values == [b"PONG"]


@pytest.mark.parametrize(
    "url", ["redis://x/0?socket_timeout=hunter2", "http://hunter2"]
)
def test_a_url_that_redis_py_refuses_is_not_shown(url: str) -> None:
    with pytest.raises(SettingsError, match="REDIS_URL") as caught, open_link(url):
        pass

    assert "hunter2" not in str(caught.value)


def test_health_tells_version_memory_and_latency(link: Link) -> None:
    health = check_redis(link)

    assert health.up
    assert health.version is not None
    assert int(health.version.split(".")[0]) >= 6
    assert health.memory is not None
    assert health.memory > 0
    assert health.latency is not None
    assert (health.memory_limit, health.problem) == (None, None)


async def test_health_tells_that_redis_is_down(async_link: AsyncLink) -> None:
    assert (await check_redis_async(async_link)).up
    with open_link("unix:///nowhere/redis.sock") as link:
        health = check_redis(link)
    async with open_async_link("unix:///nowhere/redis.sock") as gone:
        same = await check_redis_async(gone)

    assert health == same
    assert not health.up
    assert "no connection" in str(health.problem)
