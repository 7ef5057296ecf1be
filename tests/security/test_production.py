"""A server as docs/security.md sets it up: no superuser migrates, serves or dumps."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo

from drystone.database.pool import Pool, open_async_pool, open_pool
from drystone.database.session import connect
from drystone.database.target import locate
from drystone.errors import DatabaseUnavailable, MigrationError
from drystone.migrations import runner
from drystone.migrations.files import Migration, read_migrations
from drystone.settings import Settings
from drystone.systems import seeding, shipped
from tests.clusters import Cluster, opened_cluster
from tests.security.test_roles import BEYOND_ROWS, TRY

PAGE = Path(__file__).parents[2] / "docs" / "security.md"
FIRST, SECOND = "first-Pa55", "second-Pa55"

pytestmark = pytest.mark.xdist_group("production")


def statements(number: int) -> list[LiteralString]:
    """The SQL of the page's n-th block, statement by statement."""
    block = PAGE.read_text(encoding="utf-8").split("```sql\n")[number].split("```")[0]
    return [each for each in block.split(";") if each.strip()]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A server with the roles, logins and the database of the page, migrated."""
    with opened_cluster(fsync="off", password_encryption="scram-sha-256") as cluster:
        with psycopg.connect(cluster.url(), autocommit=True) as superuser:
            for statement in statements(1):
                superuser.execute(statement)
        with psycopg.connect(cluster.url("drystone"), autocommit=True) as superuser:
            for statement in statements(2):
                superuser.execute(statement)
        runner.migrate(url(cluster, "deploy"), Settings(), shipped_migrations())
        with connect(url(cluster, "deploy"), Settings()) as deploy:
            for seed in seeding.find_seeds([shipped("sql")], stage="dev"):
                seeding.load(deploy, seed)
        yield cluster


def url(cluster: Cluster, user: str, **parts: str) -> str:
    return make_conninfo(cluster.url("drystone"), user=user, **parts)


def shipped_migrations() -> list[Migration]:
    return read_migrations([shipped("migrations")])


# --- Roles ----------------------------------------------------------------------


def test_what_the_deploying_login_makes_is_the_owners(cluster: Cluster) -> None:
    with connect(url(cluster, "deploy"), Settings()) as deploy:
        owners = deploy.execute(
            """
            SELECT DISTINCT relowner::regrole::text
            FROM pg_catalog.pg_class
            WHERE relnamespace::regnamespace::text
                ~ '^(core|dining|events|event_network|ideas|promo|shop|nextauth)$'
            """
        ).fetchall()
        assert owners == [("drystone_owner",)]
        deploy.execute(TRY)
        refused = deploy.execute(
            "SELECT object, action FROM pg_temp.try('drystone_owner') "
            "WHERE outcome = '42501'"
        ).fetchall()
        assert refused == []


def test_migrations_go_down_and_up_without_a_superuser(cluster: Cluster) -> None:
    deploy, migrations = url(cluster, "deploy"), shipped_migrations()
    down = runner.rollback(deploy, Settings(), migrations, systems=["ideas"])
    assert [each.id for each in down] == ["ideas-0008-grant-rights"]
    up = runner.migrate(deploy, Settings(), migrations)
    assert [each.id for each in up] == ["ideas-0008-grant-rights"]


def test_a_missing_role_that_cannot_be_created_is_named(cluster: Cluster) -> None:
    with psycopg.connect(cluster.url(), autocommit=True) as superuser:
        superuser.execute("ALTER ROLE drystone_monitor RENAME TO elsewhere")
        superuser.execute("CREATE DATABASE another OWNER drystone_owner")
        try:
            with psycopg.connect(cluster.url("another"), autocommit=True) as there:
                there.execute("CREATE EXTENSION vector")
            another = make_conninfo(cluster.url("another"), user="deploy")
            with pytest.raises(MigrationError, match="drystone_monitor") as caught:
                runner.migrate(
                    another, Settings(), shipped_migrations(), systems=["core"]
                )
            assert "docs/security.md" in str(caught.value.hint)
        finally:
            superuser.execute("DROP DATABASE another")
            superuser.execute("ALTER ROLE elsewhere RENAME TO drystone_monitor")


def test_databases_of_one_server_may_be_migrated_at_the_same_time() -> None:
    """Each finds the roles missing; one creates them, and the others wait for it."""
    names = [f"tenant_{number}" for number in range(3)]
    migrations = shipped_migrations()
    with opened_cluster(fsync="off") as fresh, ThreadPoolExecutor() as threads:
        with psycopg.connect(fresh.url(), autocommit=True) as superuser:
            for name in names:
                superuser.execute(
                    sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
                )
        done = threads.map(
            lambda name: runner.migrate(
                fresh.url(name), Settings(), migrations, systems=["core"]
            ),
            names,
        )
        assert [each[-1].id for each in done] == ["core-0009-create-roles"] * 3
        # And what one rolls back the others keep.
        runner.rollback(
            fresh.url(names[0]), Settings(), migrations, steps=len(migrations)
        )
        with connect(fresh.url(names[1]), Settings()) as other:
            other.execute("SET ROLE drystone_app")
            other.execute("SELECT FROM core.jobs")


def test_a_service_cannot_become_somebody_else(cluster: Cluster) -> None:
    with psycopg.connect(url(cluster, "app"), autocommit=True) as app:
        for statement in (
            *BEYOND_ROWS,
            "SET ROLE drystone_owner",
            "SET ROLE drystone_promo_jobs",
            "SET SESSION AUTHORIZATION deploy",
            "GRANT drystone_owner TO app",
            "ALTER SYSTEM SET log_statement = 'none'",
            "CREATE DATABASE tried",
            "DROP DATABASE drystone",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                app.execute(statement)


def test_a_dump_by_the_backup_login_is_complete(
    cluster: Cluster, tmp_path: Path
) -> None:
    with connect(url(cluster, "deploy"), Settings()) as deploy:
        counted = deploy.execute("SELECT count(*) FROM promo.content_pieces").fetchone()
    dumped = cluster.run(
        "pg_dump",
        "--data-only",
        "--table=promo.content_pieces",
        f"--dbname={url(cluster, 'dump')}",
    ).stdout
    rows = dumped_rows(dumped)
    assert counted == (len(rows),)
    assert len(rows) > 1
    whole = cluster.run("pg_dump", f"--dbname={url(cluster, 'dump')}").stdout
    assert "COPY core.audit_log " in whole
    assert 'COPY event_network."Event" ' in whole
    with pytest.raises(AssertionError):
        cluster.run("pg_dump", f"--dbname={url(cluster, 'app')}")


def test_without_bypassing_a_dump_says_so_or_is_asked_to_read_by_the_policies(
    cluster: Cluster,
) -> None:
    """As where a hosted server gives nobody BYPASSRLS."""
    arguments = ("--data-only", "--table=promo.content_pieces")
    with psycopg.connect(cluster.url(), autocommit=True) as superuser:
        superuser.execute("CREATE ROLE plain LOGIN IN ROLE drystone_backup")
        plain = f"--dbname={url(cluster, 'plain')}"
        by_policies = cluster.run("pg_dump", "--enable-row-security", *arguments, plain)
        as_role = cluster.run("pg_dump", "--role=drystone_backup", *arguments, plain)
        with pytest.raises(AssertionError):
            cluster.run("pg_dump", *arguments, plain)
        superuser.execute("DROP ROLE plain")
    whole = cluster.run("pg_dump", *arguments, f"--dbname={url(cluster, 'dump')}")
    assert dumped_rows(by_policies.stdout) == dumped_rows(whole.stdout)
    assert dumped_rows(as_role.stdout) == dumped_rows(whole.stdout)


def dumped_rows(dump: str) -> list[str]:
    """The rows of a dump of one table."""
    return dump.partition(" FROM stdin;\n")[2].partition("\n\\.")[0].splitlines()


# --- Changed passwords ----------------------------------------------------------


@pytest.fixture
def guarded(cluster: Cluster) -> Iterator[Connection[Any]]:
    """A superuser's session while the login `app` is asked for its password."""
    hba = cluster.data / "pg_hba.conf"
    before = hba.read_text()
    with psycopg.connect(cluster.url("drystone"), autocommit=True) as superuser:
        give(superuser, FIRST)
        hba.write_text(f"host all app all scram-sha-256\n{before}")
        superuser.execute("SELECT pg_reload_conf()")
        yield superuser
        hba.write_text(before)
        superuser.execute("SELECT pg_reload_conf()")
        end_sessions(superuser)


