from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

import pytest

from drystone.errors import SettingsError
from drystone.review.report import addresses
from drystone.review.report.gathering import gather
from drystone.review.report.pages import write_report
from drystone.review.report.review import Review
from tests.review.report.conftest import project_at, write_project
from tests.review.report.reading import Page

HOSTILE = "\"</script><img src=x onerror=alert(1)>&amp;'"


def pages_of(folder: Path) -> dict[Path, Page]:
    return {path: Page.read(path) for path in sorted(folder.rglob("*.html"))}


@pytest.fixture(scope="module")
def pages(report: Path) -> dict[Path, Page]:
    return pages_of(report)


def check_links(folder: Path, pages: dict[Path, Page]) -> int:
    count = 0
    for path, page in pages.items():
        for each in page.elements:
            link = each.attributes.get("href", each.attributes.get("src"))
            if link is None or link.startswith("data:"):
                continue
            file, _, anchor = link.partition("#")
            target = (path.parent / unquote(file)).resolve() if file else path
            assert target.is_relative_to(folder.resolve()), link
            assert target.is_file(), f"{path.name}: {link}"
            assert not anchor or anchor in pages[target].ids, f"{path.name}: {link}"
            count += 1
    return count


def test_every_link_leads_to_a_file_and_an_anchor_of_the_report(
    report: Path, pages: dict[Path, Page]
) -> None:
    assert len(pages) == 11
    assert check_links(report.resolve(), {p.resolve(): q for p, q in pages.items()})


def test_every_result_of_the_search_leads_somewhere(report: Path) -> None:
    entries = index_of(report)
    assert {kind for kind, *_ in entries} >= {
        *("table", "view", "column", "index", "query", "migration", "system", "finding")
    }
    for *_, address in entries:
        file, _, anchor = address.partition("#")
        assert not anchor or anchor in Page.read(report / file).ids, address


def index_of(report: Path) -> list[list[str]]:
    script = (report / "search-index.js").read_text()
    found = re.fullmatch(r"window\.drystoneIndex=(.*);\n", script)
    assert found is not None
    entries: list[list[str]] = json.loads(found[1])
    return entries


def test_pages_are_well_formed(pages: dict[Path, Page]) -> None:
    for path, page in pages.items():
        assert page.faults == [], path.name
        assert len(page.ids) == len(set(page.ids)), path.name


def test_pages_can_be_heard_as_well_as_seen(pages: dict[Path, Page]) -> None:
    for page in pages.values():
        levels = [int(e.tag[1]) for e in page.all("h1", "h2", "h3", "h4")]
        assert levels.count(1) == 1
        assert levels[0] == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))
        assert [len(page.all(tag)) for tag in ("header", "main", "footer")] == [1, 1, 1]
        assert all(e.attributes["aria-label"] for e in page.all("nav"))
        for table in page.all("table"):
            assert table.text.strip()
        assert len(page.all("caption")) == len(page.all("table"))
        assert all(e.attributes["scope"] for e in page.all("th"))
        assert page.all("html")[0].attributes["lang"] == "en"
        first = page.all("a")[0]
        assert first.attributes["href"] == "#content"
        ids = set(page.ids)
        for name in ("aria-labelledby", "aria-controls"):
            named = [e.attributes[name] for e in page.elements if name in e.attributes]
            assert set(named) <= ids


def test_a_page_may_load_its_own_files_and_nothing_else(
    report: Path, pages: dict[Path, Page]
) -> None:
    for page in pages.values():
        (policy,) = [
            e.attributes["content"]
            for e in page.all("meta")
            if e.attributes.get("http-equiv") == "Content-Security-Policy"
        ]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        for each in page.elements:
            assert "style" not in each.attributes
            assert not [name for name in each.attributes if name.startswith("on")]
        assert all(e.attributes.get("src") for e in page.all("script"))
        assert not page.all("style")
    for name in ("report.css", "report.js"):
        lines = (report / name).read_text().splitlines()
        assert not [each for each in lines if "//" in each.lstrip().lstrip("/")]


def test_what_a_script_adds_is_hidden_without_it(pages: dict[Path, Page]) -> None:
    for page in pages.values():
        search = [e for e in page.elements if e.attributes.get("role") == "search"]
        assert "hidden" in search[0].attributes
        (button,) = page.all("button")
        assert "hidden" in button.attributes


def test_nothing_names_a_folder_of_the_machine(report: Path, reviewed: Review) -> None:
    project = reviewed.paths.roots[0]
    for path in report.rglob("*"):
        if path.is_file():
            text = path.read_text()
            assert str(project) not in text
            assert str(Path.home()) + os.sep not in text


def test_a_migration_is_shown_with_its_rollback_locks_and_proof(report: Path) -> None:
    page = Page.read(report / addresses.migration_page("shop-0003-set-default"))
    assert {"up-2", "up-3", "down-1", "locks", "proof"} <= set(page.ids)
    assert "A price that most items have." in page.text
    assert "not restored" in page.text
    assert "default: 1" in page.text
    assert "ACCESS EXCLUSIVE" in page.text
    assert "everybody, reads too" in page.text


def test_a_finding_stands_below_its_line(report: Path, reviewed: Review) -> None:
    assert reviewed.findings
    finding = next(f for f in reviewed.findings if "0003" in str(f.location.file))
    page = Page.read(report / addresses.migration_page("shop-0003-set-default"))
    name = "down" if "rollback" in finding.location.file.name else "up"
    (line,) = [
        e
        for e in page.elements
        if e.attributes.get("id") == f"{name}-{finding.location.line}"
    ]
    assert finding.rule.name in line.text
    assert finding.message in line.text


