"""A real database for every test: a clone of a migrated template, or a shared one.

One embedded server serves the whole run, without fsync; each worker has a template of
its own. To clone it is most of what a test costs. So ``connection``, ``seeded`` and
``demo`` share a clone, each in a transaction that is rolled back; a test that commits,
goes on after an error or meets another session takes ``own``, ``own_seeded`` or
``own_demo``.

One embedded Redis serves the run too, with a database for each worker.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from pytest_postgresql import factories
from pytest_postgresql.executors import NoopExecutor
from redis import Redis

from drystone import systems
from drystone.database.session import connect
from drystone.embedded import EmbeddedRedis, EmbeddedServer
from drystone.migrations import runner
from drystone.migrations.files import read_migrations
from drystone.settings import Settings
from drystone.systems import seeding, shipped

PROJECT = Path(__file__).parents[1]

# One for each run, so that runs do not meet: xdist's workers inherit the name.
_RUN = os.environ.setdefault("TEST_RUN", str(os.getpid()))

SERVER = EmbeddedServer(
    PROJECT / ".drystone" / f"tests-{_RUN}",
    parameters={"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"},
)

# Started by the first test that wants it.
REDIS = EmbeddedRedis(
    PROJECT / ".drystone" / f"tests-{_RUN}",
    parameters={"appendfsync": "no", "databases": "64"},
)


def pytest_configure(config: pytest.Config) -> None:
    """Start the server and tell pytest-postgresql where it is."""
    _isolate()
    parts = conninfo_to_dict(SERVER.start())
    config.option.postgresql_host = parts["host"]
    config.option.postgresql_port = str(parts["port"])
    config.option.postgresql_user = parts["user"]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Delete the server when the last worker has gone."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        REDIS.reset()
        SERVER.reset()
        shutil.rmtree(PROJECT / ".drystone" / f"tests-{_RUN}", ignore_errors=True)


def _isolate() -> None:
    """Forget what the caller's environment says about databases, and about make."""
    for name in list(os.environ):
        if name.startswith(
            ("DRYSTONE_", "DATABASE_URL", "REDIS", "PG", "MAKE", "MFLAGS", "ARGS")
        ):
            del os.environ[name]


def _conninfo(**parts: Any) -> str:
    keys = ("host", "port", "user", "dbname")
    return make_conninfo("", **{key: parts[key] for key in keys})


def _migrate(**parts: Any) -> None:
    migrations = read_migrations([shipped("migrations")])
    runner.migrate(_conninfo(**parts), Settings(), migrations)


def _seed(stage: str) -> Callable[..., None]:
    def load(**parts: Any) -> None:
        unhurried = Settings(statement_timeout=0)
        with connect(_conninfo(**parts), unhurried) as connection:
            for seed in seeding.find_seeds([shipped("sql")], stage=stage):
                seeding.load(connection, seed)

    return load


def _nothing(**parts: Any) -> None:
    """Leave the template as CREATE DATABASE made it."""


empty_template = factories.postgresql_noproc(dbname="empty", load=[_nothing])
empty_clone = factories.postgresql("empty_template")
empty_shared = factories.postgresql_noproc(
    dbname="empty_shared", depends_on="empty_template", load=[_nothing]
)

migrated_template = factories.postgresql_noproc(dbname="migrated", load=[_migrate])
migrated_clone = factories.postgresql("migrated_template")

migrated_shared = factories.postgresql_noproc(
    dbname="migrated_shared", depends_on="migrated_template", load=[_nothing]
)

seeded_template = factories.postgresql_noproc(
    dbname="seeded", depends_on="migrated_template", load=[_seed("dev")]
)
seeded_clone = factories.postgresql("seeded_template")
seeded_shared = factories.postgresql_noproc(
    dbname="seeded_shared", depends_on="seeded_template", load=[_nothing]
)

demo_template = factories.postgresql_noproc(
    dbname="demo", depends_on="migrated_template", load=[_seed("demo")]
)
demo_clone = factories.postgresql("demo_template")
demo_shared = factories.postgresql_noproc(
    dbname="demo_shared", depends_on="demo_template", load=[_nothing]
)


