from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from drystone.review.plans.plan import Concern, PlanNode, QueryPlan

Plans = Mapping[str, QueryPlan]


def concerns(plan: QueryPlan) -> set[Concern]:
    return {flag.concern for flag in plan.flags}


def nodes(plan: QueryPlan) -> list[PlanNode]:
    assert plan.root is not None
    return list(plan.root.walk())


def test_a_query_by_a_key_reads_its_index_and_is_no_concern(shop_plans: Plans) -> None:
    plan = shop_plans["by_sku"]
    assert plan.shape == "Index Scan using parts_sku_key on shop.parts"
    assert not plan.flags
    assert plan.root is not None
    assert plan.root.actual_rows == 1
    assert plan.root.condition == "(part.sku = :sku)"


def test_a_filter_without_an_index_is_flagged_with_its_figures(
    shop_plans: Plans,
) -> None:
    plan = shop_plans["by_serial"]
    assert concerns(plan) == {Concern.SEQUENTIAL_SCAN, Concern.NO_INDEX}
    assert {flag.message for flag in plan.flags} == {
        "20,000 rows of shop.parts are read to keep 1: (part.serial = :serial)",
        "no index of shop.parts serves (part.serial = :serial)",
    }


def test_a_small_lookup_table_needs_no_index(shop_plans: Plans) -> None:
    assert shop_plans["by_hex"].shape == "Seq Scan on shop.colours"
    assert not shop_plans["by_hex"].flags


def test_correlated_columns_mislead_the_planner_and_statistics_mend_it(
    shop_plans: Plans,
) -> None:
    assert concerns(shop_plans["by_place"]) == {Concern.MISESTIMATE}
    (flag,) = shop_plans["by_place"].flags
    assert re.match(r"\d rows were expected of .*, and 200 came", flag.message)
    assert not shop_plans["by_place_tuned"].flags


def test_a_sort_that_memory_does_not_hold_is_flagged(shop_plans: Plans) -> None:
    (flag,) = shop_plans["sorted"].flags
    assert flag.concern is Concern.SPILL
    assert re.fullmatch(
        r"Sort wrote \d+\.\d MB to disk, as work_mem does not hold it", flag.message
    )


def test_optional_conditions_are_all_there_and_the_first_order(
    shop_plans: Plans,
) -> None:
    conditions = "; ".join(n.condition or "" for n in nodes(shop_plans["filtered"]))
    assert "(part.town = :town)" in conditions
    assert "(part.price >= :min_price)" in conditions
    assert "IS NULL" not in conditions
    assert "by part.id" in conditions


def test_a_range_keeps_a_realistic_part(shop_plans: Plans) -> None:
    root = shop_plans["visits"].root
    assert root is not None
    assert root.actual_rows is not None
    assert 100 < root.actual_rows < 1000


def test_partitions_are_one_line_of_a_shape(shop_plans: Plans) -> None:
    assert shop_plans["visits"].shape == "Seq Scan on shop.visits"


def test_a_nearest_neighbour_is_found_by_the_vector_index(shop_plans: Plans) -> None:
    plan = shop_plans["nearest"]
    assert plan.shape.splitlines() == [
        "Limit",
        "  Index Scan using pictures_embedding_idx on shop.pictures",
    ]
    assert plan.root is not None
    assert plan.root.actual_rows == 20
    assert plan.root.children[0].condition == (
        "order by (picture.embedding <-> :embedding)"
    )


def test_what_a_write_does_is_rolled_back_before_the_next(shop_plans: Plans) -> None:
    scans = [nodes(shop_plans[name])[-1] for name in ("clear", "touch")]
    assert [scan.actual_rows for scan in scans] == [20_000, 20_000]
    assert shop_plans["clear"].shape.startswith("Delete on shop.tuned\n")


def test_values_that_a_constraint_refuses_leave_a_plan_and_its_name(
    shop_plans: Plans,
) -> None:
    plan = shop_plans["worthless"]
    assert plan.not_executed == ("parts_price_check refuses the values that were tried")
    assert plan.milliseconds is None
    assert "Index Scan using parts_pkey on shop.parts" in plan.shape
    assert {node.actual_rows for node in nodes(plan)} == {None}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("wrong", "PostgreSQL refuses it: query wrong: column part.colour does not"),
        ("index_it", "PostgreSQL makes no plan for CREATE INDEX"),
        ("several", "a script of several statements has no plan"),
    ],
)
def test_a_query_without_a_plan_says_why(
    shop_plans: Plans, name: str, why: str
) -> None:
    plan = shop_plans[name]
    assert (plan.missing or "").startswith(why)
    assert plan.root is None
    assert not plan.shape


def test_a_query_of_a_table_that_stays_empty_says_so(shop_plans: Plans) -> None:
    assert shop_plans["nothing"].not_executed is None
    assert shop_plans["nothing"].empty == ("shop.forbidden",)
    assert shop_plans["by_sku"].empty == ()


def test_no_value_reaches_a_condition_or_a_message(shop_plans: Plans) -> None:
    told = [
        node.condition or "" for p in shop_plans.values() if p.root for node in nodes(p)
    ]
    told += [flag.message for p in shop_plans.values() for flag in p.flags]
    assert not re.findall(r"'[^']*'|\[[\d.,]+\]", "\n".join(told))
