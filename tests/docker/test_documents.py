"""What docs/operations.md and docs/docker.md say, done where it can be."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from drystone.cli import cli

PROJECT = Path(__file__).parents[2]
OPERATIONS = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
CONTAINERS = (PROJECT / "docs" / "docker.md").read_text(encoding="utf-8")

_FILE = re.compile(r"^```sql\n-- ([\w.-]+\.sql)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HALLS = """
CREATE SCHEMA venues;

CREATE TABLE venues.halls (
    id bigint GENERATED ALWAYS AS IDENTITY,
    seats integer NOT NULL,
    CONSTRAINT halls_pkey PRIMARY KEY (id)
);
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The worked example as files, behind the migration that makes its table."""
    folder = tmp_path / "migrations"
    (folder / "venues").mkdir(parents=True)
    files = {
        "venues-0001-create-halls.sql": _HALLS,
        "venues-0001-create-halls.rollback.sql": "DROP TABLE venues.halls;\n\n"
        "DROP SCHEMA venues;\n",
        **dict(_FILE.findall(OPERATIONS)),
    }
    assert len(files) == 10
    for name, text in files.items():
        (folder / "venues" / name).write_text(text, encoding="utf-8")
    return folder


def drystone(url: str, folder: Path, *arguments: str) -> None:
    options = ["--database-url", url, "--migrations", str(folder)]
    done = CliRunner().invoke(cli, [*options, *arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output


def test_old_and_new_code_run_on_the_expanded_schema(
    empty_url: str, folder: Path
) -> None:
    drystone(empty_url, folder, "migrate", "--to", "venues-0001-create-halls")
    with psycopg.connect(empty_url, autocommit=True) as connection:
        connection.execute("INSERT INTO venues.halls (seats) VALUES (100)")
        drystone(empty_url, folder, "migrate", "--to", "venues-0004-require-capacity")
        connection.execute("INSERT INTO venues.halls (seats) VALUES (200)")
        connection.execute("INSERT INTO venues.halls (capacity) VALUES (300)")
        connection.execute("UPDATE venues.halls SET seats = 101 WHERE seats = 100")
        connection.execute("UPDATE venues.halls SET capacity = 301 WHERE seats = 300")
        both = "SELECT seats, capacity FROM venues.halls ORDER BY id"
        assert connection.execute(both).fetchall() == [
            (101, 101),
            (200, 200),
            (301, 301),
        ]
        drystone(empty_url, folder, "migrate")
        left = "SELECT capacity FROM venues.halls ORDER BY id"
        assert connection.execute(left).fetchall() == [(101,), (200,), (301,)]


def test_each_step_of_the_example_can_be_rolled_back(
    empty_url: str, folder: Path
) -> None:
    drystone(empty_url, folder, "verify")


def test_the_page_lists_every_file_of_the_containers() -> None:
    told = set(re.findall(r"`(docker/[\w./-]+)`", CONTAINERS))
    for name in told:
        assert (PROJECT / name).exists() or name.endswith(("secrets/", "tls/")), name
    listed = subprocess.run(
        ["git", "ls-files", "docker"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    files = {each for each in listed if not each.startswith("docker/kubernetes/")}
    assert files - told == {"docker/.gitignore"}
