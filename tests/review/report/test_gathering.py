from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from drystone.errors import BadInput
from drystone.migrations import runner
from drystone.migrations.files import read_migrations
from drystone.review.report.changes import Fate
from drystone.review.report.gathering import gather
from drystone.review.report.pages import write_report
from drystone.review.report.review import Part, Review
from drystone.review.report.tables import Size, Use
from drystone.review.report.verdicts import Level, failed, verdicts
from drystone.settings import Settings
from tests.review.report.conftest import NOWHERE, QUERIES, project_at, write_project
from tests.review.report.reading import Page


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_project(tmp_path)
    return tmp_path


def test_a_release_is_what_is_pending(reviewed: Review) -> None:
    assert reviewed.release.why == "pending on the database"
    assert len(reviewed.release.migrations) == 3


def test_a_release_is_everything_where_nothing_is_pending(
    project: Path, empty_url: str
) -> None:
    migrations = read_migrations([project / "migrations"])
    runner.migrate(empty_url, Settings(), migrations)
    statistics = project / "statistics.json"
    statistics.write_text('{"tables": {"shop.items": {"rows": 12000000}}}')
    review = gather(replace(project_at(project, empty_url), statistics=statistics))
    assert len(review.release.migrations) == 3
    assert review.release.why == "all there are: none is pending"
    assert review.drift == []
    assert review.tables is not None
    items, orders = (review.tables[f"shop.{name}"] for name in ("items", "orders"))
    assert items.size == Size(rows=12_000_000, own=None, total=None)
    assert orders.size
    assert orders.size.total == 16384
    assert [each.size for each in orders.indexes] == [8192, 8192]


def test_the_worst_comes_first_and_says_where_it_is(reviewed: Review) -> None:
    told = verdicts(reviewed)
    levels = [list(Level).index(each.level) for each in told]
    assert levels == sorted(levels)
    by_text = {each.text: each for each in told}
    unproven = by_text["1 migration not restored by the rollback"]
    assert unproven.level is Level.ERROR
    assert [each.text for each in unproven.points] == ["shop-0003-set-default"]
    refused = by_text["PostgreSQL refuses 1 query"]
    assert [each.address for each in refused.points] == [
        "queries/shop.items.html#query-broken"
    ]
    assert failed(reviewed)


def test_a_table_knows_its_queries_also_through_views(reviewed: Review) -> None:
    assert reviewed.tables is not None
    items = reviewed.tables["shop.items"]
    assert list(items.uses) == [
        Use("shop.items.add_item", writes=True),
        Use("shop.items.broken", writes=False),
        Use("shop.items.find_item", writes=False),
        Use("shop.items.sold_names", writes=False, through="shop.sold"),
    ]
    assert list(items.migrations) == [
        "shop-0001-create-items",
        "shop-0002-create-orders",
        "shop-0003-set-default",
    ]
    assert [each.target for each in items.referenced_by] == ["shop.orders"]
    assert [each.target for each in reviewed.tables["shop.orders"].constraints] == [
        None,
        "shop.items",
    ]


def test_without_a_database_the_rest_is_there_and_the_gaps_are_marked(
    project: Path, tmp_path: Path
) -> None:
    review = gather(project_at(project, NOWHERE))
    assert [each.part for each in review.missing] == [Part.DATABASE]
    assert review.findings
    assert review.proofs is None
    assert review.tables is None
    out = tmp_path / "out"
    write_report(review, out)
    assert "Not gathered: database" in Page.read(out / "index.html").text
    migration = Page.read(out / "migrations" / "shop-0001-create-items.html").text
    assert "CREATE TABLE shop.items" in migration
    assert migration.count("not gathered") == 2
    assert "Next: Check that the server runs" in migration
    assert "SELECT item.id" in Page.read(out / "queries" / "shop.items.html").text
    assert "not gathered" in Page.read(out / "drift.html").text
    assert "not gathered" in Page.read(out / "systems" / "shop.html").text


def test_a_file_that_does_not_parse_keeps_the_others_in_the_report(
    project: Path, tmp_path: Path
) -> None:
    bad = project / "migrations" / "shop" / "shop-0002-create-orders.sql"
    bad.write_text("CREATE TABEL shop.orders ();\n")
    (project / "sql" / "shop" / "bad.sql").write_text("-- name: bad()\nSELEC 1;\n")
    review = gather(project_at(project))
    assert failed(review)
    faults = {each.part: each for each in review.missing if each.fault}
    assert faults[Part.QUERIES].place == "sql/shop/bad.sql:2"
    assert "shop-0002-create-orders.sql:1" in str(faults[Part.PROOF].place)
    assert [each.name for each in review.areas] == ["shop.items"]
    told = [each.text for each in verdicts(review)]
    assert sum("shop-0002-create-orders.sql:1" in text for text in told) == 1
    out = tmp_path / "out"
    write_report(review, out)
    folder = out / "migrations"
    assert "CREATE TABEL" in Page.read(folder / "shop-0002-create-orders.html").text
    assert "sql/shop/bad.sql:2" in Page.read(out / "index.html").text
    assert [Page.read(path).faults for path in out.rglob("*.html")].count([]) == 8


