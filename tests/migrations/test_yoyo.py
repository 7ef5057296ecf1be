"""A project can come from yoyo, and go back to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict
from yoyo import get_backend
from yoyo import read_migrations as read_yoyo_migrations

from drystone.migrations import runner
from drystone.migrations.files import read_migrations
from drystone.migrations.history import State
from drystone.settings import Settings
from tests.migrations.conftest import Write


def yoyo_url(scheme: str, conninfo: str) -> str:
    parts = conninfo_to_dict(conninfo)
    return f"{scheme}://{parts['user']}@/{parts['dbname']}?host={parts['host']}"


@pytest.fixture
def two(write: Write) -> None:
    for number in (1, 2):
        write(
            f"shop-000{number}-create",
            f"CREATE TABLE public.t{number} (id integer);",
            f"DROP TABLE public.t{number};",
        )


@pytest.mark.usefixtures("two")
@pytest.mark.parametrize("scheme", ["postgresql+psycopg", "postgresql+drystone"])
def test_yoyo_continues_what_drystone_began(
    scheme: str, folder: Path, empty_url: str, settings: Settings
) -> None:
    ours = read_migrations([folder])
    runner.migrate(empty_url, settings, ours, to=ours[0].id)
    theirs = read_yoyo_migrations(str(folder))
    with get_backend(yoyo_url(scheme, empty_url)) as backend:
        assert [m.id for m in backend.to_apply(theirs)] == ["shop-0002-create"]
        with backend.lock():
            backend.apply_migrations(backend.to_apply(theirs))
        assert not backend.to_apply(theirs)
    states = [entry.state for entry in runner.status(empty_url, settings, ours)]
    assert states == [State.APPLIED, State.APPLIED]


@pytest.mark.usefixtures("two")
def test_drystone_rolls_back_what_yoyo_applied(
    folder: Path, empty_url: str, settings: Settings, empty: Connection[Any]
) -> None:
    theirs = read_yoyo_migrations(str(folder))
    with (
        get_backend(yoyo_url("postgresql+psycopg", empty_url)) as backend,
        backend.lock(),
    ):
        backend.apply_migrations(backend.to_apply(theirs))
    ours = read_migrations([folder])
    states = [entry.state for entry in runner.status(empty_url, settings, ours)]
    assert states == [State.APPLIED, State.APPLIED]
    done = runner.rollback(empty_url, settings, ours, steps=2)
    assert [each.id for each in done] == ["shop-0002-create", "shop-0001-create"]
    assert empty.execute("SELECT to_regclass('public.t1')").fetchone() == (None,)


@pytest.mark.usefixtures("two")
def test_yoyo_through_our_backend_is_atomic(
    folder: Path, write: Write, empty_url: str, empty: Connection[Any]
) -> None:
    write("shop-0003-break", "CREATE TABLE public.t3 (id integer); SELECT nothing;")
    theirs = read_yoyo_migrations(str(folder))
    with get_backend(yoyo_url("postgresql+drystone", empty_url)) as backend:
        with pytest.raises(Exception, match="nothing"), backend.lock():
            backend.apply_migrations(backend.to_apply(theirs))
        assert [m.id for m in backend.to_apply(theirs)] == ["shop-0003-break"]
        with backend.lock():
            backend.rollback_migrations(backend.to_rollback(theirs)[:1])
    found = empty.execute(
        "SELECT to_regclass('public.t1') IS NOT NULL,"
        " to_regclass('public.t2'), to_regclass('public.t3')"
    )
    assert found.fetchone() == (True, None, None)
