"""What the documents say, done."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from drystone.settings import Settings

PROJECT = Path(__file__).parents[1]
README = (PROJECT / "README.md").read_text(encoding="utf-8")
OWN_DATABASE = "postgresql://app@localhost:5432/events"

DURATION = re.compile(r"[\d.]+ (ms|s|min)\b")


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    """A checkout of what lies in this one, with the same virtual environment."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\0")
    copy = tmp_path / "drystone"
    for name in filter(None, names):
        if (PROJECT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((PROJECT / name).read_bytes())
            os.utime(copy / name, (0, 0))  # older than the environment: it is ready
    (copy / ".venv").symlink_to(PROJECT / ".venv")
    yield copy
    run(".venv/bin/drystone db reset --yes", copy)


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def run(command: str, folder: Path) -> str:
    """Run a block of shell commands as a newcomer would."""
    done = subprocess.run(
        ["sh", "-eu", "-c", command],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def test_every_command_of_the_readme_works(copy: Path, empty_url: str) -> None:
    """000-11, 001-15, 002-01, 002-16

    In their order, in one checkout; `make test` is what runs this test.
    """
    commands = blocks("sh")
    assert commands[0] == "make demo\nmake test\n"
    tour = run("make demo", copy)
    assert normalised(tour) == normalised(blocks("text")[0])
    assert "pytest" in run("make --dry-run test", copy)
    again = run("make demo", copy)
    assert "1. Migrate: applied 0 of" in again
    for command in commands[1:]:
        run(command.replace(OWN_DATABASE, f'"{empty_url}"'), copy)
    (program,) = blocks("python")
    (copy / "program.py").write_text(program)
    assert run(f"PYTHONPATH=src {sys.executable} program.py", copy) == "Aula 250\n"
    assert "make migrate" in run("make", copy)


def normalised(tour: str) -> list[str]:
    """Leave durations out, and the blanks that align them."""
    return [DURATION.sub("…", line).strip() for line in tour.strip().splitlines()]


def test_every_setting_is_documented_with_its_default() -> None:
    text = (PROJECT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|", text, re.MULTILINE))
    assert rows.keys() == Settings.model_fields.keys()
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, int | float):
            assert float(rows[name]) == field.default
        for choice in field.default if isinstance(field.default, dict) else ():
            assert choice in rows[name]


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "docs"])
def test_links_lead_somewhere(name: str) -> None:
    path = PROJECT / name
    for page in path.rglob("*.md") if path.is_dir() else [path]:
        for link in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            assert link.startswith("https://") or (page.parent / link).exists()