def test_a_table_is_shown_with_all_that_hangs_on_it(report: Path) -> None:
    text = Page.read(report / "tables" / "shop.items.html").text
    for shown in (
        "What is for sale.",
        "NULL while nobody has set it.",
        "identity, always",
        "items_price_check",
        "items_name_idx",
        "orders_item_id_fkey",
        "shop.items.find_item",
        "shop.items.sold_names through shop.sold",
        "shop-0003-set-default",
    ):
        assert shown in text, shown


def test_a_query_is_shown_with_its_types_and_its_function(report: Path) -> None:
    page = Page.read(report / "queries" / "shop.items.html")
    assert {"query-find_item", "query-add_item", "query-broken"} <= set(page.ids)
    assert "def add_item(" in page.text
    assert "price: Decimal | None" in page.text
    assert "price numeric may be NULL" in page.text
    assert "column item.nmae does not exist" in page.text


def test_the_picture_of_the_tables_leads_to_them(report: Path) -> None:
    page = Page.read(report / "systems" / "shop.html")
    links = {e.attributes["href"] for e in page.all("a") if "svg" in e.above}
    assert links == {"../tables/shop.items.html", "../tables/shop.orders.html"}


def test_hostile_names_and_sql_are_only_text(tmp_path: Path) -> None:
    write_project(tmp_path)
    quoted = '"' + HOSTILE.replace('"', '""') + '"'
    literal = "'" + HOSTILE.replace("'", "''") + "'"
    path = tmp_path / "migrations" / "shop" / "shop-0004-hostile.sql"
    path.write_text(
        f"-- {HOSTILE}\n"
        f"CREATE TABLE shop.{quoted}"
        f" ({quoted} text DEFAULT {literal}, search text, columns text);\n"
        f'CREATE INDEX {quoted[:30]}_idx" ON shop.{quoted} ({quoted});\n'
        f"COMMENT ON TABLE shop.{quoted} IS {literal};\n"
        f"COMMENT ON COLUMN shop.{quoted}.{quoted} IS {literal};\n"
    )
    path.with_name("shop-0004-hostile.rollback.sql").write_text(
        f"-- {HOSTILE}\nDROP TABLE shop.{quoted};\n"
    )
    (tmp_path / "sql" / "shop" / "latin.sql").write_bytes(
        b"-- name: a()\nSELECT '\xff';"
    )
    (tmp_path / "sql" / "shop" / "hostile.sql").write_text(
        f"-- name: hostile()\n-- {HOSTILE}\nSELECT {literal}::text AS said,"
        f" bad.x FROM shop.{quoted} AS bad;\n"
        "-- name: search()\nSELECT 1 AS one;\n"
    )
    report = tmp_path / "report"
    review = gather(project_at(tmp_path))
    assert [each.reason for each in review.missing] == ["the file is not UTF-8"]
    write_report(review, report)
    pages = pages_of(report)
    check_links(report, pages)
    for path, page in pages.items():
        assert page.faults == [], path.name
        assert len(page.ids) == len(set(page.ids)), path.name
        assert len(page.all("script")) == 2
        assert not page.all("img")
    assert sum(HOSTILE in page.text for page in pages.values()) >= 4
    script = (report / "search-index.js").read_text()
    assert "<" not in script
    assert any(HOSTILE in name for _, name, *_ in index_of(report))
    markdown = (report / "review.md").read_text()
    fences = re.sub(r"^(`{3,}).*?^\1", "", markdown, flags=re.MULTILINE | re.DOTALL)
    spans = re.sub(r"(`+)[^\n]*?[^`]\1(?!`)", "", fences)
    assert "<img" not in spans
    assert "<script" not in spans


def test_an_earlier_reports_pages_go_and_other_files_stay(
    reviewed: Review, tmp_path: Path
) -> None:
    write_report(reviewed, tmp_path)
    table = tmp_path / "tables" / "shop.items.html"
    mine = tmp_path / "tables" / "mine.html"
    mine.write_text("<p>mine</p>")
    assert table.exists()
    write_report(replace(reviewed, tables={}), tmp_path)
    assert not table.exists()
    assert mine.exists()
    (tmp_path / "index.html").write_text("<p>mine</p>")
    with pytest.raises(SettingsError, match="another page"):
        write_report(reviewed, tmp_path)
    assert (tmp_path / "index.html").read_text() == "<p>mine</p>"


def test_names_that_differ_have_pages_that_differ_where_case_does_not_count() -> None:
    names = ["a.b", "A.b", "a.B", "a/b", "a b", "index", "ä", "x" * 200, "x" * 201]
    slugs = [addresses.slug(name).lower() for name in names]
    assert len(set(slugs)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,90}", each) for each in slugs)


def test_colours_can_be_told_apart_in_light_and_in_dark(report: Path) -> None:
    css = (report / "report.css").read_text()
    found = dict(re.findall(r"--([\w-]+): light-dark\((#\w{6}, #\w{6})\)", css))
    inks = ("ink", "muted", "accent", "error", "warning", "notice")
    code = ("keyword", "string", "number", "builtin")
    grounds = ("paper", "raised", "sunk")
    for scheme in (0, 1):
        colour = {name: pair.split(", ")[scheme] for name, pair in found.items()}
        for ground in grounds:
            for ink in (*inks, *code):
                assert contrast(colour[ink], colour[ground]) >= 4.5, (ink, ground)


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
