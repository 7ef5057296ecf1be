from __future__ import annotations

from typing import Any

import pytest

from drystone.errors import MigrationError, MigrationFailed
from drystone.migrations.files import Migration, read_migrations
from drystone.review.locks import LockMode
from drystone.review.trace import tracing
from drystone.review.trace.traces import HeldLock, MigrationTrace, StatementTrace
from drystone.settings import Settings
from drystone.systems import shipped
from drystone.testing import embedded_server
from tests.review.trace.conftest import migration

TABLES = migration(
    "a",
    """
    CREATE TABLE public.t (id integer PRIMARY KEY, n integer, s text);
    CREATE TABLE public.u (id integer PRIMARY KEY, n integer);
    """,
    "DROP TABLE public.u; DROP TABLE public.t;",
)


def traced(*migrations: Migration, **options: Any) -> list[MigrationTrace]:
    options.setdefault("rows", 50)
    return tracing.trace(embedded_server().start(), Settings(), migrations, **options)


def last(*migrations: Migration, **options: Any) -> MigrationTrace:
    return traced(TABLES, *migrations, only=[migrations[-1].id], **options)[0]


def names(locks: Any) -> list[tuple[str, LockMode]]:
    return [(lock.object, lock.mode) for lock in locks if lock.kind == "table"]


def test_the_shipped_migrations_are_traced_without_an_error() -> None:
    """Up and down; events-0006 builds indexes on a table of an earlier file."""
    migrations = read_migrations([shipped("migrations")])
    heard: list[str] = []
    traces = traced(*migrations, told=lambda each: heard.append(each.id))
    assert heard == [each.id for each in traces] == [each.id for each in migrations]
    for each in traces:
        assert (each.error, each.rollback_error) == (None, None)
        assert each.rollback
    indexes = next(each for each in traces if each.id.startswith("events-0006"))
    first = next(each for each in indexes.statements if each.locks)
    assert first.strongest is LockMode.SHARE
    assert first.scanned == {"events.events": 50}
    assert first.indexes_built == ["events.idx_events_fts"]


def test_statements_that_go_on_under_an_exclusive_lock_name_it() -> None:
    """eugene's E4, for every lock that clients wait for."""
    added, triggered, after = last(
        migration(
            "b",
            """
            ALTER TABLE public.t ADD COLUMN c integer;
            ALTER TABLE public.u DISABLE TRIGGER ALL;
            SELECT pg_sleep(0.02);
            """,
        )
    ).statements
    assert list(added.under) == []
    assert names(triggered.under) == [("public.t", LockMode.ACCESS_EXCLUSIVE)]
    assert names(after.under) == [
        ("public.t", LockMode.ACCESS_EXCLUSIVE),
        ("public.u", LockMode.SHARE_ROW_EXCLUSIVE),
    ]
    held = {lock.object: lock.seconds for lock in after.under}
    assert after.seconds >= 0.02
    assert held["public.u"] == pytest.approx(triggered.seconds + after.seconds)
    assert held["public.t"] == pytest.approx(added.seconds + held["public.u"])


def test_a_rewrite_under_another_tables_lock_is_seen() -> None:
    """eugene's E10."""
    _, rewrite = last(
        migration(
            "b",
            """
            ALTER TABLE public.u ADD COLUMN c integer;
            ALTER TABLE public.t ALTER n TYPE bigint;
            """,
        )
    ).statements
    assert rewrite.rewritten == ["public.t"]
    assert names(rewrite.under) == [("public.u", LockMode.ACCESS_EXCLUSIVE)]


def test_a_stronger_lock_on_the_same_table_counts_again() -> None:
    comment, again, stronger = last(
        migration(
            "b",
            """
            COMMENT ON TABLE public.t IS 'rows';
            COMMENT ON COLUMN public.t.n IS 'a number';
            ALTER TABLE public.t ADD COLUMN c integer;
            """,
        )
    ).statements
    assert names(comment.locks) == [("public.t", LockMode.SHARE_UPDATE_EXCLUSIVE)]
    assert names(again.locks) == []
    assert names(stronger.locks) == [("public.t", LockMode.ACCESS_EXCLUSIVE)]
    assert list(stronger.under) == []


