"""The system `core`: keys, trigrams, audit log, job queues, ledgers, health."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from itertools import pairwise
from typing import Any, LiteralString, TypeAlias, cast

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql
from psycopg.types.json import Jsonb

from drystone.errors import DrystoneError
from tests.systems.rows import value
from tests.systems.sessions import at_once

Connection: TypeAlias = psycopg.Connection[Any]

WORKERS = 8


def set_queues(connection: Connection, **columns: object) -> None:
    for column, setting in columns.items():
        statement = sql.SQL("UPDATE core.queues SET {} = %s")
        connection.execute(statement.format(sql.Identifier(column)), [setting])


def enqueue(queries: Any, connection: Connection, **options: Any) -> Any:
    arguments = {
        "queue": "email",
        "name": "send-email",
        "payload": Jsonb({"to": "ada@example.org"}),
        "priority": None,
        "run_at": None,
        "dedupe_key": None,
    }
    return queries.core.jobs.enqueue_job(connection, **{**arguments, **options})


def claim(
    queries: Any, connection: Connection, worker: str = "w1", limit: int | None = 1
) -> list[Any]:
    rows = queries.core.jobs.claim_jobs(
        connection, queue="email", worker=worker, limit_rows=limit
    )
    return list(rows)


# --- Keys and stamps ------------------------------------------------------------


def assert_sorted_uuid7(connection: Connection) -> None:
    ids = [
        row[0]
        for row in connection.execute(
            "SELECT core.new_id() FROM generate_series(1, 500)"
        )
    ]
    assert {key.version for key in ids} == {7}
    assert {key.variant for key in ids} == {"specified in RFC 4122"}
    assert all(before < after for before, after in pairwise(ids))

    milliseconds = value(
        connection, "SELECT extract(epoch FROM clock_timestamp())::bigint * 1000"
    )
    assert abs((ids[-1].int >> 80) - milliseconds) < 3_600_000


def test_new_ids_sort_in_the_order_of_their_creation(connection: Connection) -> None:
    assert_sorted_uuid7(connection)


def test_new_ids_sort_on_a_server_without_uuidv7_too(connection: Connection) -> None:
    definition = value(
        connection, "SELECT pg_get_functiondef('core.new_id()'::regprocedure)"
    )
    older = definition.replace(">= 180000", ">= 2000000000")
    assert older != definition
    connection.execute(older)
    assert_sorted_uuid7(connection)


def test_an_update_stamps_updated_at_whatever_it_says(connection: Connection) -> None:
    make_shelf(connection)
    connection.execute("UPDATE shelf.users SET updated_at = '2000-01-01'")
    assert value(
        connection, "SELECT bool_and(updated_at > created_at) FROM shelf.users"
    )


# --- Trigrams -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("(*&^$@%@", []),
        ("cat", ["  c", " ca", "at ", "cat"]),
        (
            "foo|bar",
            ["  b", "  f", " ba", " fo", "ar ", "bar", "foo", "oo "],
        ),
        ("a b c", ["  a", "  b", "  c", " a ", " b ", " c "]),
        (
            "aA bB cC",
            ["  a", "  b", "  c", " aa", " bb", " cc", "aa ", "bb ", "cc "],
        ),
        ("a b C0*%^", ["  a", "  b", "  c", " a ", " b ", " c0", "c0 "]),
        ("snake_case", None),
    ],
)
def test_trigrams_are_those_that_pg_trgm_publishes(
    connection: Connection, text: str, expected: list[str] | None
) -> None:
    trigrams = value(connection, "SELECT core.trigrams(%s)", text)
    if expected is None:
        expected = value(connection, "SELECT core.trigrams('snake case')")
    assert trigrams == expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("word", "two words", 0.363636),
        ("word", "words", 0.571429),
        ("wow", "WOWa ", 0.5),
        ("wow", " WOW ", 1.0),
        ("---", "####---", 0.0),
        ("", "", 0.0),
        ("word", "", 0.0),
    ],
)
def test_similarity_is_what_pg_trgm_publishes(
    connection: Connection, one: str, other: str, expected: float
) -> None:
    similarity = value(connection, "SELECT core.similarity(%s, %s)", one, other)
    assert similarity == pytest.approx(expected, abs=1e-6)


TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40
)
PROPERTY = settings(
    deadline=None,
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@PROPERTY
@given(one=TEXT, other=TEXT)
def test_similarity_is_symmetric_within_0_and_1_and_1_on_itself(
    connection: Connection, one: str, other: str
) -> None:
    row = connection.execute(
        """
        SELECT
            core.similarity(%(one)s, %(other)s),
            core.similarity(%(other)s, %(one)s),
            core.similarity(%(one)s, %(one)s),
            cardinality(core.trigrams(%(one)s))
        """,
        {"one": one, "other": other},
    ).fetchone()
    assert row is not None
    there, back, itself, trigrams = row
    assert there == back
    assert 0 <= there <= 1
    assert itself == (1 if trigrams else 0)


@PROPERTY
@given(text=st.text(st.characters(max_codepoint=126, min_codepoint=1), max_size=40))
def test_trigrams_are_the_windows_of_the_padded_words(
    connection: Connection, text: str
) -> None:
    padded = [f"  {word} " for word in re.findall("[a-z0-9]+", text.lower())]
    windows = {
        word[start : start + 3] for word in padded for start in range(len(word) - 2)
    }
    trigrams = value(connection, "SELECT core.trigrams(%s)", text)
    assert trigrams == sorted(windows)


def test_a_generated_column_of_trigrams_needs_no_search_path(
    connection: Connection,
) -> None:
    connection.execute("SET search_path = ''")
    connection.execute(
        """
        CREATE TABLE public.dishes (
            name text NOT NULL,
            trigrams text[] GENERATED ALWAYS AS (core.trigrams(name)) STORED
        )
        """
    )
    connection.execute("CREATE INDEX ON public.dishes USING gin (trigrams)")
    connection.execute("INSERT INTO public.dishes VALUES ('Pad Thai'), ('Ramen')")
    found = connection.execute(
        """
        SELECT name
        FROM public.dishes
        WHERE trigrams && core.trigrams('pad tai')
        ORDER BY core.similarity(name, 'pad tai') DESC
        """
    ).fetchall()
    assert found == [("Pad Thai",)]


# --- Audit log ------------------------------------------------------------------


def make_shelf(connection: Connection) -> None:
    """Create an audited table of two users, and forget their INSERTs."""
    connection.execute(
        """
        CREATE SCHEMA shelf;

        CREATE TABLE shelf.users (
            id integer PRIMARY KEY,
            email text,
            shouted text GENERATED ALWAYS AS (upper(email)) STORED,
            password_hash text,
            access_token text,
            raw_html text,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now()
        );

        CREATE TRIGGER users_touch
        BEFORE UPDATE ON shelf.users
        FOR EACH ROW EXECUTE FUNCTION core.set_updated_at();

        CREATE TRIGGER users_audit
        AFTER INSERT OR UPDATE OR DELETE ON shelf.users
        FOR EACH ROW EXECUTE FUNCTION core.audit_row();

        INSERT INTO shelf.users (id, email, password_hash)
        VALUES (1, 'ada@example.org', 'hash'), (2, 'bob@example.org', 'hash');

        TRUNCATE core.audit_log
        """
    )


def history(queries: Any, connection: Connection, row_pk: str, **table: str) -> Any:
    arguments = {"schema_name": "shelf", "table_name": "users", **table}
    return list(
        queries.core.audit.audit_history(
            connection, row_pk=row_pk, limit_rows=None, **arguments
        )
    )


def test_the_audit_log_tells_the_life_of_a_row(
    connection: Connection, queries: Any
) -> None:
    make_shelf(connection)
    connection.execute("INSERT INTO shelf.users (id, email) VALUES (3, 'eve')")
    connection.execute("UPDATE shelf.users SET email = 'eva' WHERE id = 3")
    connection.execute("DELETE FROM shelf.users WHERE id = 3")

    deleted, updated, inserted = history(queries, connection, "3")
    assert [inserted.op, updated.op, deleted.op] == ["INSERT", "UPDATE", "DELETE"]
    assert (inserted.old_row, inserted.new_row["email"]) == (None, "eve")
    assert (updated.old_row["email"], updated.new_row["email"]) == ("eve", "eva")
    assert (deleted.old_row["email"], deleted.new_row) == ("eva", None)
    assert (inserted.changed, updated.changed, deleted.changed) == (
        None,
        ["email"],
        None,
    )
    assert "shouted" not in inserted.new_row

    latest = queries.core.audit.audit_history(
        connection,
        schema_name="shelf",
        table_name="users",
        row_pk="3",
        limit_rows=1,
    )
    assert [entry.id for entry in latest] == [deleted.id]


def test_the_audit_log_never_holds_a_redacted_value(
    connection: Connection, queries: Any
) -> None:
    make_shelf(connection)
    connection.execute(
        """
        UPDATE shelf.users
        SET password_hash = 's3cret', access_token = 's3cret', raw_html = 's3cret'
        WHERE id = 1
        """
    )
    (entry,) = history(queries, connection, "1")
    assert entry.changed == ["access_token", "password_hash", "raw_html"]
    assert entry.old_row["access_token"] is None
    assert entry.old_row["password_hash"] == "[redacted]"
    assert {entry.new_row[name] for name in entry.changed} == {"[redacted]"}
    assert not value(
        connection,
        "SELECT bool_or(strpos(log::text, 's3cret') > 0) FROM core.audit_log AS log",
    )


def test_an_update_that_changes_nothing_is_not_audited(
    connection: Connection, queries: Any
) -> None:
    make_shelf(connection)
    connection.execute("UPDATE shelf.users SET email = email")
    assert history(queries, connection, "1") == []


def test_the_arguments_of_the_trigger_replace_the_redaction_list(
    connection: Connection, queries: Any
) -> None:
    connection.execute(
        """
        CREATE SCHEMA shelf;
        CREATE TABLE shelf.posts (
            site text, thread integer, note text, embedding text, raw_html text,
            PRIMARY KEY (thread, site)
        );
        CREATE TRIGGER posts_audit
        AFTER INSERT OR UPDATE OR DELETE ON shelf.posts
        FOR EACH ROW EXECUTE FUNCTION core.audit_row('note', 'embed%');
        INSERT INTO shelf.posts VALUES ('reddit', 7, 'x', 'y', '<p>')
        """
    )
    (entry,) = history(queries, connection, '[7, "reddit"]', table_name="posts")
    assert entry.new_row == {
        "site": "reddit",
        "thread": 7,
        "note": "[redacted]",
        "embedding": "[redacted]",
        "raw_html": "<p>",
    }


def test_a_key_that_is_redacted_does_not_leak_as_row_pk(
    connection: Connection,
) -> None:
    connection.execute(
        """
        CREATE TABLE public.sessions (session_token text PRIMARY KEY);
        CREATE TRIGGER sessions_audit
        AFTER INSERT ON public.sessions
        FOR EACH ROW EXECUTE FUNCTION core.audit_row();
        INSERT INTO public.sessions VALUES ('s3cret')
        """
    )
    (entry,) = connection.execute(
        "SELECT row_pk FROM core.audit_log WHERE table_name = 'sessions'"
    ).fetchall()
    assert entry == ("[redacted]",)


def test_a_row_that_changes_its_key_stays_under_the_key_it_had(
    connection: Connection, queries: Any
) -> None:
    make_shelf(connection)
    connection.execute("UPDATE shelf.users SET id = 9 WHERE id = 1")
    (entry,) = history(queries, connection, "1")
    assert (entry.old_row["id"], entry.new_row["id"]) == (1, 9)


def test_the_rows_of_partitions_are_found_under_their_table(
    connection: Connection, queries: Any
) -> None:
    connection.execute(
        """
        CREATE SCHEMA shelf;
        CREATE TABLE shelf.metrics (day integer PRIMARY KEY) PARTITION BY LIST (day);
        CREATE TABLE public.metrics_1 PARTITION OF shelf.metrics FOR VALUES IN (1);
        CREATE TRIGGER metrics_audit
        AFTER INSERT ON shelf.metrics
        FOR EACH ROW EXECUTE FUNCTION core.audit_row();
        INSERT INTO shelf.metrics VALUES (1)
        """
    )
    assert len(history(queries, connection, "1", table_name="metrics")) == 1


def test_a_table_without_a_key_cannot_be_audited(connection: Connection) -> None:
    connection.execute(
        """
        CREATE TABLE public.notes (note text);
        CREATE TRIGGER notes_audit
        AFTER INSERT ON public.notes
        FOR EACH ROW EXECUTE FUNCTION core.audit_row()
        """
    )
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="no primary"):
        connection.execute("INSERT INTO public.notes VALUES ('x')")


def test_the_actor_is_named_for_one_transaction_only(
    own: Connection, queries: Any
) -> None:
    make_shelf(own)
    with own.transaction():
        queries.core.audit.set_actor(own, actor="ada", request_id="r-1")
        own.execute("UPDATE shelf.users SET email = 'x' WHERE id = 1")
    own.execute("UPDATE shelf.users SET email = 'y' WHERE id = 1")

    after, during = history(queries, own, "1")
    assert (during.actor, during.request_id) == ("ada", "r-1")
    assert after.actor == value(own, "SELECT session_user::text")
    assert after.request_id is None


def test_a_role_is_audited_without_any_right_to_the_log(
    own: Connection, queries: Any
) -> None:
    make_shelf(own)
    own.execute("GRANT USAGE ON SCHEMA shelf, core TO pg_monitor")
    own.execute("GRANT SELECT, UPDATE ON shelf.users TO pg_monitor")
    own.execute("SET ROLE pg_monitor")
    own.execute("UPDATE shelf.users SET email = 'x' WHERE id = 1")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        own.execute("DELETE FROM core.audit_log")
    own.execute("RESET ROLE")
    assert len(history(queries, own, "1")) == 1


# --- Job queues -----------------------------------------------------------------


def test_the_five_queues_are_there(connection: Connection) -> None:
    """003-06"""
    queues = connection.execute(
        """
        SELECT
            queue, default_priority, max_attempts, max_active,
            backoff_kind, backoff_ms, keep_completed, keep_failed
        FROM core.queues
        """
    ).fetchall()
    assert sorted(queues) == [
        ("analytics", 3, 3, 5, "exponential", 2000, 10, 50),
        ("content-generation", 1, 3, 3, "exponential", 2000, 10, 50),
        ("email", 4, 5, 10, "exponential", 2000, 10, 50),
        ("publishing", 2, 3, 10, "exponential", 2000, 10, 50),
        ("strategy-generation", 1, 2, 2, "exponential", 2000, 10, 50),
    ]


def test_a_job_takes_what_is_not_said_from_its_queue(
    connection: Connection, queries: Any
) -> None:
    job = queries.core.jobs.find_job(
        connection, id=enqueue(queries, connection, payload=None)
    )
    assert (job.priority, job.max_attempts, job.payload) == (4, 5, {})
    assert (job.state, job.attempts) == ("waiting", 0)
    assert job.run_at == job.created_at


def test_a_job_for_an_unknown_queue_is_refused(
    connection: Connection, queries: Any
) -> None:
    with pytest.raises((psycopg.Error, DrystoneError)) as refused:
        enqueue(queries, connection, queue="no-such-queue")
    assert cast("psycopg.Error", refused.value).sqlstate == "23503"


def test_a_job_is_undone_with_the_transaction_that_asked_for_it(
    connection: Connection, queries: Any
) -> None:
    with connection.transaction(force_rollback=True):
        assert enqueue(queries, connection) is not None
    assert claim(queries, connection) == []


def test_a_duplicate_is_refused_until_the_first_job_has_ended(
    connection: Connection, queries: Any
) -> None:
    first = enqueue(queries, connection, dedupe_key="k")
    assert enqueue(queries, connection, dedupe_key="k") is None
    assert enqueue(queries, connection, dedupe_key="other") is not None
    assert enqueue(queries, connection, queue="analytics", dedupe_key="k") is not None

    claim(queries, connection)
    assert enqueue(queries, connection, dedupe_key="k") is None
    queries.core.jobs.complete_job(connection, id=first, worker="w1", result=None)
    assert enqueue(queries, connection, dedupe_key="k") is not None


def test_of_many_who_enqueue_one_key_at_once_one_succeeds(
    database_url: str, queries: Any
) -> None:
    ids = at_once(
        database_url, [lambda c: enqueue(queries, c, dedupe_key="k")] * WORKERS
    )
    assert len([id_ for id_ in ids if id_ is not None]) == 1


def test_jobs_are_claimed_by_priority_then_time_then_id(
    connection: Connection, queries: Any
) -> None:
    """003-14"""
    now = value(connection, "SELECT now()")
    earlier = now - timedelta(hours=1)
    late = enqueue(queries, connection, priority=5, run_at=earlier)
    second = enqueue(queries, connection, priority=1, run_at=now)
    third = enqueue(queries, connection, priority=1, run_at=now)
    first = enqueue(queries, connection, priority=1, run_at=earlier)
    enqueue(queries, connection, priority=1, run_at=now + timedelta(hours=1))

    assert [job.id for job in claim(queries, connection, limit=2)] == [first, second]
    assert [job.id for job in claim(queries, connection, limit=9)] == [third, late]


def test_a_claimed_job_is_leased_to_its_worker(
    connection: Connection, queries: Any
) -> None:
    id_ = enqueue(queries, connection)
    before = value(connection, "SELECT clock_timestamp()")
    (claimed,) = claim(queries, connection)
    after = value(connection, "SELECT clock_timestamp()")
    lease = timedelta(seconds=60)
    assert before + lease <= claimed.lease_until <= after + lease
    assert claimed.attempts == 1

    job = queries.core.jobs.find_job(connection, id=id_)
    assert (job.state, job.locked_by) == ("active", "w1")


def test_many_workers_claim_each_job_exactly_once(
    own: Connection, database_url: str, queries: Any
) -> None:
    """003-14"""
    set_queues(own, max_active=1000)
    jobs = {enqueue(queries, own) for _ in range(500)}

    def work(own: Connection, *, worker: str) -> list[int]:
        claimed: list[int] = []
        while batch := claim(queries, own, worker, limit=7):
            claimed += [job.id for job in batch]
        return claimed

    workers = [partial(work, worker=f"w{number}") for number in range(WORKERS)]
    claimed = [id_ for ids in at_once(database_url, workers) for id_ in ids]
    assert len(claimed) == 500
    assert set(claimed) == jobs
    assert value(own, "SELECT sum(attempts) FROM core.jobs") == 500


def test_many_workers_never_hold_more_jobs_than_max_active(
    own: Connection, database_url: str, queries: Any
) -> None:
    set_queues(own, max_active=5)
    for _ in range(200):
        enqueue(queries, own)

    def work(own: Connection, *, worker: str) -> int:
        return len(claim(queries, own, worker, limit=2))

    workers = [partial(work, worker=f"w{number}") for number in range(WORKERS)]
    for _ in range(10):
        assert sum(at_once(database_url, workers)) == 5
        own.execute(
            """
            UPDATE core.jobs
            SET
                state = 'completed', finished_at = now(),
                locked_by = NULL, lease_until = NULL
            WHERE state = 'active'
            """
        )


def test_a_claim_that_waited_counts_what_was_claimed_meanwhile(
    own: Connection, database_url: str, queries: Any
) -> None:
    set_queues(own, max_active=1)
    for _ in range(2):
        enqueue(queries, own)

    with (
        psycopg.connect(database_url, autocommit=True) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        with own.transaction():
            assert len(claim(queries, own)) == 1
            waiting = pool.submit(claim, queries, other, "w2")
            while not waiting.done() and not value(
                own, "SELECT pg_blocking_pids(%s)", other.info.backend_pid
            ):
                pass
        assert waiting.result() == []


def test_enqueueing_does_not_hold_up_a_claim(
    own: Connection, database_url: str, queries: Any
) -> None:
    enqueue(queries, own)
    with (
        psycopg.connect(database_url, autocommit=True) as other,
        own.transaction(),
    ):
        enqueue(queries, own)
        other.execute("SET lock_timeout = '1s'")
        assert len(claim(queries, other, limit=9)) == 1


def test_jobs_are_not_claimed_on_a_snapshot_that_may_be_stale(
    own: Connection, queries: Any
) -> None:
    enqueue(queries, own)
    own.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    with (
        pytest.raises((psycopg.Error, DrystoneError)) as refused,
        own.transaction(),
    ):
        claim(queries, own)
    assert cast("psycopg.Error", refused.value).sqlstate == "0A000"


def test_a_paused_queue_hands_out_nothing_until_it_is_resumed(
    connection: Connection, queries: Any
) -> None:
    enqueue(queries, connection)
    assert queries.core.jobs.pause_queue(connection, queue="email") == 1
    assert claim(queries, connection) == []
    assert queries.core.jobs.resume_queue(connection, queue="email") == 1
    assert len(claim(queries, connection)) == 1
    assert queries.core.jobs.pause_queue(connection, queue="no-such-queue") == 0


def test_only_the_worker_that_holds_a_job_can_end_it(
    connection: Connection, queries: Any
) -> None:
    jobs = queries.core.jobs
    id_ = enqueue(queries, connection)
    claim(queries, connection, "w1")
    assert jobs.heartbeat_job(connection, id=id_, worker="w2") is False
    assert jobs.complete_job(connection, id=id_, worker="w2", result=None) is False
    assert jobs.fail_job(connection, id=id_, worker="w2", error="x") is None
    assert jobs.reject_job(connection, id=id_, worker="w2", error="x") is False

    assert jobs.complete_job(connection, id=id_, worker="w1", result=Jsonb([1])) is True
    assert jobs.complete_job(connection, id=id_, worker="w1", result=None) is False
    job = jobs.find_job(connection, id=id_)
    assert (job.state, job.result, job.locked_by) == ("completed", [1], None)


def end_leases(connection: Connection) -> None:
    connection.execute(
        """
        UPDATE core.jobs
        SET lease_until = now() - INTERVAL '1 second'
        WHERE state = 'active'
        """
    )


def test_a_heartbeat_keeps_a_job_from_being_reaped(
    connection: Connection, queries: Any
) -> None:
    id_ = enqueue(queries, connection)
    claim(queries, connection)
    end_leases(connection)
    assert queries.core.jobs.heartbeat_job(connection, id=id_, worker="w1") is True
    assert queries.core.jobs.reap_expired_leases(connection) == 0


def test_a_job_outlives_the_workers_that_die_over_it_until_its_last_attempt(
    connection: Connection, queries: Any
) -> None:
    jobs = queries.core.jobs
    id_ = enqueue(queries, connection)
    for attempt in range(1, 6):
        (claimed,) = claim(queries, connection, f"w{attempt}")
        assert claimed.attempts == attempt
        assert jobs.reap_expired_leases(connection) == 0
        end_leases(connection)
        assert jobs.reap_expired_leases(connection) == 1
        assert (
            jobs.complete_job(connection, id=id_, worker=f"w{attempt}", result=None)
            is False
        )

    job = jobs.find_job(connection, id=id_)
    assert (job.state, job.attempts) == ("dead", 5)
    assert job.last_error == "The lease of worker w5 ended."
    assert claim(queries, connection) == []


@pytest.mark.parametrize(
    ("backoff", "delays"),
    [
        ({}, [2, 4, 8, 16]),
        ({"backoff_kind": "fixed"}, [2, 2, 2, 2]),
        ({"backoff_max_ms": 5000}, [2, 4, 5, 5]),
    ],
)
def test_a_failing_job_waits_longer_each_time_and_is_dead_in_the_end(
    connection: Connection, queries: Any, backoff: dict[str, object], delays: list[int]
) -> None:
    """003-14"""
    set_queues(connection, **backoff)
    id_ = enqueue(queries, connection)

    def fail() -> Any:
        assert len(claim(queries, connection)) == 1
        return queries.core.jobs.fail_job(
            connection, id=id_, worker="w1", error="no route to host"
        )

    for seconds in delays:
        before = value(connection, "SELECT clock_timestamp()")
        failed = fail()
        after = value(connection, "SELECT clock_timestamp()")
        delay = timedelta(seconds=seconds)
        assert failed.state == "waiting"
        assert before + delay <= failed.next_run_at <= after + delay
        assert claim(queries, connection) == []
        connection.execute("UPDATE core.jobs SET run_at = now()")

    failed = fail()
    assert (failed.state, failed.next_run_at) == ("dead", None)
    job = queries.core.jobs.find_job(connection, id=id_)
    assert job.last_error == "no route to host"
    assert job.finished_at is not None


def test_the_longest_backoff_does_not_overflow(
    connection: Connection, queries: Any
) -> None:
    set_queues(connection, max_attempts=50)
    id_ = enqueue(queries, connection)
    connection.execute("UPDATE core.jobs SET attempts = 48")
    claim(queries, connection)
    now = value(connection, "SELECT clock_timestamp()")
    failed = queries.core.jobs.fail_job(connection, id=id_, worker="w1", error="x")
    assert failed.next_run_at >= now + timedelta(days=1)


def test_jobs_are_given_up_taken_back_and_tried_again_by_hand(
    connection: Connection, queries: Any
) -> None:
    jobs = queries.core.jobs
    id_ = enqueue(queries, connection)
    assert jobs.retry_job(connection, id=id_) is False
    claim(queries, connection)
    assert jobs.cancel_job(connection, id=id_) is False
    assert jobs.reject_job(connection, id=id_, worker="w1", error="bad") is True
    assert jobs.find_job(connection, id=id_).state == "failed"

    assert jobs.retry_job(connection, id=id_) is True
    job = jobs.find_job(connection, id=id_)
    assert (job.state, job.attempts, job.finished_at) == ("waiting", 0, None)
    assert jobs.cancel_job(connection, id=id_) is True
    assert jobs.find_job(connection, id=id_).state == "cancelled"


@pytest.mark.parametrize(
    ("state", "too_old", "young_enough", "keep"),
    [
        ("completed", "25 hours", "23 hours", "keep_completed"),
        ("failed", "8 days", "6 days", "keep_failed"),
        ("dead", "8 days", "6 days", "keep_failed"),
        ("cancelled", "8 days", "6 days", "keep_failed"),
    ],
)
def test_pruning_keeps_the_newest_jobs_that_are_young_enough(
    connection: Connection,
    queries: Any,
    state: str,
    too_old: str,
    young_enough: str,
    keep: str,
) -> None:
    """003-14"""
    set_queues(connection, **{keep: 2})

    def finished(queue: str, age: str) -> Any:
        id_ = enqueue(queries, connection, queue=queue)
        connection.execute(
            "UPDATE core.jobs SET state = %s::core.job_state,"
            " finished_at = now() - %s::interval WHERE id = %s",
            (state, age, id_),
        )
        return id_

    waiting = enqueue(queries, connection)
    finished("email", young_enough)
    newest = {finished("email", "1 minute"), finished("email", "2 minutes")}
    finished("analytics", too_old)
    alone = finished("analytics", young_enough)

    assert queries.core.jobs.prune_jobs(connection) == 2
    left = {row[0] for row in connection.execute("SELECT id FROM core.jobs")}
    assert left == {waiting, alone} | newest
    assert queries.core.jobs.prune_jobs(connection) == 0


def test_queue_health_counts_the_jobs_of_every_queue(
    connection: Connection, queries: Any
) -> None:
    """003-14"""
    now = value(connection, "SELECT now()")
    enqueue(queries, connection, run_at=now - timedelta(hours=1))
    enqueue(queries, connection, run_at=now + timedelta(hours=1))
    enqueue(queries, connection, priority=1)
    claim(queries, connection)
    end_leases(connection)

    health = {row.queue: row for row in queries.core.jobs.queue_health(connection)}
    assert len(health) == 5
    email = health["email"]
    assert (email.waiting, email.delayed, email.active, email.expired) == (2, 1, 1, 1)
    assert email.oldest_wait_s >= 3600
    assert (health["analytics"].waiting, health["analytics"].oldest_wait_s) == (0, 0)


# --- Ledgers --------------------------------------------------------------------


def test_a_webhook_event_is_new_once(database_url: str, queries: Any) -> None:
    def record(connection: Connection) -> bool:
        is_new = queries.core.webhooks.record_webhook(
            connection,
            provider="stripe",
            event_id="evt_1",
            event_type="invoice.paid",
            payload=Jsonb({"amount": 1900}),
        )
        return bool(is_new)

    news = at_once(database_url, [record] * WORKERS)
    assert sorted(news) == [False] * (WORKERS - 1) + [True]


def test_a_webhook_event_stays_pending_until_it_is_processed(
    own: Connection, database_url: str, queries: Any
) -> None:
    webhooks = queries.core.webhooks
    for event_id in ("evt_1", "evt_2"):
        webhooks.record_webhook(
            own,
            provider="stripe",
            event_id=event_id,
            event_type="invoice.paid",
            payload=Jsonb({}),
        )

    def pending(own: Connection, provider: str | None = None) -> list[str]:
        rows = webhooks.pending_webhooks(own, provider=provider, limit_rows=1)
        return [row.event_id for row in rows]

    with (
        psycopg.connect(database_url, autocommit=True) as other,
        own.transaction(),
    ):
        assert pending(own) == ["evt_1"]
        assert pending(other) == ["evt_2"]

    def mark(error: str | None) -> Any:
        return webhooks.mark_webhook_processed(
            own, provider="stripe", event_id="evt_1", error=error
        )

    assert mark("no such customer") == 1
    assert pending(own, "stripe") == ["evt_1"]
    assert mark(None) == 1
    assert mark(None) == 0
    assert pending(own, "stripe") == ["evt_2"]
    assert pending(own, "paypal") == []


def test_seed_data_is_recorded_again_only_when_it_changed(
    connection: Connection, queries: Any
) -> None:
    def record(checksum: str) -> Any:
        return queries.core.seeds.record_seed(
            connection, system="promo", stage="dev", version=1, checksum=checksum
        )

    assert [record("a"), record("a"), record("b")] == [1, 0, 1]
    (seed,) = queries.core.seeds.seed_versions(connection, system="promo")
    assert (seed.stage, seed.version, seed.checksum) == ("dev", 1, "b")
    assert list(queries.core.seeds.seed_versions(connection, system="shop")) == []
    assert len(list(queries.core.seeds.seed_versions(connection, system=None))) == 1


def test_a_backup_is_pending_until_it_was_verified(
    connection: Connection, queries: Any
) -> None:
    backups = queries.core.backups
    ids = [
        backups.record_backup(
            connection,
            filename=f"{number}.dump",
            kind=None,
            size_bytes=10,
            sha256="0" * 64,
            notes="nightly",
        )
        for number in range(2)
    ]
    assert backups.mark_backup_verified(
        connection, id=ids[0], verified=True, notes=None
    )
    assert backups.mark_backup_verified(connection, id=-1, verified=True, notes="") == 0
    newest, oldest = backups.latest_backups(connection, limit_rows=None)
    assert (newest.id, newest.kind, newest.verified) == (ids[1], "full", "pending")
    assert (oldest.id, oldest.notes, oldest.verified) == (ids[0], "nightly", "verified")


# --- Health ---------------------------------------------------------------------


def test_db_health_speaks_of_the_database_that_it_is_asked_in(
    connection: Connection, queries: Any
) -> None:
    """002-22"""
    health = queries.core.health.db_health(connection)
    assert health.database_name == connection.info.dbname
    assert health.is_replica is False
    assert health.replay_lag_s is None
    assert health.oldest_xid_age > 0


def test_db_connections_adds_up(connection: Connection, queries: Any) -> None:
    """002-22, 002-23"""
    use = queries.core.health.db_connections(connection)
    assert use.active >= 1
    assert use.total >= use.active + use.idle + use.idle_in_transaction
    assert use.max_connections == int(value(connection, "SHOW max_connections"))
    assert use.utilisation_percent == pytest.approx(
        100 * use.total / use.max_connections
    )
    assert isinstance(use.warnings, list)


@pytest.mark.parametrize(
    ("used", "active", "idle", "warned_of"),
    [
        (80, 90, 50, []),
        (81, 0, 0, ["80 %"]),
        (0, 91, 0, ["90 %"]),
        (0, 0, 51, ["50 %"]),
        (95, 91, 60, ["80 %", "90 %", "50 %"]),
    ],
)
def test_connections_are_warned_of_beyond_their_limits(
    connection: Connection, used: int, active: int, idle: int, warned_of: list[str]
) -> None:
    """002-23"""
    warnings = value(
        connection,
        "SELECT core.connection_warnings(%s, %s, %s, 100)",
        used,
        active,
        idle,
    )
    assert len(warnings) == len(warned_of)
    assert all(
        limit in warning for limit, warning in zip(warned_of, warnings, strict=True)
    )


def test_db_sizes_lists_tables_largest_first(
    connection: Connection, queries: Any
) -> None:
    sizes = list(queries.core.health.db_sizes(connection))
    assert ("core", "jobs") in {(row.schema_name, row.table_name) for row in sizes}
    assert all(one.total_bytes >= next_.total_bytes for one, next_ in pairwise(sizes))


def test_an_absent_pg_stat_statements_is_reported_not_an_error(
    connection: Connection, queries: Any
) -> None:
    """002-38"""
    rows = queries.core.health.slow_queries(connection, min_ms=None, limit_rows=None)
    (row,) = rows
    assert row.unavailable == "extension pg_stat_statements is not installed"
    assert row.query is None


def test_an_index_counts_as_unused_unless_it_holds_a_constraint(
    connection: Connection, queries: Any
) -> None:
    unused = {row.index_name for row in queries.core.health.unused_indexes(connection)}
    assert "backups_at_idx" in unused
    assert not {"backups_pkey", "jobs_queue_dedupe_key_key"} & unused


def test_extensions_are_known_by_name_and_version(
    connection: Connection, queries: Any
) -> None:
    health = queries.core.health
    assert health.has_extension(connection, name="vector") is True
    assert health.has_extension(connection, name="no such extension") is False
    versions = {row.name: row for row in health.extensions(connection)}
    assert versions["vector"].schema_name == "public"
    assert versions["vector"].installed_version


# --- Constraints ----------------------------------------------------------------

JOB = "INSERT INTO core.jobs (queue, name, priority, max_attempts) VALUES "
ENTRY = (
    "INSERT INTO core.audit_log"
    " (schema_name, table_name, row_pk, op, changed, old_row, new_row) VALUES "
)
BACKUP = "INSERT INTO core.backups (filename, size_bytes, kind, sha256, verified) "
EVENT = (
    "INSERT INTO core.webhook_events"
    " (provider, event_id, event_type, payload, processed_at, error) VALUES "
)
SEED = "INSERT INTO core.seed_versions (system, stage, version, checksum) VALUES "
OUTBOX = "INSERT INTO core.outbox (id, queue, name, payload, priority) VALUES "
RECEIPT = "INSERT INTO core.job_receipts (queue, job_id, state, error) VALUES "
LATER = "INSERT INTO core.outbox (queue, name, run_at) VALUES "
ID = "'019a0000-0000-7000-8000-000000000000'"

VIOLATIONS: list[tuple[str, LiteralString]] = [
    ("audit_log_op_check", ENTRY + "('s', 't', '1', 'TRUNCATE', NULL, '{}', '{}')"),
    ("audit_log_changed_check", ENTRY + "('s', 't', '1', 'UPDATE', NULL, '{}', '{}')"),
    ("audit_log_old_row_check", ENTRY + "('s', 't', '1', 'INSERT', NULL, '{}', '{}')"),
    ("audit_log_new_row_check", ENTRY + "('s', 't', '1', 'DELETE', NULL, '{}', '{}')"),
    (
        "cache_invalidations_tags_check",
        "INSERT INTO core.cache_invalidations (tags) VALUES ('{a,NULL}')",
    ),
    (
        "cache_lease_single_check",
        "INSERT INTO core.cache_lease VALUES (false, 'x', 1, now())",
    ),
    (
        "cache_lease_pkey",
        (
            "INSERT INTO core.cache_lease"
            " VALUES (true, 'x', 1, now()), (true, 'y', 1, now())"
        ),
    ),
    ("queues_queue_check", "INSERT INTO core.queues (queue) VALUES ('E-Mail')"),
    ("queues_pkey", "INSERT INTO core.queues (queue) VALUES ('email')"),
    ("queues_max_attempts_check", "UPDATE core.queues SET max_attempts = 51"),
    ("queues_backoff_kind_check", "UPDATE core.queues SET backoff_kind = 'linear'"),
    ("queues_backoff_ms_check", "UPDATE core.queues SET backoff_ms = -1"),
    ("queues_backoff_ms_check", "UPDATE core.queues SET backoff_max_ms = 1999"),
    ("queues_max_active_check", "UPDATE core.queues SET max_active = 0"),
    ("queues_lease_s_check", "UPDATE core.queues SET lease_s = 0"),
    ("queues_keep_completed_check", "UPDATE core.queues SET keep_completed = -1"),
    ("queues_keep_failed_check", "UPDATE core.queues SET keep_failed = -1"),
    ("jobs_queue_fkey", JOB + "('no-such-queue', 'x', 1, 1)"),
    ("jobs_queue_fkey", "DELETE FROM core.queues"),
    ("jobs_name_check", "UPDATE core.jobs SET name = ' '"),
    ("jobs_payload_check", "UPDATE core.jobs SET payload = '[]'"),
    ("jobs_max_attempts_check", "UPDATE core.jobs SET max_attempts = 51"),
    ("jobs_attempts_check", "UPDATE core.jobs SET attempts = max_attempts + 1"),
    ("jobs_locked_by_check", "UPDATE core.jobs SET locked_by = 'w1'"),
    ("jobs_lease_until_check", "UPDATE core.jobs SET lease_until = now()"),
    ("jobs_finished_at_check", "UPDATE core.jobs SET state = 'completed'"),
    ("jobs_finished_at_check", "UPDATE core.jobs SET finished_at = now()"),
    ("jobs_queue_dedupe_key_key", "UPDATE core.jobs SET dedupe_key = 'k'"),
    ("outbox_queue_fkey", OUTBOX + f"({ID}, 'no-such-queue', 'x', '{{}}', NULL)"),
    ("outbox_name_check", OUTBOX + f"({ID}, 'email', ' ', '{{}}', NULL)"),
    ("outbox_payload_check", OUTBOX + f"({ID}, 'email', 'x', '[]', NULL)"),
    ("outbox_priority_check", OUTBOX + f"({ID}, 'email', 'x', '{{}}', -1)"),
    (
        "outbox_id_key",
        OUTBOX + f"({ID}, 'email', 'x', '{{}}', 1), ({ID}, 'email', 'x', '{{}}', 1)",
    ),
    (
        "job_receipts_pkey",
        RECEIPT + "('q', '1', 'completed', NULL), ('q', '1', 'completed', NULL)",
    ),
    ("outbox_run_at_check", LATER + "('email', 'x', 'infinity')"),
    ("outbox_run_at_check", LATER + "('email', 'x', '1969-12-31')"),
    ("job_receipts_state_check", RECEIPT + "('q', '1', 'waiting', 'x')"),
    ("job_receipts_error_check", RECEIPT + "('q', '1', 'completed', 'x')"),
    ("job_receipts_error_check", RECEIPT + "('q', '1', 'dead', NULL)"),
    ("seed_versions_stage_check", SEED + "('core', 'production', 1, 'a')"),
    ("seed_versions_pkey", SEED + "('s', 'dev', 1, 'a'), ('s', 'dev', 1, 'b')"),
    ("backups_filename_check", BACKUP + "VALUES ('', 1, 'full', NULL, 'pending')"),
    ("backups_size_bytes_check", BACKUP + "VALUES ('f', -1, 'full', NULL, 'pending')"),
    ("backups_kind_check", BACKUP + "VALUES ('f', 1, 'half', NULL, 'pending')"),
    ("backups_sha256_check", BACKUP + "VALUES ('f', 1, 'full', 'AB', 'pending')"),
    ("backups_verified_check", BACKUP + "VALUES ('f', 1, 'full', NULL, 'perhaps')"),
    ("webhook_events_provider_check", EVENT + "(' ', 'e', 't', '{}', NULL, NULL)"),
    ("webhook_events_event_id_check", EVENT + "('p', '', 't', '{}', NULL, NULL)"),
    ("webhook_events_error_check", EVENT + "('p', 'e', 't', '{}', now(), 'x')"),
    (
        "webhook_events_pkey",
        EVENT + "('p', 'e', 't', '{}', NULL, NULL), ('p', 'e', 't', '{}', NULL, NULL)",
    ),
]


@pytest.mark.parametrize(("constraint", "statement"), VIOLATIONS)
def test_a_row_that_breaks_a_rule_is_refused_by_name(
    connection: Connection, queries: Any, constraint: str, statement: LiteralString
) -> None:
    for _ in range(2):
        enqueue(queries, connection)
    with pytest.raises(psycopg.errors.IntegrityError) as refused:
        connection.execute(statement)
    assert refused.value.diag.constraint_name == constraint


def test_every_rule_of_core_is_known_to_fire(connection: Connection) -> None:
    """Keys that are numbered by the server are the only ones left out."""
    rules = connection.execute(
        """
        SELECT rule.conname
        FROM pg_constraint AS rule
        WHERE rule.connamespace = 'core'::regnamespace AND rule.contype IN ('c', 'f')
        UNION
        SELECT relation.relname
        FROM pg_index AS index
        INNER JOIN pg_class AS relation
            ON relation.oid = index.indexrelid
        WHERE
            relation.relnamespace = 'core'::regnamespace
            AND index.indisunique
            AND NOT EXISTS (
                SELECT
                FROM pg_attribute AS attribute
                WHERE
                    attribute.attrelid = index.indrelid
                    AND attribute.attnum = index.indkey[0]
                    AND attribute.attidentity = 'a'
            )
        """
    )
    assert {row[0] for row in rules} == {constraint for constraint, _ in VIOLATIONS}
