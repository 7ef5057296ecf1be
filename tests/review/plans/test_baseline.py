from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from drystone.errors import BadInput
from drystone.queries.reading.files import Area
from drystone.review.plans.baseline import (
    compare,
    compare_baseline,
    write_baselines,
)
from drystone.review.plans.plan import QueryPlan
from tests.review.plans.conftest import explained, migration, write_queries

Plans = Mapping[str, QueryPlan]


@pytest.fixture
def areas(tmp_path: Path) -> list[Area]:
    return write_queries(tmp_path / "sql")


@pytest.fixture
def path(areas: list[Area], shop_plans: Plans) -> Path:
    (written,) = write_baselines(list(shop_plans.values()), areas)
    return written


def test_what_was_written_differs_in_nothing(
    areas: list[Area], path: Path, shop_plans: Plans
) -> None:
    plans = list(shop_plans.values())
    assert path == areas[0].folder / "plans" / "shop.json"
    assert compare_baseline(plans, areas) == []
    assert write_baselines(plans, areas) == []


def test_a_dropped_index_changes_the_shape(areas: list[Area], path: Path) -> None:
    drop = migration(
        "shop-0002-drop", "ALTER TABLE shop.parts DROP CONSTRAINT parts_sku_key;"
    )
    plans = explained(areas, drop, names=["shop.parts.by_sku", "shop.parts.by_hex"])
    (change,) = compare_baseline(plans, areas)
    assert change.name == "shop.parts.by_sku"
    assert change.before == "Index Scan using parts_sku_key on shop.parts"
    assert change.after == "Seq Scan on shop.parts"


def test_queries_that_are_new_or_gone_are_told(
    areas: list[Area], path: Path, shop_plans: Plans
) -> None:
    document = json.loads(path.read_text())
    document["queries"]["shop.parts.old"] = document["queries"].pop("shop.parts.by_sku")
    path.write_text(json.dumps(document))
    changes = {c.name: c for c in compare_baseline([*shop_plans.values()], areas)}
    assert changes.keys() == {"shop.parts.by_sku", "shop.parts.old"}
    assert changes["shop.parts.by_sku"].before is None
    assert changes["shop.parts.old"].after is None


def test_another_version_of_postgresql_is_said_and_not_compared(
    areas: list[Area], path: Path, shop_plans: Plans
) -> None:
    server = shop_plans["by_sku"].server
    newer = [replace(p, server=99, shape="Other") for p in shop_plans.values()]
    found = compare(newer, areas)
    assert not found.changes
    (note,) = found.notes
    assert note == (
        "the plans of shop are not compared: the baseline is of"
        f" PostgreSQL {server}, this server is 99"
    )


def test_a_system_without_a_baseline_is_told(
    areas: list[Area], shop_plans: Plans
) -> None:
    found = compare(list(shop_plans.values()), areas)
    assert list(found.notes) == [
        "shop has no baseline; drystone plans --write makes one"
    ]


def test_a_malformed_baseline_is_refused_with_its_place(
    areas: list[Area], path: Path, shop_plans: Plans
) -> None:
    path.write_text('{"queries": {"shop.parts.by_sku": {}}}')
    with pytest.raises(BadInput, match="malformed") as caught:
        compare(list(shop_plans.values()), areas)
    assert caught.value.location is not None
    assert caught.value.location.file == path