def test_what_the_migration_itself_created_is_left_out() -> None:
    created, built, moved = last(
        migration(
            "b",
            """
            CREATE TABLE public.c AS SELECT id FROM public.t;
            CREATE INDEX c_id_idx ON public.c (id);
            ALTER TABLE public.c ALTER id TYPE bigint;
            """,
        )
    ).statements
    assert created.scanned == {"public.t": 50}
    for each in (built, moved):
        assert list(each.locks) == []
        assert (list(each.rewritten), list(each.indexes_built)) == ([], [])


def test_outside_transactions_each_statement_stands_alone() -> None:
    trace = last(
        migration(
            "b",
            """-- transactional: false
            ALTER TABLE public.t ADD COLUMN c integer;
            CREATE INDEX CONCURRENTLY t_n_idx ON public.t (n);
            """,
        )
    )
    added, built = trace.statements
    assert trace.error is None
    assert names(added.locks) == [("public.t", LockMode.ACCESS_EXCLUSIVE)]
    assert names(built.locks) == [("public.t", LockMode.SHARE_UPDATE_EXCLUSIVE)]
    assert list(built.under) == []
    assert built.indexes_built == ["public.t_n_idx"]
    assert built.scanned == {"public.t": 100}  # it reads the table twice
    for lock in built.locks:
        assert 0 <= lock.seconds <= built.seconds


def test_detaching_is_seen_to_take_the_exclusive_lock_at_its_end() -> None:
    """It stops at the gates three times, which does not count as its own time."""
    trace = last(
        migration(
            "b",
            """
            CREATE TABLE public.p (id integer) PARTITION BY LIST (id);
            CREATE TABLE public.p1 PARTITION OF public.p FOR VALUES IN (1);
            """,
        ),
        migration("c", "ALTER TABLE public.p DETACH PARTITION public.p1 CONCURRENTLY;"),
    )
    (detached,) = trace.statements
    modes = {lock.object: lock for lock in detached.locks}
    assert modes["public.p"].mode is LockMode.SHARE_UPDATE_EXCLUSIVE
    assert modes["public.p1"].mode is LockMode.ACCESS_EXCLUSIVE
    assert modes["public.p1"].seconds <= modes["public.p"].seconds


def test_a_batch_is_traced_once_and_all_batches_run() -> None:
    backfill = """-- batch: public.t by id, 20 rows
    UPDATE public.t SET n = 7 WHERE id BETWEEN $1 AND $2;
    """
    checked = migration(
        "c",
        """
        DO $$
        BEGIN
            ASSERT (SELECT count(*) FROM public.t WHERE n = 7) = 50;
        END $$;
        """,
    )
    before, after = traced(TABLES, migration("b", backfill), checked)[1:]
    (statement,) = before.statements
    assert names(statement.locks) == [("public.t", LockMode.ROW_EXCLUSIVE)]
    assert (before.error, after.error) == (None, None)


def test_do_blocks_and_local_settings_are_traced_like_any_statement() -> None:
    setting, block = last(
        migration(
            "b",
            """
            SET LOCAL lock_timeout = '1s';
            DO $$
            BEGIN
                EXECUTE 'ALTER TABLE public.t ALTER COLUMN n SET NOT NULL';
            END $$;
            """,
        )
    ).statements
    assert list(setting.locks) == []
    assert names(block.locks) == [("public.t", LockMode.ACCESS_EXCLUSIVE)]
    assert block.scanned == {"public.t": 50}


def test_an_error_is_told_with_its_place_and_the_next_ones_are_tried() -> None:
    broken, builds_on, works = traced(
        TABLES,
        migration("b", "ALTER TABLE public.t ADD c integer;\nSELECT nothing_such();"),
        migration("c", "ALTER TABLE public.t DROP c;"),
        migration("d", "ALTER TABLE public.u ADD c integer;"),
    )[1:]
    assert isinstance(broken.error, MigrationFailed)
    assert str(broken.error.location) == "b.sql:2:8"
    assert broken.error.sqlstate == "42883"
    (done,) = broken.statements
    assert names(done.locks) == [("public.t", LockMode.ACCESS_EXCLUSIVE)]
    assert builds_on.error is not None
    assert builds_on.error.hint == "It builds on b, which failed before it."
    assert works.error is None


def test_a_file_that_does_not_parse_is_told_with_its_place() -> None:
    broken, works = traced(TABLES, migration("b", "SELECT 1;\nALTER TABEL t;"))[::-1]
    assert isinstance(broken.error, MigrationError)
    assert str(broken.error.location) == "b.sql:2:7"
    assert works.error is None


