"""The relay: every job gets to Redis, in order, whatever is lost on the way."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from drystone.database.session import connect
from drystone.errors import RedisUnavailable
from drystone.systems.core import outbox
from tests.redis_faults import MortalRedis

from .conftest import Shop


def positions_in_order(shop: Shop) -> list[str]:
    return [
        str(row[0]) for row in shop.rows("SELECT id FROM core.outbox ORDER BY position")
    ]


async def test_jobs_get_to_redis_in_the_order_of_their_positions(shop: Shop) -> None:
    """003-14"""
    shop.enqueue(1200)
    assert await shop.relay().drain() == 1200
    assert await shop.in_order() == positions_in_order(shop)
    assert await shop.relay().drain() == 0
    assert shop.rows("SELECT DISTINCT batch FROM core.outbox ORDER BY 1") == [
        (1,),
        (2,),
        (3,),
    ]


async def test_smaller_priorities_come_first_and_each_keeps_its_order(
    shop: Shop,
) -> None:
    """003-14"""
    for priority in (5, 1, 3, 5, 1, 3):
        shop.enqueue(5, priority=priority)
    await shop.relay().drain()
    expected = shop.rows("SELECT id FROM core.outbox ORDER BY priority, position")
    assert await shop.in_order() == [str(row[0]) for row in expected]


async def test_a_job_has_the_options_of_its_queue(shop: Shop) -> None:
    """003-14: attempts, exponential backoff, and what is kept for how long."""
    soon = datetime.now(UTC) + timedelta(hours=1)
    shop.rows("UPDATE core.queues SET backoff_ms = 2000")
    shop.enqueue(queue="strategy-generation", run_at=soon)
    ((created,),) = shop.rows("SELECT created_at FROM core.outbox")
    await shop.relay().drain()
    (job,) = (await shop.jobs_in_redis("strategy-generation")).values()
    delay = round(soon.timestamp() * 1000) - round(created.timestamp() * 1000)
    assert json.loads(job["opts"]) == {
        "attempts": 2,
        "backoff": {"type": "exponential", "delay": 2000},
        "delay": delay,
        "priority": 1,
        "removeOnComplete": {"count": 10, "age": 24 * 3600},
        "removeOnFail": {"count": 50, "age": 7 * 24 * 3600},
        "timestamp": round(created.timestamp() * 1000),
    }
    assert (job["name"], json.loads(job["data"])) == ("note", {"number": 1})
    counts = await shop.count("strategy-generation")
    assert (counts.delayed, counts.prioritized) == (1, 0)


async def test_a_job_whose_time_has_come_keeps_its_place(shop: Shop) -> None:
    shop.enqueue(2)
    shop.enqueue(run_at=datetime.now(UTC) - timedelta(hours=1))
    shop.enqueue(2)
    await shop.relay().drain()
    assert await shop.in_order() == positions_in_order(shop)


async def test_a_queue_keeps_to_its_limit_and_its_pause_in_redis_too(
    shop: Shop,
) -> None:
    shop.rows("UPDATE core.queues SET max_active = 3, paused = (queue = 'email')")
    async with shop.relaying(), shop.client() as client:
        await shop.until_counted(lambda counts: counts.paused)
        assert await client.hget("bull:email:meta", "concurrency") == "3"
        assert not (await shop.count("analytics")).paused
        shop.rows("UPDATE core.queues SET paused = false")
        await shop.until_counted(lambda counts: not counts.paused)


async def test_a_queue_that_is_paused_stays_so_when_redis_was_emptied(
    shop: Shop,
) -> None:
    """Also when there was nothing else in it."""
    shop.rows("UPDATE core.queues SET paused = true")
    async with shop.client() as client:
        await shop.relay().drain()
        await client.flushdb()
        shop.enqueue()
        await shop.relay().drain()
        assert (await shop.count()).paused


async def test_a_batch_that_redis_took_and_the_database_did_not_is_there_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a kill between the two: the transaction is rolled back."""
    shop.enqueue(20)

    async def killed(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("drystone.jobs.relay.outbox.mark_sent", killed)
        with pytest.raises(KeyboardInterrupt):
            await shop.relay().drain()
    assert len(await shop.in_order()) == 20
    assert shop.rows("SELECT DISTINCT batch FROM core.outbox") == [(None,)]
    shop.enqueue(5)
    assert await shop.relay().drain() == 25
    assert await shop.in_order() == positions_in_order(shop)


async def test_one_relay_sends_at_a_time_and_the_next_takes_over(shop: Shop) -> None:
    shop.enqueue(3)
    with connect(shop.database_url, shop.settings) as other:
        async with shop.relaying(), shop.relaying():
            with other.transaction():
                other.execute(
                    "SELECT pg_advisory_xact_lock(hashtextextended('core.outbox', 0))"
                )
                shop.enqueue(3)
                await asyncio.sleep(0.1)
                late = shop.rows("SELECT count(*) FROM core.outbox WHERE batch IS NULL")
                assert late[0][0] >= 3
            await shop.until(
                lambda: (
                    shop.rows("SELECT 1 FROM core.outbox WHERE batch IS NULL") == []
                ),
                "the relays",
            )
    assert await shop.in_order() == positions_in_order(shop)


async def test_jobs_wait_while_redis_is_away_and_go_on_when_it_is_back(
    shop: Shop, mortal: MortalRedis
) -> None:
    """003-14"""
    shop.redis_url = mortal.url
    mortal.kill()
    with pytest.raises(RedisUnavailable, match="Redis is away"):
        await shop.relay().drain()
    async with shop.relaying():
        shop.enqueue(30)
        await shop.until(lambda: bool(shop.reports), "the report")
        await asyncio.sleep(0.3)
        (report,) = shop.reports
        assert report.startswith("Redis is away")
        assert report.endswith("jobs wait in the outbox meanwhile")
        assert shop.rows("SELECT DISTINCT batch FROM core.outbox") == [(None,)]
        mortal.start()
        await shop.until(
            lambda: shop.rows("SELECT 1 FROM core.outbox WHERE batch IS NULL") == [],
            "the jobs",
        )
        await shop.until(lambda: len(shop.reports) == 2, "the report")
        assert shop.reports[1] == "jobs get through again"
    assert await shop.in_order() == positions_in_order(shop)


async def test_a_redis_that_is_full_is_told_of_and_jobs_wait_for_room(
    shop: Shop, mortal: MortalRedis
) -> None:
    shop.redis_url = mortal.url
    shop.rows(
        "INSERT INTO core.outbox (queue, name, payload)"
        """ VALUES ('email', 'note', '{"to": "s3cret"}')"""
    )
    async with shop.client() as client:
        await shop.relay().drain()
        shop.enqueue(5)
        await client.config_set("maxmemory", 1)
        with pytest.raises(RedisUnavailable) as refused:
            await shop.relay().drain()
        assert refused.value.message == (
            "Redis refuses: command not allowed when used memory > 'maxmemory'"
        )
        await client.config_set("maxmemory", 0)
    assert await shop.relay().drain() == 5
    assert await shop.in_order() == positions_in_order(shop)


async def test_what_a_killed_redis_took_is_still_there(
    shop: Shop, mortal: MortalRedis
) -> None:
    shop.redis_url = mortal.url
    shop.enqueue(30)
    await shop.relay().drain()
    mortal.kill()
    mortal.start()
    assert await shop.relay().drain() == 0
    assert await shop.in_order() == positions_in_order(shop)


async def empty(shop: Shop, client: Any) -> None:
    await client.flushdb()


async def turn_back(shop: Shop, client: Any) -> None:
    """Take back what came after the first batch, as an older snapshot would."""
    await client.set("bull:drystone:batch", 1)
    later = shop.rows("SELECT id FROM core.outbox WHERE batch > 1")
    for (job,) in later:
        await client.delete(f"bull:email:{job}")
        await client.zrem("bull:email:prioritized", str(job))


async def restore_the_database(shop: Shop, client: Any) -> None:
    """Let Redis know of batches that the database has not come to yet."""
    await client.flushdb()
    await client.set("bull:drystone:batch", 10_000)


@pytest.mark.parametrize("lose", [empty, turn_back, restore_the_database])
async def test_what_redis_has_lost_is_sent_again(shop: Shop, lose: Any) -> None:
    """Also when it happens without a word, and there is nothing new to send."""
    shop.settings = shop.settings.model_copy(update={"relay_batch_size": 10})
    shop.enqueue(25)
    await shop.relay().drain()
    async with shop.client() as client:
        await lose(shop, client)
    assert len(await shop.in_order()) < 25
    lost = 15 if lose is turn_back else 25
    assert await shop.relay().drain() == lost
    assert shop.reports == [f"sending again what Redis may have lost: {lost} jobs"]
    assert await shop.in_order() == positions_in_order(shop)
    assert await shop.relay().drain() == 0


async def test_a_redis_that_is_emptied_within_a_round_has_not_taken_the_batch(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the new batch's number would hide what was lost before."""
    shop.enqueue(5)
    await shop.relay().drain()
    shop.enqueue(5)
    jobs_to_send = outbox.jobs_to_send

    async def emptied(connection: Any, *, limit_rows: int) -> list[Any]:
        if not shop.reports:
            async with shop.client() as client:
                await client.flushdb()
        return list(await jobs_to_send(connection, limit_rows=limit_rows))

    monkeypatch.setattr("drystone.jobs.relay.outbox.jobs_to_send", emptied)
    assert await shop.relay().drain() == 10
    assert await shop.in_order() == positions_in_order(shop)


async def test_an_operator_can_have_everything_sent_again(shop: Shop) -> None:
    """It helps when somebody has deleted jobs in Redis; what is there stays."""
    shop.enqueue(5)
    await shop.relay().drain()
    async with shop.client() as client:
        (first, *_) = await shop.in_order()
        await client.delete(f"bull:email:{first}")
        await client.zrem("bull:email:prioritized", first)
    relay = shop.relay()
    await relay.rewind()
    assert await relay.drain() == 5
    assert sorted(await shop.in_order()) == sorted(positions_in_order(shop))
