"""A real database for every test: a clone of a migrated template, or a shared one.

One embedded server serves the whole run, without fsync; each worker has a template of
its own, and each test a clone of it. Cloning is most of what a test costs: those that
can do all they do in one transaction take a fixture that rolls it back, and share.
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
from pytest_postgresql import factories
from pytest_postgresql.executors import NoopExecutor

from drystone import systems
from drystone.database.session import connect
from drystone.embedded import EmbeddedServer
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
        SERVER.reset()
        shutil.rmtree(PROJECT / ".drystone" / f"tests-{_RUN}", ignore_errors=True)


def _isolate() -> None:
    """Forget what the caller's environment says about databases, and about make."""
    for name in list(os.environ):
        if name.startswith(
            ("DRYSTONE_", "DATABASE_URL", "PG", "MAKE", "MFLAGS", "ARGS")
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
def demo_url(demo_clone: Connection[Any]) -> str:
    """A migrated database with the generated demo data."""
    return _url(demo_clone)


@pytest.fixture
def connection(database_url: str, settings: Settings) -> Iterator[Connection[Any]]:
    """A session on a migrated database without rows, in autocommit."""
    with connect(database_url, settings) as opened:
        yield opened


@pytest.fixture
def undone(
    migrated_shared: NoopExecutor, settings: Settings
) -> Iterator[Connection[Any]]:
    """The same in a transaction that is rolled back."""
    with _undone(migrated_shared, settings) as opened:
        yield opened


@pytest.fixture
def seeded(
    seeded_clone: Connection[Any], settings: Settings
) -> Iterator[Connection[Any]]:
    """A session on a database with the hand-written development seed."""
    with connect(_url(seeded_clone), settings) as opened:
        yield opened


@pytest.fixture
def seeded_undone(
    seeded_shared: NoopExecutor, settings: Settings
) -> Iterator[Connection[Any]]:
    """The same in a transaction that is rolled back."""
    with _undone(seeded_shared, settings) as opened:
        yield opened


@pytest.fixture
def demo(demo_url: str, settings: Settings) -> Iterator[Connection[Any]]:
    """A session on a database with the demo data, in autocommit."""
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


def _url(connection: Connection[Any]) -> str:
    info = connection.info
    url = _conninfo(host=info.host, port=info.port, user=info.user, dbname=info.dbname)
    connection.close()
    return url