def test_an_error_at_the_commit_is_told_too() -> None:
    deferred = migration(
        "b",
        """
        ALTER TABLE public.t ADD FOREIGN KEY (n) REFERENCES public.u
            DEFERRABLE INITIALLY DEFERRED NOT VALID;
        INSERT INTO public.t (id, n) VALUES (-1, -1);
        """,
    )
    trace = last(deferred)
    assert trace.error is not None
    assert (trace.error.sqlstate, str(trace.error.location)) == ("23503", "b.sql:1")


def test_made_up_rows_that_break_a_new_rule_make_way_for_fewer() -> None:
    trace = last(
        migration("b", "CREATE TABLE public.c (a integer, s text CHECK (s > ''));"),
        migration("c", "ALTER TABLE public.c ADD CHECK (a <= 1);"),
    )
    assert (trace.error, trace.rows) == (None, 1)
    assert trace.statements[0].scanned == {"public.c": 1}
    trace = last(
        migration("b", "CREATE TABLE public.c (a integer, s text);"),
        migration("c", "ALTER TABLE public.c ADD CHECK (a < 0);"),
    )
    assert (trace.error, trace.rows) == (None, 0)
    assert names(trace.statements[0].locks) == [("public.c", LockMode.ACCESS_EXCLUSIVE)]


def test_rows_fit_foreign_keys_in_whatever_order_the_tables_came() -> None:
    trace = last(
        migration("b", "ALTER TABLE public.t ADD FOREIGN KEY (id) REFERENCES public.u"),
        migration("c", "CREATE TABLE public.l (t integer REFERENCES public.t);"),
        migration("d", "ALTER TABLE public.l ALTER t SET NOT NULL;"),
    )
    assert trace.error is None
    assert trace.statements[0].scanned == {"public.l": 50}


def test_the_way_back_is_traced_and_the_migration_stays_applied() -> None:
    up = migration(
        "b", "CREATE INDEX t_n_idx ON public.t (n);", "DROP INDEX public.t_n_idx;"
    )
    there = migration("c", "ALTER INDEX public.t_n_idx RENAME TO i;")
    added, renamed = traced(TABLES, up, there)[1:]
    (dropped,) = added.rollback
    assert {lock.object: lock.mode for lock in dropped.locks} == {
        "public.t": LockMode.ACCESS_EXCLUSIVE,
        "public.t_n_idx": LockMode.ACCESS_EXCLUSIVE,
    }
    assert renamed.error is None
    assert renamed.rollback == ()


def test_a_rollback_that_fails_is_told_and_the_migration_stays_applied() -> None:
    up = migration("b", "ALTER TABLE public.t ADD c integer;", "DROP TABLE nowhere;")
    failed, after = traced(TABLES, up, migration("c", "ALTER TABLE t DROP c;"))[1:]
    assert failed.error is None
    assert failed.rollback_error is not None
    assert failed.rollback_error.sqlstate == "42P01"
    assert after.error is None


def test_the_ledger_is_written_as_by_a_run() -> None:
    """The last migration reads it, on the scratch database."""
    held = migration(
        "z",
        """
        DO $$
        BEGIN
            ASSERT ARRAY(
                SELECT m.migration_id::text
                FROM public._yoyo_migration AS m
                ORDER BY m.applied_at_utc
            ) = ARRAY['a', 'b', 'c', 'z'];
            ASSERT (SELECT count(*) FROM public._drystone_source) = 4;
            ASSERT NOT EXISTS (SELECT FROM public._drystone_progress);
        END $$;
        """,
    )
    concurrently = migration("b", "CREATE INDEX CONCURRENTLY i ON public.t (n);")
    batches = migration(
        "c", "-- batch: public.t by id\nDELETE FROM t WHERE id BETWEEN $1 AND $2;"
    )
    assert traced(TABLES, concurrently, batches, held)[-1].error is None


def test_an_unknown_id_is_refused() -> None:
    with pytest.raises(MigrationError, match="no migration called nothing"):
        traced(TABLES, only=["nothing"])


def test_the_strongest_lock_of_a_statement_is_its_first() -> None:
    locks = [
        HeldLock("t", "table", mode, 0.0)
        for mode in (LockMode.SHARE, LockMode.EXCLUSIVE, LockMode.ROW_SHARE)
    ]
    assert StatementTrace("", 1, 0.0, locks).strongest is LockMode.EXCLUSIVE
    assert StatementTrace("", 1, 0.0).strongest is None
