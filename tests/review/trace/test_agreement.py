"""What lint reads from the documentation against what a trace sees."""

from __future__ import annotations

from pathlib import Path

import pytest

from drystone.migrations.statements import parse
from drystone.review.lint.locking import documented_locks
from drystone.review.lint.schema.model import Schema
from drystone.review.lint.schema.replay import replay
from drystone.review.trace.traces import MigrationTrace
from tests.review.trace.forms import BASE, FORMS, Form

pytestmark = pytest.mark.xdist_group("forms")  # they are traced once


@pytest.mark.parametrize(
    ("schema", "form"),
    [
        pytest.param(f"form_{number}", form, id=f"{number}-{form.statement}")
        for number, form in enumerate(FORMS)
    ],
)
def test_lint_and_trace_agree_on_the_dangerous_locks_of_tables(
    traced_forms: dict[str, MigrationTrace], schema: str, form: Form
) -> None:
    path = Path("form.sql")
    before = Schema()
    for statement in parse(BASE + form.setup, path=path):
        replay(before, statement, "before")
    (statement,) = parse(form.statement.format(schema="public"), path=path)
    read = {
        name.rpartition(".")[2]: mode
        for name, mode in documented_locks(statement, before)
        if mode.dangerous
    }
    seen = {
        lock.object.rpartition(".")[2]: lock.mode
        for lock in traced_forms[schema].statements[-1].locks
        if lock.kind != "index" and lock.mode.dangerous
    }
    assert read.items() <= seen.items()
    assert seen.keys() - read.keys() <= form.unread