def give(superuser: Connection[Any], password: str) -> None:
    superuser.execute(
        sql.SQL("ALTER ROLE app PASSWORD {}").format(sql.Literal(password))
    )


def end_sessions(superuser: Connection[Any]) -> None:
    superuser.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'"
    )


@pytest.fixture
def kept(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Path, Settings]:
    """The file of the password, and the settings of a service that reads it."""
    file = tmp_path / "password"
    file.write_text(FIRST)
    monkeypatch.setenv("PGHOST", "127.0.0.1")
    monkeypatch.setenv("PGPORT", str(cluster.port))
    monkeypatch.setenv("PGUSER", "app")
    monkeypatch.setenv("PGDATABASE", "drystone")
    monkeypatch.setenv("PGPASSWORD_FILE", str(file))
    return file, Settings.load(tmp_path, pool_max_size=2)


def replace(file: Path, password: str) -> None:
    new = file.with_suffix(".new")
    new.write_text(password + "\n")
    new.replace(file)


def ask(pool: Pool) -> None:
    with pool.connection() as connection:
        connection.execute("SELECT 1")


def test_a_changed_password_is_picked_up_without_a_restart(
    guarded: Connection[Any],
    kept: tuple[Path, Settings],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nor is either password written anywhere."""
    file, settings = kept
    caplog.set_level(logging.DEBUG)
    with open_pool(locate(settings).conninfo, settings) as pool:
        ask(pool)
        give(guarded, SECOND)
        replace(file, SECOND)
        end_sessions(guarded)
        ask(pool)
    assert FIRST not in caplog.text
    assert SECOND not in caplog.text


async def test_a_changed_password_is_picked_up_by_an_asynchronous_pool(
    guarded: Connection[Any], kept: tuple[Path, Settings]
) -> None:
    file, settings = kept
    async with open_async_pool(locate(settings).conninfo, settings) as pool:
        give(guarded, SECOND)
        replace(file, SECOND)
        end_sessions(guarded)
        async with pool.connection() as connection:
            await connection.execute("SELECT 1")


@pytest.mark.parametrize("first", ["server", "file"])
def test_a_caller_waits_while_file_and_server_disagree(
    guarded: Connection[Any],
    kept: tuple[Path, Settings],
    first: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    file, settings = kept
    steps = [partial(give, guarded, SECOND), partial(replace, file, SECOND)]
    if first == "file":
        steps.reverse()
    with open_pool(locate(settings).conninfo, settings) as pool:
        steps[0]()
        end_sessions(guarded)
        later = threading.Timer(1.0, steps[1])
        later.start()
        began = time.monotonic()
        ask(pool)
        assert 0.9 < time.monotonic() - began < settings.pool_timeout
        later.join()
    assert "password authentication failed" in caplog.text
    assert FIRST not in caplog.text
    assert SECOND not in caplog.text


def test_a_password_that_stays_wrong_is_an_error_in_bounded_time(
    guarded: Connection[Any], kept: tuple[Path, Settings]
) -> None:
    file, settings = kept
    replace(file, "wrong-Pa55")
    hasty = settings.model_copy(update={"connect_timeout": 1})
    with (
        pytest.raises(DatabaseUnavailable, match="password authentication") as caught,
        open_pool(locate(hasty).conninfo, hasty),
    ):
        pass
    assert "wrong-Pa55" not in f"{caught.value} {caught.value.__cause__}"
