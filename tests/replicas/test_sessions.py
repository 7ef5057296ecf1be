"""Whoever has written something sees it, whichever server answers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import Connection, sql

from drystone.errors import CommitUnknown, UniqueViolation
from drystone.replicas import Position, Router
from drystone.replicas.positions import Sight
from tests.clusters import Cluster
from tests.replicas.conftest import Pair, until

from .things import get_thing, touch_thing

pytestmark = pytest.mark.xdist_group("replicas")


def test_a_session_reads_from_the_replica_what_it_has_just_written(pair: Pair) -> None:
    with pair.router(replica_wait=5) as router:
        session = router.session()
        assert session.token is None
        for _ in range(20):
            written = session.run(touch_thing, thing_id=1)
            read = session.run(get_thing, thing_id=1)
            assert (read.version, read.port) == (written, pair.standby.port)
        assert router.stats().late == 0


def test_the_next_request_goes_on_where_the_token_says(pair: Pair) -> None:
    with pair.router(replica_wait=0.1, replica_max_lag=60) as router:
        session = router.session()
        before = router.run(get_thing, thing_id=2).version
        with pair.paused():
            written = session.in_transaction(lambda c: touch_thing(c, thing_id=2))
            assert router.run(get_thing, thing_id=2).version == before
            read = router.session(session.token).run(get_thing, thing_id=2)
            assert (read.version, read.port) == (written, pair.primary.port)
            assert router.stats().late == 1
        later = router.session(session.token)
        until(lambda: later.run(get_thing, thing_id=2).port == pair.standby.port)
        assert later.run(get_thing, thing_id=2).version == written


def test_a_read_waits_for_a_replica_that_is_only_a_moment_late(pair: Pair) -> None:
    with pair.router(replica_wait=10, replica_max_lag=60) as router:
        session = router.session()
        with ThreadPoolExecutor() as executor:
            with pair.paused():
                written = session.run(touch_thing, thing_id=3)
                reading = executor.submit(session.run, get_thing, thing_id=3)
                until(lambda: router.stats().replicas[0].in_use == 1)
                time.sleep(0.1)
                assert not reading.done()
            read = reading.result()
    assert (read.version, read.port) == (written, pair.standby.port)


def test_a_replica_known_to_be_too_late_is_not_waited_for(pair: Pair) -> None:
    with pair.router(replica_wait=0.2, replica_max_lag=60) as router, pair.paused():
        session = router.session()
        session.run(touch_thing, thing_id=3)
        until(lambda: (router.stats().replicas[0].lag_seconds or 0) > 0.2)
        assert session.run(get_thing, thing_id=3).port == pair.primary.port
        assert router.stats().late == 0


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        "-0-0/0",
        "1-1-0/1",
        "{system}-{later}-0/1",
        "{system}-x-0/1",
        "{system}-1-zz/1",
        "{system}-1",
    ],
)
def test_a_token_that_nobody_understands_leads_to_the_primary_once(
    pair: Pair, token: str
) -> None:
    with pair.router(replica_wait=5) as router:
        here = Position.parse(router.written())
        written = token.format(system=here.system, later=here.timeline + 1)
        session = router.session(written)
        assert session.run(get_thing, thing_id=1).port == pair.primary.port
        assert router.stats().late == 0
        assert session.run(get_thing, thing_id=1).port == pair.standby.port


def test_a_token_of_an_older_timeline_is_good_on_a_later_one() -> None:
    assert Position.parse("7-2-1/0").covers(Position.parse("7-1-0/FFFFFFFF"))
    assert not Position.parse("7-1-9/0").covers(Position.parse("7-2-0/1"))
    assert not Position.parse("7-2-1/0").covers(Position.parse("7-1-1/1"))
    assert not Position.parse("7-2-1/0").covers(Position.parse("8-2-1/0"))
    assert str(Position.parse("7-2-1A/2B")) == "7-2-1A/2B"


@pytest.mark.parametrize(
    ("told", "meant"),
    [
        ("0/5000028", "0/5000000"),  # behind the header of a segment's first page
        ("0/5002018", "0/5002000"),  # behind that of another page
        ("0/5002028", "0/5002028"),  # behind the end of a record
        ("0/5002FF8", "0/5002FF8"),
    ],
)
def test_a_position_is_where_the_last_record_ends(told: str, meant: str) -> None:
    sight = Sight("7", "postgres", False, 1, told, 8192, 16 << 20)
    assert str(sight.position) == f"7-1-{meant}"


def test_a_replica_keeps_up_with_a_segment_that_is_left_half_full(pair: Pair) -> None:
    with pair.router(replica_wait=5) as router:
        session = router.session()
        session.in_transaction(lambda c: c.execute("SELECT pg_switch_wal()"))
        assert session.run(get_thing, thing_id=1).port == pair.standby.port
        assert router.stats().late == 0


def test_a_failed_write_leaves_the_token_as_it_was(pair: Pair) -> None:
    def twice(connection: Connection[Any]) -> None:
        connection.execute("INSERT INTO public.things (id) VALUES (1)")

    with pair.router() as router:
        session = router.session()
        with pytest.raises(UniqueViolation):
            session.in_transaction(twice)
        assert session.token is None


def test_a_session_whose_write_may_have_been_committed_reads_the_primary(
    pair: Pair,
) -> None:
    def cut(connection: Connection[Any]) -> None:
        """Have the server lost just before the answer to COMMIT."""
        connection.execute(
            """
            CREATE TABLE public.cut (id integer);
            CREATE FUNCTION public.cut() RETURNS trigger LANGUAGE plpgsql AS
                'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END';
            CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON public.cut
                DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION public.cut();
            INSERT INTO public.cut (id) VALUES (1);
            """
        )

    with pair.router() as router:
        session = router.session()
        with pytest.raises(CommitUnknown):
            session.in_transaction(cut)
        assert session.run(get_thing, thing_id=4).port == pair.primary.port
        assert session.run(get_thing, thing_id=4).port == pair.standby.port


def write_then_read(router: Router, thing_id: int, *, pairs: int, tokens: bool) -> int:
    """Return how many reads did not show what had been written before them."""
    stale = 0
    for _ in range(pairs):
        session = router.session()
        written = session.run(touch_thing, thing_id=thing_id)
        reader = router.session(session.token) if tokens else router
        stale += reader.run(get_thing, thing_id=thing_id).version < written
    return stale


@pytest.mark.parametrize(
    "pairs", [100, pytest.param(2000, marks=pytest.mark.long)], ids=str
)
def test_no_read_with_a_token_is_stale_and_without_some_are(
    pair: Pair, pairs: int
) -> None:
    """002-26: on a standby that replays each commit four milliseconds late."""

    def stale(*, tokens: bool) -> int:
        def work(thing_id: int) -> int:
            return write_then_read(router, thing_id, pairs=pairs // 4, tokens=tokens)

        with ThreadPoolExecutor(4) as executor:
            return sum(executor.map(work, range(1, 5)))

    with (
        delayed(pair.standby, "4ms"),
        pair.router(replica_wait=5, replica_max_lag=60) as router,
    ):
        without, found = stale(tokens=False), stale(tokens=True)
        (replica,) = router.stats().replicas
    print(f"{pairs} pairs: {found} stale with tokens, {without} without")  # noqa: T201
    assert found == 0
    assert without > 0
    assert replica.reads > pairs


@contextmanager
def delayed(standby: Cluster, delay: str) -> Iterator[None]:
    """Have a standby replay what is so old, for a block."""
    with psycopg.connect(standby.url(), autocommit=True) as connection:
        change = sql.SQL("ALTER SYSTEM SET recovery_min_apply_delay = {}")
        for each in (delay, "0"):
            connection.execute(change.format(each))
            connection.execute("SELECT pg_reload_conf()")
            if each == delay:
                yield
