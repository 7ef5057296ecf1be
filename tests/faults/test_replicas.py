"""A primary that is replaced by its standby, while clients name both in their URL."""

from __future__ import annotations

import time

import pytest
from psycopg.conninfo import make_conninfo

from drystone.database.pool import open_pool
from drystone.database.session import connect
from drystone.database.sqlstates import translated
from drystone.database.transactions import in_transaction
from drystone.errors import DatabaseUnavailable, ReadOnly
from drystone.settings import Settings
from tests.clusters import opened_cluster

INSERT = "INSERT INTO public.rows VALUES (1)"


@pytest.mark.long
def test_writes_go_on_at_the_standby_that_was_promoted() -> None:
    """Within 10 s of its promotion; before, a write to it is a typed error."""
    with opened_cluster() as primary:
        with connect(primary.url(), Settings()) as connection:
            connection.execute("CREATE TABLE public.rows (id int)")
        standby = primary.follow("standby")
        with connect(standby.url(), Settings()) as connection:
            with pytest.raises(ReadOnly) as caught, translated():
                connection.execute(INSERT)
            assert caught.value.sqlstate == "25006"
            assert "target_session_attrs=read-write" in (caught.value.hint or "")
        both = make_conninfo(
            primary.url(),
            host="127.0.0.1,127.0.0.1",
            port=f"{standby.port},{primary.port}",
            target_session_attrs="read-write",
        )
        with open_pool(both, Settings(pool_timeout=3.0)) as pool:
            with pool.connection() as connection:
                assert connection.info.port == primary.port
                connection.execute(INSERT)
            primary.stop("immediate")
            with pytest.raises(DatabaseUnavailable):
                in_transaction(pool, lambda own: own.execute(INSERT))
            standby.run("pg_ctl", "-D", standby.data, "-w", "promote")
            promoted = time.monotonic()
            in_transaction(pool, lambda own: own.execute(INSERT))
            assert time.monotonic() - promoted < 10
            with pool.connection() as connection:
                assert connection.info.port == standby.port
