"""Where queries go: to a replica, to another one, or back to the primary."""

from __future__ import annotations

import time
from threading import Thread
from typing import Any, assert_type

import psycopg
import pytest
from prometheus_client import CollectorRegistry
from psycopg import Connection
from pydantic import SecretStr

from drystone.database.pool import open_pool
from drystone.errors import ReadOnly
from drystone.ops.routing import watch_router
from drystone.replicas import open_router
from tests.replicas.conftest import Pair, state_of, until

from .things import (
    Thing,
    count_later_things,
    get_fresh_thing,
    get_thing,
    read_slowly,
    touch_by_mistake,
    touch_thing,
)

pytestmark = pytest.mark.xdist_group("replicas")


def test_a_marked_query_goes_to_the_replica_and_all_else_to_the_primary(
    pair: Pair,
) -> None:
    """002-26"""
    with pair.router() as router:
        read = router.run(get_thing, thing_id=1)
        fresh = router.run(get_fresh_thing, thing_id=1)
        written = router.run(touch_thing, thing_id=1)
        with router.connection() as connection:
            lent = connection.info.port
        (replica,) = router.stats().replicas
        counted = router.stats().primary_reads
    assert_type(read, Thing)
    assert_type(written, int)
    assert (read.port, read.read_only) == (pair.standby.port, True)
    assert (fresh.port, fresh.read_only) == (pair.primary.port, False)
    assert written == read.version + 1
    assert lent == pair.primary.port
    assert replica.name == f"127.0.0.1:{pair.standby.port}"
    assert (replica.reads, replica.faults, replica.in_use, counted) == (1, 0, 0, 0)


def test_what_is_written_by_hand_around_marked_queries_goes_to_the_primary(
    pair: Pair,
) -> None:
    def flow(connection: Connection[Any], *, thing_id: int) -> int:
        touch_thing(connection, thing_id=thing_id)
        return get_thing(connection, thing_id=thing_id).port

    with pair.router() as router:
        assert router.run(flow, thing_id=2) == pair.primary.port


def test_without_replicas_the_primary_answers_read_only(pair: Pair) -> None:
    with pair.router(replica_urls=()) as router:
        read = router.run(get_thing, thing_id=1)
        assert (read.port, read.read_only) == (pair.primary.port, True)
        session = router.session()
        assert session.run(touch_thing, thing_id=1) > 0
        assert session.token is None
        assert router.stats().replicas == ()
        assert router.stats().primary_reads == 1


def test_an_idle_primary_makes_no_replica_late(pair: Pair) -> None:
    with pair.router(replica_max_lag=0.1) as router:
        time.sleep(0.4)
        (replica,) = router.stats().replicas
    assert (replica.state, replica.lag_seconds, replica.lag_bytes) == ("ready", 0, 0)


