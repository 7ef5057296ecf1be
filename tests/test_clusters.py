"""What tests of faults, replicas and backups stand on."""

from __future__ import annotations

import time

import psycopg

from tests.clusters import opened_cluster


def test_a_cluster_survives_a_crash_and_is_followed_by_a_standby() -> None:
    with opened_cluster() as primary:
        with psycopg.connect(primary.url(), autocommit=True) as connection:
            connection.execute("CREATE TABLE public.kept AS SELECT 1 AS number")
        primary.stop("immediate")
        assert not primary.is_running()
        primary.start()
        standby = primary.follow("standby")
        with (
            psycopg.connect(primary.url(), autocommit=True) as writing,
            psycopg.connect(standby.url(), autocommit=True) as reading,
        ):
            writing.execute("INSERT INTO public.kept VALUES (2)")
            deadline = time.monotonic() + 30
            count = "SELECT count(*) FROM public.kept"
            while reading.execute(count).fetchone() != (2,):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            in_recovery = reading.execute("SELECT pg_is_in_recovery()").fetchone()
    assert in_recovery == (True,)
    assert not primary.folder.exists()
