"""A pytest plugin: real databases for tests, migrated once and cloned in milliseconds.

``pytest -p drystone.testing`` has fixtures for databases that are empty, migrated, or
migrated and seeded. To clone one is most of what a test costs. So ``empty``,
``connection`` and ``seeded`` share one, each in a transaction that is rolled back; a
test that commits, goes on after an error or meets another session takes ``own`` or
``own_seeded``, or a URL.

One embedded server, which need not survive a crash, serves the whole run with all of
xdist's workers; or that which pytest-postgresql's options name. What the environment
says about databases is forgotten: no test meets one that matters.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from pytest_postgresql import factories
from pytest_postgresql.executors import NoopExecutor

from drystone.database.session import connect
from drystone.embedded import EmbeddedRedis, EmbeddedServer
from drystone.environment import find_project
from drystone.errors import EmbeddedServerError
from drystone.migrations import runner
from drystone.migrations.files import read_migrations
from drystone.migrations.repeatables import read_repeatables
from drystone.settings import Settings
from drystone.systems import migration_folders, query_folders, seeding

# One for each run, so that runs do not meet: xdist's workers inherit the name.
_RUN = os.environ.setdefault("PYTEST_DRYSTONE_RUN", str(os.getpid()))

_NAME = f"drystone_{_RUN}"

_ABOUT_SERVERS = ("DATABASE_URL", "DRYSTONE_", "PG", "REDIS_", "REPLICA_", "SECRETS_")

# Set before anything is asked for: what loads a template is told no more than where.
_project = Path()


def pytest_configure(config: pytest.Config) -> None:
    """Start the server, unless one is named, and tell pytest-postgresql where it is."""
    global _project
    _project = find_project(config.rootpath)
    for name in list(os.environ):
        if name.startswith(_ABOUT_SERVERS):
            del os.environ[name]
    if config.getoption("postgresql_host") is None:
        try:
            place = conninfo_to_dict(embedded_server().start())
        except EmbeddedServerError as error:
            raise pytest.UsageError(f"{error.message}\n{error.hint or ''}") from error
        for part in ("host", "port", "user"):
            setattr(config.option, f"postgresql_{part}", place[part])


def pytest_unconfigure() -> None:
    """Delete the servers when the last worker has gone."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        _redis().reset()
        embedded_server().reset()
        shutil.rmtree(_folder(), ignore_errors=True)


# --- Templates --------------------------------------------------------------------


def conninfo_of(**parts: Any) -> str:
    """Return libpq's conninfo from what pytest-postgresql knows of a database."""
    keys = ("host", "port", "user", "password", "dbname")
    return make_conninfo("", **{key: parts[key] for key in keys if parts.get(key)})


def seed(stage: str) -> Callable[..., None]:
    """Return what loads the project's seed data of a stage into a template."""

    def load(**parts: Any) -> None:
        project = _settings()
        unhurried = project.model_copy(update={"statement_timeout": 0.0})
        with connect(conninfo_of(**parts), unhurried) as connection:
            for each in seeding.find_seeds(query_folders(project), stage=stage):
                seeding.load(connection, each)

    return load


def as_it_is(**parts: Any) -> None:
    """Leave a template as CREATE DATABASE made it."""


def _migrate(**parts: Any) -> None:
    project = _settings()
    folders = migration_folders(project)
    runner.migrate(
        conninfo_of(**parts),
        project,
        read_migrations(folders),
        repeatables=read_repeatables(folders),
    )


empty_template = factories.postgresql_noproc(dbname=f"{_NAME}_empty", load=[as_it_is])
empty_clone = factories.postgresql("empty_template")
empty_shared = factories.postgresql_noproc(
    dbname=f"{_NAME}_empty_shared", depends_on="empty_template", load=[as_it_is]
)

migrated_template = factories.postgresql_noproc(
    dbname=f"{_NAME}_migrated", load=[_migrate]
)
migrated_clone = factories.postgresql("migrated_template")
migrated_shared = factories.postgresql_noproc(
    dbname=f"{_NAME}_migrated_shared", depends_on="migrated_template", load=[as_it_is]
)

seeded_template = factories.postgresql_noproc(
    dbname=f"{_NAME}_seeded", depends_on="migrated_template", load=[seed("dev")]
)
seeded_clone = factories.postgresql("seeded_template")
seeded_shared = factories.postgresql_noproc(
    dbname=f"{_NAME}_seeded_shared", depends_on="seeded_template", load=[as_it_is]
)