def test_a_late_replica_is_left_out_until_it_has_caught_up(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    with pair.router() as router:
        with pair.paused():
            router.run(touch_thing, thing_id=1)
            until(lambda: state_of(router) == "lagging")
            (late,) = router.stats().replicas
            assert router.run(get_thing, thing_id=1).port == pair.primary.port
        until(lambda: state_of(router) == "ready")
        assert router.run(get_thing, thing_id=1).port == pair.standby.port
    assert late.lag_seconds is not None
    assert 0.3 < late.lag_seconds < 5
    assert late.lag_bytes is not None
    assert 0 < late.lag_bytes < 100_000
    told = [record.getMessage() for record in caplog.records]
    assert f"replica 127.0.0.1:{pair.standby.port} is lagging, was ready" in told


def test_how_late_a_replica_is_is_known_while_the_primarys_pool_is_exhausted(
    pair: Pair,
) -> None:
    with (
        pair.router(pool_min_size=1, pool_max_size=1) as router,
        pair.paused(),
        router.connection() as connection,
    ):
        touch_thing(connection, thing_id=1)
        connection.commit()
        until(lambda: state_of(router) == "lagging")


def test_a_replica_that_was_late_before_we_came_is_not_read_from(pair: Pair) -> None:
    settings = pair.settings(replica_max_lag=60)
    with open_pool(pair.primary.url(), settings) as pool, pair.paused():
        with pool.connection() as connection:
            touch_thing(connection, thing_id=1)
        with open_router(pool, settings) as router:
            time.sleep(0.2)
            (replica,) = router.stats().replicas
            assert (replica.state, replica.lag_seconds) == ("lagging", None)
            assert router.run(get_thing, thing_id=1).port == pair.primary.port


def test_a_query_for_what_the_replica_has_not_got_yet_is_answered(pair: Pair) -> None:
    create = "CREATE TABLE public.later_things AS SELECT 1 AS id"
    with pair.router(replica_max_lag=60) as router:
        with pair.paused():
            with router.connection() as connection:
                connection.execute(create)
            assert router.run(count_later_things) == 1
            (replica,) = router.stats().replicas
            assert (replica.state, replica.faults) == ("ready", 1)
        with router.connection() as connection:
            connection.execute("DROP TABLE public.later_things")


def test_a_query_that_the_replica_cancels_for_replay_is_repeated(pair: Pair) -> None:
    with psycopg.connect(pair.standby.url(), autocommit=True) as standby:
        standby.execute("ALTER SYSTEM SET max_standby_streaming_delay = 0")
        standby.execute("SELECT pg_reload_conf()")
        results: list[int] = []
        with pair.router(replica_max_lag=60) as router:
            reader = Thread(
                target=lambda: results.append(router.run(read_slowly, seconds=0.02))
            )
            reader.start()
            until(lambda: router.stats().replicas[0].in_use == 1)
            time.sleep(0.1)
            with router.connection() as connection:
                connection.execute("LOCK public.things IN ACCESS EXCLUSIVE MODE")
            reader.join()
            (replica,) = router.stats().replicas
        standby.execute("ALTER SYSTEM RESET ALL")
        standby.execute("SELECT pg_reload_conf()")
    assert (len(results), replica.faults, replica.state) == (1, 1, "ready")


def test_a_marked_query_that_writes_is_refused_everywhere(pair: Pair) -> None:
    with pair.router() as router:
        with router.connection() as connection:
            connection.execute("CREATE SEQUENCE IF NOT EXISTS public.numbers")
        token = router.written()
        with pytest.raises(ReadOnly) as caught:
            router.session(token).run(touch_by_mistake)
    assert caught.value.query == "things.touch_by_mistake"


def test_a_lost_connection_to_the_replica_costs_no_call(pair: Pair) -> None:
    with pair.router() as router:
        assert router.run(get_thing, thing_id=1).port == pair.standby.port
        with psycopg.connect(pair.standby.url(), autocommit=True) as standby:
            standby.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
        assert router.run(get_thing, thing_id=1).version >= 0
        until(lambda: state_of(router) == "ready")
        assert router.run(get_thing, thing_id=1).port == pair.standby.port


def test_a_replica_of_another_cluster_is_never_read_from(
    pair: Pair, own: Connection[Any]
) -> None:
    info = own.info
    other = f"host={info.host} port={info.port} user={info.user} dbname={info.dbname}"
    settings = pair.settings(replica_urls=(SecretStr(other),))
    with (
        open_pool(pair.primary.url(), settings) as pool,
        open_router(pool, settings) as router,
    ):
        assert state_of(router) == "promoted"
        assert router.run(get_thing, thing_id=1).port == pair.primary.port


def test_a_replica_that_is_away_delays_nothing_for_long(pair: Pair) -> None:
    url = "host=127.0.0.1 port=9 user=postgres password=hunter2"
    settings = pair.settings(replica_urls=(SecretStr(url),))
    with (
        open_pool(pair.primary.url(), settings) as pool,
        open_router(pool, settings) as router,
    ):
        assert router.run(get_thing, thing_id=1).port == pair.primary.port
        assert state_of(router) == "down"
        assert "hunter2" not in repr(router.stats())
        assert "hunter2" not in repr(settings)


def test_a_write_that_is_sent_to_a_replica_is_typed(pair: Pair) -> None:
    with (
        open_pool(pair.standby.url(), pair.settings()) as pool,
        pool.connection() as connection,
        pytest.raises(ReadOnly) as caught,
    ):
        touch_thing(connection, thing_id=1)
    assert caught.value.sqlstate == "25006"
    assert "target_session_attrs=read-write" in (caught.value.hint or "")


def test_prometheus_is_told_of_the_replicas(pair: Pair) -> None:
    registry = CollectorRegistry()
    with pair.router() as router:
        watch_router(router, registry=registry)
        router.run(get_thing, thing_id=1)
        with pair.paused():
            session = router.session()
            session.run(touch_thing, thing_id=1)
            session.run(get_thing, thing_id=1)
        labels = {"replica": f"127.0.0.1:{pair.standby.port}"}
        told = registry.get_sample_value
        assert told("drystone_replica_reads_total", labels) == 1
        assert told("drystone_replica_faults_total", labels) == 0
        assert told("drystone_replica_lag_seconds", labels) is not None
        assert told("drystone_replica_ready", labels) in (0, 1)
        assert told("drystone_replica_primary_reads_total") == 1
        assert told("drystone_replica_late_total") == 1