@pytest.fixture
def settings() -> Settings:
    """The defaults, whatever the environment says."""
    return Settings()


@pytest.fixture
def empty_url(empty_clone: Connection[Any]) -> str:
    """A database without anything in it."""
    return _url(empty_clone)


@pytest.fixture
def database_url(migrated_clone: Connection[Any]) -> str:
    """A migrated database without rows."""
    return _url(migrated_clone)


@pytest.fixture
def seeded_url(seeded_clone: Connection[Any]) -> str:
    """A migrated database with the hand-written development seed."""
    return _url(seeded_clone)


@pytest.fixture
def demo_url(demo_clone: Connection[Any]) -> str:
    """A migrated database with the generated demo data."""
    return _url(demo_clone)


@pytest.fixture
def empty(empty_shared: NoopExecutor, settings: Settings) -> Iterator[Connection[Any]]:
    """A session on a database without anything in it, whose work is rolled back."""
    with _undone(empty_shared, settings) as opened:
        yield opened


@pytest.fixture
def connection(
    migrated_shared: NoopExecutor, settings: Settings
) -> Iterator[Connection[Any]]:
    """A session on a migrated database without rows, whose work is rolled back."""
    with _undone(migrated_shared, settings) as opened:
        yield opened


@pytest.fixture
def seeded(
    seeded_shared: NoopExecutor, settings: Settings
) -> Iterator[Connection[Any]]:
    """The same with the hand-written development seed."""
    with _undone(seeded_shared, settings) as opened:
        yield opened


@pytest.fixture
def demo(demo_shared: NoopExecutor, settings: Settings) -> Iterator[Connection[Any]]:
    """The same with the generated demo data."""
    with _undone(demo_shared, settings) as opened:
        yield opened


@pytest.fixture
def redis_url() -> Iterator[str]:
    """A Redis database that is empty and this test's own.

    The server is shared by every worker; each has a database number of its own. So
    FLUSHALL, SCRIPT FLUSH, CONFIG SET and stopping it are not for tests that use this.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    url = REDIS.start().replace("db=0", f"db={worker}")
    with Redis.from_url(url) as client:
        client.flushdb()
        yield url
        client.flushdb()


@pytest.fixture
def own(database_url: str, settings: Settings) -> Iterator[Connection[Any]]:
    """A session in autocommit on a migrated database of the test's own."""
    with connect(database_url, settings) as opened:
        yield opened


@pytest.fixture
def own_seeded(seeded_url: str, settings: Settings) -> Iterator[Connection[Any]]:
    """The same with the hand-written development seed."""
    with connect(seeded_url, settings) as opened:
        yield opened


@pytest.fixture
def own_demo(demo_url: str, settings: Settings) -> Iterator[Connection[Any]]:
    """The same with the generated demo data."""
    with connect(demo_url, settings) as opened:
        yield opened


@pytest.fixture(scope="session")
def queries() -> Any:
    """Every generated function, by system and area."""
    found = SimpleNamespace()
    for system in pkgutil.iter_modules(systems.__path__, "drystone.systems."):
        if system.ispkg:
            package = importlib.import_module(system.name)
            areas = pkgutil.iter_modules(package.__path__)
            modules = {
                area.name: importlib.import_module(f"{system.name}.{area.name}")
                for area in areas
            }
            setattr(found, system.name.rpartition(".")[2], SimpleNamespace(**modules))
    return found


@contextmanager
def _undone(shared: NoopExecutor, settings: Settings) -> Iterator[Connection[Any]]:
    url = _conninfo(
        host=shared.host,
        port=shared.port,
        user=shared.user,
        dbname=shared.template_dbname,
    )
    with (
        connect(url, settings) as opened,
        opened.transaction(force_rollback=True),
    ):
        yield opened
        if opened.info.transaction_status == TransactionStatus.INTRANS:
            opened.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what a commit would check


def _url(connection: Connection[Any]) -> str:
    info = connection.info
    url = _conninfo(host=info.host, port=info.port, user=info.user, dbname=info.dbname)
    connection.close()
    return url
