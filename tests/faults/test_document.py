"""docs/faults.md names tests that exist, and errors that do."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from drystone import errors

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
TEXT = PAGE.read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (\d+) \| .* \| (.*) \|$", TEXT, re.MULTILINE)


@pytest.mark.parametrize(("number", "shown"), ROWS)
def test_every_row_names_a_test_that_exists(number: str, shown: str) -> None:
    links = re.findall(r"\[([^]]+)]\(([^)]+)\)", shown)
    assert links
    for name, link in links:
        tree = ast.parse((PAGE.parent / link).read_text(encoding="utf-8"))
        functions = {
            node.name
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }
        assert f"test_{name.replace(' ', '_')}" in functions


def test_the_rows_are_numbered_as_they_come() -> None:
    numbers = [int(number) for number, _ in ROWS]
    assert len(numbers) > 25
    assert numbers == sorted(set(numbers))


def test_every_error_that_is_named_is_one() -> None:
    named = set(re.findall(r"`([A-Z][a-z]+[A-Za-z]+)`", TEXT))
    assert len(named) > 10
    assert {name for name in named if not hasattr(errors, name)} == set()
