"""The pytest plugin, in a project as docs/testing.md shows it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

DOCUMENT = Path(__file__).parents[1] / "docs" / "testing.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")

FILES = {
    "drystone.toml": 'migrations = ["migrations"]\nqueries = ["sql"]\n',
    "migrations/venues/venues-0001-create-halls.sql": """\
CREATE SCHEMA venues;

CREATE TABLE venues.halls (
    name text NOT NULL,
    seats integer NOT NULL,
    CONSTRAINT halls_pkey PRIMARY KEY (name),
    CONSTRAINT halls_seats_check CHECK (seats > 0)
);
""",
    "migrations/venues/venues-0001-create-halls.rollback.sql": """\
DROP TABLE venues.halls;

DROP SCHEMA venues;
""",
    "sql/venues/seed/dev/01-halls.sql": """\
INSERT INTO venues.halls (name, seats)
VALUES
    ('Aula', 250),
    ('Studio', 40);
""",
    "test_arena.py": """\
def test_a_template_of_ones_own(arena):
    assert arena.execute("SELECT name FROM venues.halls").fetchall() == [("Arena",)]
""",
}

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def block(language: str, opening: str) -> str:
    found = re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    (text,) = (each for each in found if each.startswith(opening))
    return str(text)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run pytest in the document's project, where the environment names a server."""
    written = {
        **FILES,
        "pyproject.toml": block("toml", "# pyproject.toml"),
        "conftest.py": block("python", "# conftest.py"),
        "test_halls.py": block("python", "import psycopg\nimport pytest\n\nfrom"),
    }
    for name, text in written.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def run(*options: str) -> subprocess.CompletedProcess[str]:
        mine = {name: os.environ[name] for name in ("HOME", "PATH")}
        mine["PYTHONPATH"] = str(tmp_path)
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options],
            cwd=tmp_path,
            env={**mine, "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nowhere"},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_a_project_of_ones_own_has_migrated_databases(run: Run, tmp_path: Path) -> None:
    done = run("-n", "2")
    assert "4 passed" in done.stdout, done.stdout + done.stderr
    assert list((tmp_path / ".drystone").glob("tests-*")) == []


def test_another_server_is_used_and_left_as_it_was(
    run: Run, tmp_path: Path, empty_url: str
) -> None:
    place = conninfo_to_dict(empty_url)
    done = run(
        *(f"--postgresql-{part}={place[part]}" for part in ("host", "port", "user")),
    )
    assert "4 passed" in done.stdout, done.stdout + done.stderr
    assert not (tmp_path / ".drystone").exists()
    with psycopg.connect(empty_url) as connection:
        left = connection.execute(
            "SELECT datname FROM pg_catalog.pg_database"
            " WHERE datname ~ '^drystone_[0-9]+_' AND NOT starts_with(datname, %s)",
            [f"drystone_{os.environ['PYTEST_DRYSTONE_RUN']}_"],
        ).fetchall()
    assert left == []


NOT_INSTALLED = """\
from importlib import metadata

installed = metadata.distribution


def distribution(name):
    if name.startswith("pgserver"):
        raise metadata.PackageNotFoundError(name)
    return installed(name)


metadata.distribution = distribution
"""


def test_where_there_is_no_server_it_says_what_to_do(run: Run, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(NOT_INSTALLED, encoding="utf-8")
    done = run()
    assert done.returncode == 4
    assert "ERROR: the embedded server is not installed" in done.stderr
    assert "drystone[embedded]" in done.stderr
    assert "Traceback" not in done.stderr
