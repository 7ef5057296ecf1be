"""What a trace sees against what PostgreSQL's documentation says."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from drystone.review.locks import LockMode
from drystone.review.trace.traces import MigrationTrace
from tests.review.trace.forms import FORMS, ROWS, Form

pytestmark = pytest.mark.xdist_group("forms")  # they are traced once

NUMBERED = [
    pytest.param(f"form_{number}", form, id=f"{number}-{form.statement}")
    for number, form in enumerate(FORMS)
]


def bare(names: Iterable[str]) -> set[str]:
    return {name.partition(".")[2] for name in names}


@pytest.mark.parametrize(("schema", "form"), NUMBERED)
def test_a_form_takes_the_locks_that_are_documented(
    traced_forms: dict[str, MigrationTrace], schema: str, form: Form
) -> None:
    trace = traced_forms[schema]
    assert trace.error is None
    _, statement = trace.statements
    seen = {
        lock.object.partition(".")[2]: lock.mode
        for lock in statement.locks
        if lock.mode.rank >= LockMode.SHARE_UPDATE_EXCLUSIVE.rank
        and (lock.kind != "index" or lock.object.partition(".")[2] in form.locks)
    }
    assert seen == form.locks


@pytest.mark.parametrize(("schema", "form"), NUMBERED)
def test_a_form_rewrites_builds_and_scans_what_is_documented(
    traced_forms: dict[str, MigrationTrace], schema: str, form: Form
) -> None:
    _, statement = traced_forms[schema].statements
    assert bare(statement.rewritten) == form.rewritten
    assert bare(statement.indexes_built) == form.built
    assert bare(statement.scanned) == form.scanned
    for name, rows in statement.scanned.items():
        assert rows >= (ROWS if name.endswith((".t", ".u")) else 10)
