"""What Drystone's own tests have beside the fixtures of ``drystone.testing``.

``demo`` shares a database with the generated demo data, in a transaction that is rolled
back; ``own_demo`` and ``demo_url`` are clones.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from psycopg import Connection
from pytest_postgresql import factories
from pytest_postgresql.executors import NoopExecutor

from drystone import systems
from drystone.database.session import connect
from drystone.settings import Settings
from drystone.testing import as_it_is, seed, undone, url_of

PROJECT = Path(__file__).parents[1]


def pytest_configure() -> None:
    """Forget what make says to its children."""
    for name in list(os.environ):
        if name.startswith(("MAKE", "MFLAGS", "ARGS")):
            del os.environ[name]


demo_template = factories.postgresql_noproc(
    dbname="demo", depends_on="migrated_template", load=[seed("demo")]
)
demo_clone = factories.postgresql("demo_template")
demo_shared = factories.postgresql_noproc(
    dbname="demo_shared", depends_on="demo_template", load=[as_it_is]
)


@pytest.fixture
def settings() -> Settings:
    """The defaults, whatever the project's files say."""
    return Settings()


@pytest.fixture
def demo_url(demo_clone: Connection[Any]) -> str:
    """A migrated database with the generated demo data."""
    return url_of(demo_clone)


@pytest.fixture
def demo(demo_shared: NoopExecutor, settings: Settings) -> Iterator[Connection[Any]]:
    """A session on a database with the demo data, whose work is rolled back."""
    with undone(demo_shared, settings) as opened:
        yield opened


@pytest.fixture
def own_demo(demo_url: str, settings: Settings) -> Iterator[Connection[Any]]:
    """A session in autocommit on a database with the demo data, of the test's own."""
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
