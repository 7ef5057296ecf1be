"""The migrations that ship with Drystone, as a whole."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from drystone.migrations import runner
from drystone.migrations.files import read_migrations
from drystone.settings import Settings
from drystone.systems import shipped
from tests.schema import schema_of

DRYSTONE = Path(sys.executable).with_name("drystone")
KILLS = 12


def test_every_migration_goes_up_and_down_and_up_to_the_same_schema(
    empty_url: str, settings: Settings, empty: Connection[Any]
) -> None:
    """001-04, 001-15, 002-03, 002-14"""
    migrations = read_migrations([shipped("migrations")])
    runner.migrate(empty_url, settings, migrations, to=migrations[0].id)
    runner.rollback(empty_url, settings, migrations)
    before = schema_of(empty_url, empty)
    for migration in migrations:
        runner.migrate(empty_url, settings, migrations, to=migration.id)
        after = schema_of(empty_url, empty)
        assert after != before
        runner.rollback(empty_url, settings, migrations)
        assert schema_of(empty_url, empty) == before
        runner.migrate(empty_url, settings, migrations, to=migration.id)
        assert schema_of(empty_url, empty) == after
        before = after


def test_events_brings_core_along_and_nothing_else(
    empty_url: str, settings: Settings, empty: Connection[Any]
) -> None:
    migrations = read_migrations([shipped("migrations")])
    done = runner.migrate(empty_url, settings, migrations, systems=["events"])
    assert {each.id.partition("-")[0] for each in done} == {"core", "events"}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_killed_at_any_moment_it_ends_in_the_same_schema(
    empty_url: str,
    empty: Connection[Any],
    database_url: str,
    own: Connection[Any],
    seed: int,
) -> None:
    """Kill it after none to two files and in the middle of one; go on, and again."""
    chance = random.Random(seed)
    migrations = read_migrations([shipped("migrations")])
    kills = 0
    while kills < KILLS:
        if _kill(_start(empty_url), chance):
            kills += 1
        else:
            runner.rollback(empty_url, Settings(), migrations, steps=len(migrations))
    finished = _start(empty_url)
    output, _ = finished.communicate(timeout=60)
    assert finished.returncode == 0, output
    assert schema_of(empty_url, empty) == schema_of(database_url, own)
    ledgers = [
        each.execute("SELECT migration_id FROM public._yoyo_migration ORDER BY 1")
        for each in (empty, own)
    ]
    assert ledgers[0].fetchall() == ledgers[1].fetchall()


def _start(url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [DRYSTONE, "--database-url", url, "migrate"],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )


def _kill(process: subprocess.Popen[str], chance: random.Random) -> bool:
    """Kill it, unless it is done already; tell whether it was killed."""
    assert process.stdout is not None
    for _ in range(chance.choice([0, 1, 1, 2])):
        process.stdout.readline()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(chance.uniform(0, 0.005))  # a moment inside the next file
    process.send_signal(signal.SIGKILL)
    process.stdout.close()
    return process.wait() == -signal.SIGKILL
