"""``drystone db`` and the embedded Redis; nothing here starts a PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from drystone.embedded import EmbeddedRedis

from .conftest import Drystone


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    server = EmbeddedRedis(tmp_path)
    yield server
    server.reset()


def test_status_lists_redis_beside_what_it_listed_before(
    drystone: Drystone, redis: EmbeddedRedis
) -> None:
    before = drystone("db", "status", "--json").document
    assert before["redis"]["running"] is False

    url = redis.start()

    after = drystone("db", "status", "--json").document
    assert {key: after[key] for key in after if key != "redis"} == {
        key: before[key] for key in before if key != "redis"
    }
    assert set(after) - {"redis"} == {
        "running", "pid", "version", "url", "started_at", "data", "log"
    }  # fmt: skip
    assert after["redis"]["url"] == url
    assert after["redis"]["pid"] == redis.status().pid
    assert url in drystone("db", "status").out


def test_a_configured_redis_is_not_listed(
    drystone: Drystone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:hunter2@elsewhere")

    run = drystone("db", "status", "--json")

    assert run.document["redis"] is None
    assert "hunter2" not in run.out
    assert "a Redis is configured" in drystone("db", "redis", "PING").err


def test_redis_opens_redis_cli(drystone: Drystone, redis: EmbeddedRedis) -> None:
    assert drystone("db", "redis", "PING").out == "PONG\n"
    assert redis.status().running


def test_stop_stops_redis_too(drystone: Drystone, redis: EmbeddedRedis) -> None:
    redis.start()

    assert drystone("db", "stop").out.splitlines() == [
        "Redis has stopped",
        "PostgreSQL was not running",
    ]
    assert not redis.status().running


def test_stop_stops_redis_where_a_database_is_configured(
    drystone: Drystone, redis: EmbeddedRedis
) -> None:
    redis.start()

    run = drystone("--database-url", "dbname=elsewhere", "db", "stop")

    assert (run.code, run.out) == (0, "Redis has stopped\n")


def test_reset_deletes_what_redis_holds(
    drystone: Drystone, redis: EmbeddedRedis
) -> None:
    redis.start()

    assert drystone("db", "reset", "--yes").code == 0

    assert not redis.status().running
    assert not redis.status().data.exists()
