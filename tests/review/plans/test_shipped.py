"""The shipped systems' queries, on the data that their baseline is of."""

from __future__ import annotations

import re

import pytest

from drystone.migrations.files import read_migrations
from drystone.queries.reading.files import read_areas
from drystone.review.plans.baseline import compare
from drystone.review.plans.plan import QueryPlan
from drystone.review.plans.representative import explain
from drystone.settings import Settings
from drystone.systems import shipped
from tests.conftest import SERVER

pytestmark = pytest.mark.xdist_group("plans")  # they are explained once

BASELINE_OF = 18

# Index methods are created and dropped by name; PostgreSQL plans neither.
WITHOUT_PLAN = {
    "events.indexes.create_ivfflat_index",
    "events.indexes.drop_ivfflat_index",
}


@pytest.fixture(scope="session")
def plans() -> list[QueryPlan]:
    return explain(
        SERVER.start(),
        Settings(),
        read_areas([shipped("sql")]),
        read_migrations([shipped("migrations")]),
        seeds=[shipped("sql")],
    )


def test_every_query_has_a_plan_and_was_executed(plans: list[QueryPlan]) -> None:
    assert {plan.name for plan in plans if plan.missing} == WITHOUT_PLAN
    assert {p.name: p.not_executed for p in plans if p.not_executed} == {}
    assert all(plan.empty == () for plan in plans)


def test_no_literal_is_shown_that_the_files_do_not_have(
    plans: list[QueryPlan],
) -> None:
    files = [*shipped("sql").rglob("*.sql"), *shipped("migrations").rglob("*.sql")]
    written = "\n".join(path.read_text() for path in files)
    shown = {
        literal
        for plan in plans
        if plan.root
        for node in plan.root.walk()
        for literal in re.findall(r"'([^']*)'", node.condition or "")
    }
    assert {each for each in shown if not _is_of_files(each, written)} == set()


def test_the_shapes_are_those_of_the_baseline(plans: list[QueryPlan]) -> None:
    if plans[0].server != BASELINE_OF:
        pytest.skip("the baseline is of another version of PostgreSQL")
    found = compare(plans, read_areas([shipped("sql")]))
    assert not found.notes
    assert {change.name for change in found.changes} == set()


def _is_of_files(literal: str, written: str) -> bool:
    """Tell whether the files have a literal, which arrays and casts may hold now."""
    parts = re.split(r"[{},]", literal.strip('"'))
    known = re.compile(r"[\d:]+|\^pg_toast")  # the latter from a view of PostgreSQL's
    return all(part in written or known.fullmatch(part) for part in parts)
