from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Drystone, Run

CREATE = """\
CREATE SCHEMA shop;
CREATE TABLE shop.items (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL,
    brand text NOT NULL
);
CREATE INDEX items_name_idx ON shop.items (name);
"""
QUERIES = """\
-- name: by_name(name)
SELECT item.id FROM shop.items AS item WHERE item.name = :name;

-- name: by_brand(brand)
SELECT item.id FROM shop.items AS item WHERE item.brand = :brand;
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for path in (tmp_path / "migrations" / "shop", tmp_path / "sql" / "shop"):
        path.mkdir(parents=True)
    (tmp_path / "migrations" / "shop" / "shop-0001-create.sql").write_text(CREATE)
    (tmp_path / "sql" / "shop" / "items.sql").write_text(QUERIES)
    (tmp_path / "drystone.toml").write_text(
        'migrations = "migrations"\nqueries = "sql"\n'
    )
    return tmp_path


@pytest.fixture
def project(drystone: Drystone, empty_url: str, folder: Path) -> Drystone:
    """Run ``drystone plans`` in a project with a table and two queries."""

    def run(*arguments: str) -> Run:
        return drystone("--database-url", empty_url, "plans", *arguments)

    return run


def test_the_queries_are_listed_with_their_scans_and_flags(project: Drystone) -> None:
    run = project()
    assert run.code == 0
    header, by_name, by_brand, *rest = run.out.splitlines()
    assert header.split()[:3] == ["query", "time", "rows"]
    assert "items_name_idx" in by_name
    assert "Seq Scan shop.items" in by_brand
    assert "no index serves the filter" in by_brand
    assert rest[0] == "shop.items.by_brand  no index serves the filter"
    assert rest[-1] == "2 queries, 1 flagged, 0 without a plan"


@pytest.mark.parametrize("width", [80, 160])
def test_a_plan_is_drawn_within_the_width(
    project: Drystone, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    run = project("--query", "by_brand")
    assert run.code == 0
    title, figures, scan, *rest = run.out.splitlines()
    assert title.startswith("shop.items.by_brand  ")
    assert figures.split() == ["rows", "expected", "ms"]
    assert scan.startswith("Seq Scan on shop.items")
    assert rest[0].strip() == "filter (item.brand = :brand)"
    assert all(len(line) <= width for line in (figures, scan, *rest[:2]))


def test_a_baseline_is_written_and_a_changed_plan_fails(
    project: Drystone, folder: Path
) -> None:
    assert project("--write").out == "wrote sql/plans/shop.json\n"
    assert project("--check").out == "no plan has changed\n"
    migration = folder / "migrations" / "shop" / "shop-0002-drop.sql"
    migration.write_text("DROP INDEX shop.items_name_idx;\n")
    run = project("--check")
    assert run.code == 1
    assert run.out.splitlines() == [
        "shop.items.by_name  has another plan",
        "  - Bitmap Heap Scan on shop.items",
        "  -   Bitmap Index Scan using items_name_idx",
        "  + Seq Scan on shop.items",
        "1 plan changed; drystone plans --write keeps them as they are now",
    ]


def test_the_document_is_that_of_the_contract(project: Drystone, folder: Path) -> None:
    document = project("--json").document
    assert [each["name"] for each in document["queries"]] == [
        "shop.items.by_name",
        "shop.items.by_brand",
    ]
    query = document["queries"][1]
    assert query["file"] == str(folder / "sql" / "shop" / "items.sql")
    assert query["line"] == 4
    assert query["milliseconds"] >= 0
    assert query["shape"] == ["Seq Scan on shop.items"]
    assert [flag["concern"] for flag in query["flags"]] == ["NO_INDEX"]
    assert query["missing"] is None
    assert query["not_executed"] is None
    assert query["plan"]["relation"] == "shop.items"
    assert query["plan"]["children"] == []


def test_sizes_of_production_make_a_scan_as_bad_as_there(
    project: Drystone, folder: Path
) -> None:
    sizes = folder / "sizes.json"
    sizes.write_text(json.dumps({"tables": {"shop.items": {"rows": 5_000_000}}}))
    out = project("--statistics", str(sizes), "--query", "by_brand").out
    assert "shop.items has about 5 million rows, and all are read to keep" in out


def test_a_query_that_does_not_exist_is_a_fault_of_usage(project: Drystone) -> None:
    run = project("--query", "nothing")
    assert run.code == 2
    assert "there is no query called nothing" in run.err


def test_writing_goes_with_nothing_that_leaves_queries_out(project: Drystone) -> None:
    assert project("--write", "--query", "by_name").code == 2


@pytest.fixture
def bench(drystone: Drystone, empty_url: str, folder: Path) -> Drystone:
    """Run ``drystone bench`` on it, with some queries that are not timed."""
    with (folder / "sql" / "shop" / "items.sql").open("a") as file:
        file.write(
            "\n-- name: rename(id, name)!\n"
            "UPDATE shop.items AS item SET name = :name WHERE item.id = :id;\n"
            "\n-- name: lock_item(id)\n"
            "SELECT item.id FROM shop.items AS item WHERE item.id = :id FOR UPDATE;\n"
            "\n-- name: wrong()\n"
            "SELECT item.colour FROM shop.items AS item;\n"
        )

    def run(*arguments: str) -> Run:
        short = ("--seconds", "0.05", "--clients", "2")
        return drystone("--database-url", empty_url, "bench", *short, *arguments)

    return run


def test_what_reads_is_timed_and_the_rest_is_left_out_for_a_reason(
    bench: Drystone,
) -> None:
    run = bench()
    assert run.code == 0, run.err
    header, by_name, by_brand, rename, lock, wrong, summary = run.out.splitlines()
    assert header.endswith("p99 ms")
    assert len(by_name) == len(by_brand) == len(header)
    name, *figures = by_brand.split()
    assert name == "shop.items.by_brand"
    assert all(float(figure.replace(",", "")) > 0 for figure in figures)
    assert "it writes" in rename
    assert "it writes" in lock
    assert "PostgreSQL refuses it" in wrong
    assert summary == "2 queries timed for 50 ms each, 2 clients; 3 left out"


def test_timings_come_as_one_document(bench: Drystone) -> None:
    run = bench("--query", "by_name", "--json")
    document = json.loads(run.out)
    assert (document["clients"], document["seconds"]) == (2, 0.05)
    (timing,) = document["queries"]
    assert timing["name"] == "shop.items.by_name"
    assert timing["calls"] >= 2
    assert 0 < timing["p50_ms"] <= timing["p95_ms"] <= timing["p99_ms"]
    assert timing["missing"] is None