def test_one_system_is_reviewed_by_itself(project: Path) -> None:
    other = project / "migrations" / "desk"
    other.mkdir()
    (other / "desk-0001-create.sql").write_text(
        "-- depends: shop-0001-create-items\nCREATE SCHEMA desk;\n"
        "CREATE TABLE desk.notes (item_id bigint REFERENCES shop.items (id));\n"
    )
    (other / "desk-0001-create.rollback.sql").write_text(
        "DROP TABLE desk.notes;\nDROP SCHEMA desk;\n"
    )
    review = gather(project_at(project), systems=["desk"])
    assert [each.id for each in review.migrations] == ["desk-0001-create"]
    assert list(review.tables or {}) == ["desk.notes"]
    assert review.systems == ["desk"]
    assert review.missing == []


def test_a_constraint_trigger_is_told_among_the_triggers(project: Path) -> None:
    folder = project / "migrations" / "shop"
    (folder / "shop-0004-create-trigger.sql").write_text(
        "-- depends: shop-0003-set-default\n"
        "CREATE CONSTRAINT TRIGGER items_watch AFTER INSERT ON shop.items\n"
        "DEFERRABLE FOR EACH ROW\n"
        "EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger();\n"
    )
    (folder / "shop-0004-create-trigger.rollback.sql").write_text(
        "DROP TRIGGER items_watch ON shop.items;\n"
    )
    items = (gather(project_at(project)).tables or {})["shop.items"]
    assert [each.name for each in items.triggers] == ["items_watch"]
    assert "items_watch" not in {each.name for each in items.constraints}


def test_a_system_that_nothing_belongs_to_is_refused(project: Path) -> None:
    with pytest.raises(BadInput, match="of a system called shops"):
        gather(project_at(project), systems=["shops"])


@pytest.fixture
def committed(project: Path) -> Path:
    """The project as a repository of git, all of it committed."""
    for arguments in (
        ("init", "--quiet"),
        ("add", "."),
        *[("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "all")],
    ):
        subprocess.run(["git", *arguments], cwd=project, check=True)
    return project


def test_what_changed_since_a_revision_is_told(committed: Path) -> None:
    folder = committed / "migrations" / "shop"
    (folder / "shop-0004-note.sql").write_text(
        "ALTER TABLE shop.items ADD note text;\n"
        "ALTER TABLE shop.items ALTER price TYPE numeric(9, 2);\n"
        "CREATE TABLE shop.tags (tag text PRIMARY KEY);\n"
    )
    (committed / "sql" / "shop" / "items.sql").write_text(
        QUERIES.replace("item.name, item.price", "item.name, item.note")
        .replace("sold_names", "names_sold")
        .replace("-- The item of a number.", "-- Another sentence.")
    )
    review = gather(project_at(committed), since="HEAD")
    assert [each.id for each in review.release.migrations] == ["shop-0004-note"]
    assert review.changes is not None
    told = {(e.kind, e.object): e for e in review.changes.schema}
    assert set(told) == {
        ("column", "shop.items.note"),
        ("column", "shop.items.price"),
        ("table", "shop.tags"),
    }
    queries = {each.name: each for each in review.changes.queries}
    assert queries["shop.items.names_sold"].fate is Fate.ADDED
    assert queries["shop.items.sold_names"].fate is Fate.REMOVED
    changed = queries["shop.items.find_item"]
    assert (changed.fate, changed.text) == (Fate.CHANGED, True)
    assert [(each.name, each.after) for each in changed.types] == [
        ("price", None),
        ("note", "text or NULL"),
    ]
    assert "shop.items.orders_of" not in queries


def test_a_revision_that_does_not_exist_is_refused(committed: Path) -> None:
    with pytest.raises(BadInput, match="no revision v9"):
        gather(project_at(committed), since="v9")


def test_statistics_of_production_decide_how_bad_a_finding_is(project: Path) -> None:
    path = project / "statistics.json"

    def severities(rows: int) -> set[str]:
        path.write_text(f'{{"tables": {{"shop.items": {{"rows": {rows}}}}}}}')
        review = gather(replace(project_at(project, NOWHERE), statistics=path))
        return {
            each.severity.value
            for each in review.findings or ()
            if each.table == "shop.items" and "0003" in each.location.file.name
        }

    assert "error" not in severities(10)
    assert "error" in severities(50_000_000)
