"""Which tests cover which requirement: the pages of docs/systems/, written anew.

A test names its requirements at the start of its docstring, as in ``000-07, 000-16``.
Run ``python -m tests.requirements`` after adding one.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[1]
FOLDER = PROJECT / "docs" / "systems"

_NUMBERS = re.compile(r"\d{3}-\d{2}(?:, \d{3}-\d{2})*")

_PAGE = """\
# {system}: what was asked for, and the tests that show it

This page is written by `python -m tests.requirements`.

| | requirement | shown by |
|---|---|---|
"""


def requirements() -> dict[str, dict[str, str]]:
    """Return each system's requirements: a sentence by number."""
    text = (FOLDER / "requirements.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def covered() -> dict[str, list[str]]:
    """Return the tests of each number, as ``file::test``, in order."""
    found: dict[str, list[str]] = {}
    for path in sorted((PROJECT / "tests").rglob("test_*.py")):
        file = path.relative_to(PROJECT).as_posix()
        for name, numbers in _tests(path):
            for number in numbers:
                found.setdefault(number, []).append(f"{file}::{name}")
    return found


def pages() -> dict[Path, str]:
    """Return the pages as they should be, by path."""
    tests = covered()
    return {
        FOLDER / f"{system}.md": _PAGE.format(system=system)
        + "".join(
            f"| {number} | {text} | {_links(tests.get(number, []))} |\n"
            for number, text in asked.items()
        )
        for system, asked in requirements().items()
    }


def _tests(path: Path) -> Iterator[tuple[str, list[str]]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            numbers = _NUMBERS.match(ast.get_docstring(node) or "")
            if node.name.startswith("test_") and numbers:
                yield node.name, numbers[0].split(", ")


def _links(tests: list[str]) -> str:
    """Name the tests, those of one file together."""
    by_file: dict[str, list[str]] = {}
    for test in tests:
        file, _, name = test.partition("::")
        by_file.setdefault(file, []).append(name.removeprefix("test_"))
    return "<br>".join(
        f"[{Path(file).name}](../../{file}): "
        + "; ".join(name.replace("_", " ") for name in names)
        for file, names in by_file.items()
    )


if __name__ == "__main__":
    for page, text in pages().items():
        page.write_text(text, encoding="utf-8")
