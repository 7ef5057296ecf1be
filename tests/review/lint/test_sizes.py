from __future__ import annotations

import json
from pathlib import Path

import pytest

from drystone.database.session import connect
from drystone.errors import BadInput, Location
from drystone.review.lint.findings import Finding, Rule, Severity
from drystone.review.lint.sizes import Size, Sizes, adjusted
from drystone.settings import Settings

RULE = Rule("a-rule", Severity.WARNING, "Why.", "How.")


def finding(
    severity: Severity = Severity.WARNING, table: str | None = "a.b"
) -> Finding:
    return Finding(RULE, Location(Path("1.sql"), 1), severity, "a lock", table)


@pytest.mark.parametrize(
    ("rows", "before", "after"),
    [
        (9_999, Severity.ERROR, Severity.WARNING),
        (9_999, Severity.WARNING, Severity.NOTICE),
        (9_999, Severity.NOTICE, Severity.NOTICE),
        (10_000, Severity.WARNING, Severity.WARNING),
        (999_999, Severity.WARNING, Severity.WARNING),
        (1_000_000, Severity.NOTICE, Severity.WARNING),
        (1_000_000, Severity.WARNING, Severity.ERROR),
        (1_000_000, Severity.ERROR, Severity.ERROR),
    ],
)
def test_the_size_of_the_table_decides_how_bad_it_is(
    rows: int, before: Severity, after: Severity
) -> None:
    sizes = Sizes({"a.b": Size(rows, 1000)})
    assert adjusted(finding(before), sizes).severity is after


def test_few_rows_that_are_fat_are_not_small() -> None:
    sizes = Sizes({"a.b": Size(5000, 20_000_000_000)})
    assert adjusted(finding(), sizes).severity is Severity.WARNING


def test_a_finding_stays_as_it_is_where_nothing_is_known() -> None:
    sizes = Sizes({"a.other": Size(5)})
    assert adjusted(finding(), sizes) == finding()
    assert adjusted(finding(table=None), Sizes({"a.b": Size(5)})) == finding(table=None)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (0, "about 0 rows"),
        (1, "about 1 row"),
        (3_400, "about 3,400 rows"),
        (999_999, "about 999,999 rows"),
        (12_345_678, "about 12 million rows"),
        (140_000_000, "about 140 million rows"),
        (1_250_000_000, "about 1.2 billion rows"),
    ],
)
def test_the_message_tells_the_size_in_words(rows: int, words: str) -> None:
    changed = adjusted(finding(), Sizes({"a.b": Size(rows)}))
    assert changed.message == f"a lock (a.b has {words})"


def test_the_database_is_asked_for_estimates_and_partitions_count_together(
    empty_url: str, settings: Settings, tmp_path: Path
) -> None:
    with connect(empty_url, settings) as connection:
        connection.execute(
            """
            CREATE SCHEMA shop;
            CREATE TABLE shop.orders (id bigint);
            INSERT INTO shop.orders SELECT * FROM pg_catalog.generate_series(1, 12000);
            CREATE TABLE shop.never_analysed (id bigint);
            CREATE TABLE shop.days (day int) PARTITION BY LIST (day);
            CREATE TABLE shop.days_1 PARTITION OF shop.days FOR VALUES IN (1);
            CREATE TABLE shop.days_2 PARTITION OF shop.days FOR VALUES IN (2);
            INSERT INTO shop.days VALUES (1), (1), (2);
            ANALYZE shop.orders, shop.days_1, shop.days_2
            """
        )
        sizes = Sizes.of(connection)
    assert sizes.rows("shop.orders") == 12_000
    assert sizes.rows("shop.days") == 3
    assert sizes.get("shop.never_analysed") is None
    assert not any(name.startswith(("pg_", "information")) for name in sizes.tables)
    path = tmp_path / "sizes.json"
    path.write_text(json.dumps(sizes.export()))
    assert Sizes.read(path) == sizes


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not JSON"),
        ("[]", 'no "tables"'),
        ('{"tables": []}', 'no "tables"'),
        ('{"tables": {"a.b": 3}}', "statistics of a.b"),
        ('{"tables": {"a.b": {"rows": "many"}}}', "statistics of a.b"),
        ('{"tables": {"a.b": {"rows": 3, "bytes": -1}}}', "statistics of a.b"),
        ('{"tables": {"a.b": {"rows": true}}}', "statistics of a.b"),
    ],
)
def test_a_malformed_file_of_sizes_is_refused(
    tmp_path: Path, text: str, problem: str
) -> None:
    path = tmp_path / "sizes.json"
    path.write_text(text)
    with pytest.raises(BadInput, match=problem) as caught:
        Sizes.read(path)
    assert caught.value.location is not None
    assert caught.value.location.file == path


def test_a_file_of_sizes_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        Sizes.read(tmp_path / "none.json")
