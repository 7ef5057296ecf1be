"""The shipped systems' queries, on the data that their baseline is of."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from drystone.migrations.files import read_migrations
from drystone.queries.reading.files import read_areas
from drystone.review.plans.baseline import compare
from drystone.review.plans.plan import QueryPlan
from drystone.review.plans.representative import explain, represented
from drystone.settings import Settings
from drystone.systems import shipped
from drystone.testing import embedded_server

pytestmark = pytest.mark.xdist_group("plans")  # they are explained once

BASELINE_OF = 18

COMMAND, SCRIPT = "PostgreSQL makes no plan", "a script of several statements"
STAGED, REFUSED = "which is not there", "refuses the values"

# The queries of each system that have no plan, or are only planned, and why.
WITHOUT_PLAN = {
    "core": {},
    "dining": {
        "load.stage_connections": SCRIPT,
        "load.stage_entities": SCRIPT,
        "load.stage_mentions": SCRIPT,
    },
    "events": {
        "indexes.create_ivfflat_index": COMMAND,
        "indexes.drop_ivfflat_index": COMMAND,
    },
    "ideas": {},
    "promo": {},
    "shop": {"search.refresh_bought_together": COMMAND},
}
NOT_EXECUTED = {
    "core": {"outbox.enqueue_outbox_many": REFUSED},
    "dining": {
        "entities.delete_entity": REFUSED,
        "load.upsert_staged_connections": STAGED,
        "load.upsert_staged_entities": STAGED,
        "load.upsert_staged_mentions": STAGED,
    },
    "events": {},
    "ideas": {
        "business_ideas.bulk_insert_ideas": REFUSED,
        "business_ideas.create_idea": REFUSED,
    },
    "promo": {
        "accounts.connect_account": REFUSED,
        "analytics.best_posting_times": REFUSED,
        "analytics.dashboard_series": REFUSED,
        "content.bulk_create_content": REFUSED,
        "strategies.propose_strategy": REFUSED,
        "summaries.build_weekly_summary": REFUSED,
    },
    "shop": {
        "carts.cart_add": REFUSED,
        "catalogue.create_variant": REFUSED,
        "catalogue.delete_category": REFUSED,
        "catalogue.delete_variant": REFUSED,
        "orders.create_discount": REFUSED,
        "orders.place_order": REFUSED,
        "reports.customer_cohorts": REFUSED,
        "reports.new_users_series": REFUSED,
        "reports.sales_series": REFUSED,
        "reviews.add_review": REFUSED,
        "stock.commit_reservation": REFUSED,
        "stock.expire_reservations": REFUSED,
        "stock.lacking": REFUSED,
        "stock.receive_stock": REFUSED,
        "stock.reserve_stock": REFUSED,
        "users.create_user_with_address": REFUSED,
        "users.update_user": REFUSED,
    },
}


@pytest.fixture(scope="session")
def plans() -> list[QueryPlan]:
    with represented(
        embedded_server().start(),
        Settings(),
        read_areas([shipped("sql")]),
        read_migrations([shipped("migrations")]),
        seeds=[shipped("sql")],
    ) as database:
        return explain(database)


def test_every_query_has_a_plan_and_was_executed(plans: list[QueryPlan]) -> None:
    missing = {plan.name: plan.missing for plan in plans if plan.missing}
    planned = {plan.name: plan.not_executed for plan in plans if plan.not_executed}
    assert _unlike(missing, WITHOUT_PLAN) == {}
    assert _unlike(planned, NOT_EXECUTED) == {}
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
    folded = {chr(0x10FFFF)}  # what PostgreSQL makes of chr(1114111)
    assert {each for each in shown - folded if not _is_of_files(each, written)} == set()


def test_the_shapes_are_those_of_the_baseline(plans: list[QueryPlan]) -> None:
    if plans[0].server != BASELINE_OF:
        pytest.skip("the baseline is of another version of PostgreSQL")
    found = compare(plans, read_areas([shipped("sql")]))
    assert not found.notes
    assert {change.name for change in found.changes} == set()


def _unlike(
    found: Mapping[str, str], systems: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """Return what was found for another reason, or was to be found and is not."""
    known = {
        f"{s}.{name}": why for s, own in systems.items() for name, why in own.items()
    }
    return {
        name: found.get(name, "it has a plan now, and was executed")
        for name in found.keys() | known.keys()
        if name not in known or known[name] not in found.get(name, "")
    }


def _is_of_files(literal: str, written: str) -> bool:
    """Tell whether the files have a literal, which arrays and casts may hold now."""
    parts = re.split(r"[{},]", literal.strip('"'))
    # The words are from PostgreSQL's views, the last character is chr(1114111) there.
    known = re.compile(r"[\d:]+|\^pg_toast|select|\U0010ffff")
    return all(part in written or known.fullmatch(part) for part in parts)
