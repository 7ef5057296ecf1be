"""What is known of a COMMIT whose answer was lost, after crashes and failovers."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pytest
from psycopg import Connection

from drystone.database.commits import Commit
from drystone.database.outcomes import was_committed
from drystone.database.pool import open_pool
from drystone.database.session import connect
from drystone.errors import CommitUnknown
from drystone.settings import Settings
from tests.clusters import Cluster

LOST = CommitUnknown("lost")
SETTINGS = Settings(pool_timeout=5.0, idle_in_transaction_timeout=0)


@pytest.fixture
def entries(cluster: Cluster) -> Cluster:
    """A server with a table."""
    with connect(cluster.url(), SETTINGS) as connection:
        connection.execute("DROP TABLE IF EXISTS public.entries")
        connection.execute("CREATE TABLE public.entries (id int)")
    return cluster


def noted(connection: Connection[Any]) -> Commit:
    """Begin a transaction's commit, and leave COMMIT to the caller."""
    commit = Commit()
    connection.execute("INSERT INTO public.entries VALUES (1)")
    commit.begin(connection, noted=True)
    return commit


def crash(cluster: Cluster) -> None:
    cluster.stop("immediate")
    cluster.start()


def use_up_numbers(cluster: Cluster, commit: Commit) -> None:
    """Commit transactions until the number of ``commit`` has been given again."""
    assert commit.note is not None
    with connect(cluster.url(), SETTINGS) as connection:
        given = 0
        while given <= int(commit.note["number"]):
            row = connection.execute("SELECT pg_current_xact_id()::text").fetchone()
            assert row is not None
            given = int(row[0])


@pytest.mark.parametrize("used", [False, True], ids=["not given", "given again"])
def test_a_number_that_a_crash_forgot_is_not_taken_for_anothers(
    entries: Cluster, used: bool
) -> None:
    with closing(connect(entries.url(), SETTINGS, autocommit=False)) as connection:
        commit = noted(connection)
        crash(entries)
    if used:
        use_up_numbers(entries, commit)
    with open_pool(entries.url(), SETTINGS) as pool:
        assert was_committed(pool, commit, LOST) is False
        if used:
            pool.getconn().execute("CHECKPOINT")
            with pytest.raises(CommitUnknown):
                was_committed(pool, commit, LOST)


@pytest.mark.parametrize("mode", ["immediate", "fast"])
def test_what_was_committed_before_a_restart_is_known(
    entries: Cluster, mode: str
) -> None:
    with connect(entries.url(), SETTINGS, autocommit=False) as connection:
        commit = noted(connection)
        connection.commit()
    entries.stop(mode)
    entries.start()
    with open_pool(entries.url(), SETTINGS) as pool:
        assert was_committed(pool, commit, LOST) is True


def test_a_role_without_privileges_can_ask(entries: Cluster) -> None:
    with connect(entries.url(), SETTINGS) as connection:
        connection.execute("DROP ROLE IF EXISTS plain")
        connection.execute("CREATE ROLE plain LOGIN")
        connection.execute("GRANT INSERT ON public.entries TO plain")
    url = entries.url().replace("user=postgres", "user=plain")
    with connect(url, SETTINGS, autocommit=False) as connection:
        commit = noted(connection)
        connection.commit()
    crash(entries)
    with open_pool(url, SETTINGS) as pool:
        assert was_committed(pool, commit, LOST) is True


@pytest.mark.long
def test_a_standby_that_was_promoted_knows_nothing_of_it(entries: Cluster) -> None:
    standby = entries.follow("standby")
    with connect(entries.url(), SETTINGS, autocommit=False) as connection:
        commit = noted(connection)
        connection.commit()
    standby.run("pg_ctl", "-D", standby.data, "-w", "promote")
    with (
        open_pool(standby.url(), SETTINGS) as pool,
        pytest.raises(CommitUnknown),
    ):
        was_committed(pool, commit, LOST)
    standby.stop("immediate")