# --- Fixtures ---------------------------------------------------------------------


@pytest.fixture
def settings() -> Settings:
    """Return the project's settings, as its files have them, without any server."""
    return _settings()


@pytest.fixture
def empty_url(empty_clone: Connection[Any]) -> str:
    """Return the URL of a database without anything in it, the test's own."""
    return url_of(empty_clone)


@pytest.fixture
def database_url(migrated_clone: Connection[Any]) -> str:
    """Return the URL of a migrated database without rows, the test's own."""
    return url_of(migrated_clone)


@pytest.fixture
def seeded_url(seeded_clone: Connection[Any]) -> str:
    """Return the URL of one with the development seed."""
    return url_of(seeded_clone)


@pytest.fixture
def empty(empty_shared: NoopExecutor, settings: Settings) -> Iterator[Connection[Any]]:
    """Lend a session on an empty database, whose work is rolled back."""
    with undone(empty_shared, settings) as opened:
        yield opened


@pytest.fixture
def connection(
    migrated_shared: NoopExecutor, settings: Settings
) -> Iterator[Connection[Any]]:
    """Lend a session on a migrated database, whose work is rolled back."""
    with undone(migrated_shared, settings) as opened:
        yield opened


@pytest.fixture
def seeded(
    seeded_shared: NoopExecutor, settings: Settings
) -> Iterator[Connection[Any]]:
    """Lend the same with the development seed."""
    with undone(seeded_shared, settings) as opened:
        yield opened


@pytest.fixture
def own(database_url: str, settings: Settings) -> Iterator[Connection[Any]]:
    """Lend a session in autocommit on a migrated database of the test's own."""
    with connect(database_url, settings) as opened:
        yield opened


@pytest.fixture
def own_seeded(seeded_url: str, settings: Settings) -> Iterator[Connection[Any]]:
    """Lend the same with the development seed."""
    with connect(seeded_url, settings) as opened:
        yield opened


@pytest.fixture
def redis_url() -> Iterator[str]:
    """Return the URL of a Redis database that is empty and this test's own.

    The server is shared by every worker; each has a database number of its own. So
    FLUSHALL, SCRIPT FLUSH, CONFIG SET and stopping it are not for tests that use this.
    """
    from redis import Redis  # of an extra that not every project needs

    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    url = _redis().start().replace("db=0", f"db={worker}")
    with Redis.from_url(url) as client:
        client.flushdb()
        yield url
        client.flushdb()


# --- What fixtures are made of ----------------------------------------------------


def embedded_server() -> EmbeddedServer:
    """Return the server of this run, whose data need not survive a crash."""
    durable = ("fsync", "synchronous_commit", "full_page_writes")
    return EmbeddedServer(_folder(), parameters=dict.fromkeys(durable, "off"))


@contextmanager
def undone(shared: NoopExecutor, settings: Settings) -> Iterator[Connection[Any]]:
    """Open a session on a shared database; its work is checked, and rolled back."""
    with (
        connect(url_of_shared(shared), settings) as opened,
        opened.transaction(force_rollback=True),
    ):
        yield opened
        if opened.info.transaction_status == TransactionStatus.INTRANS:
            opened.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what a commit would check


def url_of_shared(shared: NoopExecutor) -> str:
    """Return the conninfo of a database that tests share."""
    return conninfo_of(
        host=shared.host,
        port=shared.port,
        user=shared.user,
        password=shared.password,
        dbname=shared.template_dbname,
    )


def url_of(clone: Connection[Any]) -> str:
    """Return the conninfo of a clone, and leave it to the test."""
    with clone:
        info = clone.info
        return conninfo_of(
            host=info.host,
            port=info.port,
            user=info.user,
            password=info.password,
            dbname=info.dbname,
        )


def _settings() -> Settings:
    nowhere = dict.fromkeys(("database_url", "database_secret", "redis_url"))
    return Settings.load(_project).model_copy(update={**nowhere, "replica_urls": ()})


def _folder() -> Path:
    return _project / ".drystone" / f"tests-{_RUN}"


def _redis() -> EmbeddedRedis:
    return EmbeddedRedis(_folder(), parameters={"appendfsync": "no", "databases": "64"})
