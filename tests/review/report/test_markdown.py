from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from drystone.catalog import Difference
from drystone.review.report.gathering import gather
from drystone.review.report.markdown import LIMIT, markdown
from drystone.review.report.review import Review
from drystone.review.report.verdicts import verdicts
from tests.review.report.conftest import NOWHERE, project_at, write_project


@pytest.fixture
def text(reviewed: Review) -> str:
    return markdown(reviewed)


def plain(text: str) -> str:
    return re.sub(r"\\([\\`*_{}\[\]<>#|~@!])", r"\1", text)


def test_it_says_what_the_pages_say(reviewed: Review, text: str) -> None:
    said = plain(text)
    for each in verdicts(reviewed):
        assert each.text[1:] in said
        for point in each.points:
            assert point.text in said
    assert reviewed.findings is not None
    for finding in reviewed.findings:
        assert finding.rule.name in said
        assert finding.message in said
    for migration in reviewed.migrations:
        assert f"### `{migration.id}`" in text
        assert migration.up.text.rstrip() in text
    assert "ACCESS EXCLUSIVE on shop.items" in text
    assert "**not restored**" in text
    for table in reviewed.tables or {}:
        assert f"| `{table}` |" in text
    for query in reviewed.queries:
        assert f"- `{query.name}(" in text
    assert "`shop.items.add_item(name text, price numeric?)`" in text


def test_what_is_folded_is_closed_again(text: str) -> None:
    assert text.count("<details>") == text.count("</details>") > 3


def test_a_long_one_keeps_what_matters_and_fits_into_a_comment(
    reviewed: Review,
) -> None:
    migration = reviewed.release.migrations[0]
    long = replace(
        migration, up=replace(migration.up, text=migration.up.text + "-- long\n" * 9999)
    )
    release = replace(reviewed.release, migrations=[long])
    text = markdown(replace(reviewed, release=release))
    assert len(text) < LIMIT
    assert "the migrations' SQL" in text
    assert "| `shop.items` |" in text
    drift = [Difference("table", f"t{n}", "x" * 90, None, "loss") for n in range(999)]
    cut = markdown(replace(reviewed, drift=drift))
    assert len(cut) < LIMIT + 200
    assert cut.count("<details>") == cut.count("</details>")


def test_names_mean_nothing_to_markdown(reviewed: Review) -> None:
    drift = [Difference("table", "a|b`c<img>", "x|y", "`", "loss")]
    text = markdown(replace(reviewed, drift=drift))
    (row,) = [line for line in text.splitlines() if "a\\|b" in line]
    assert row == "| table | `` a\\|b`c<img> `` | `x\\|y` | `` ` `` |"


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    write_project(tmp_path)
    text = plain(markdown(gather(project_at(tmp_path, NOWHERE))))
    assert "Not gathered: database" in text
    assert "Check that the server runs" in text
    assert "not proven" in text
    assert "not traced" in text
