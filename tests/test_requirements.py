"""Every requirement has a test, and the pages that say so are fresh."""

from __future__ import annotations

import pytest

from tests.requirements import covered, pages, requirements

ASKED = [
    (system, number) for system, asked in requirements().items() for number in asked
]


@pytest.mark.parametrize(("system", "number"), ASKED, ids=str)
def test_every_requirement_has_a_test(system: str, number: str) -> None:
    """000-04, 000-10: the pages show what the tests cover."""
    assert covered().get(number), f"no test names {number} of {system}"


def test_no_test_names_a_requirement_that_nobody_asked_for() -> None:
    known = {number for _, number in ASKED}
    systems = {number.partition("-")[0] for number in known}
    named = {n for n in covered() if n.partition("-")[0] in systems}
    assert named <= known


def test_the_pages_are_fresh() -> None:
    """If not, run python -m tests.requirements."""
    for path, text in pages().items():
        assert path.read_text(encoding="utf-8") == text
