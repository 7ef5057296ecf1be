from __future__ import annotations

from pathlib import Path

import pytest

from drystone.errors import Location
from drystone.migrations.files import SqlFile
from drystone.queries.reading.annotations import read_annotations
from drystone.queries.reading.lexer import parse_queries
from drystone.review.lint.findings import Finding, Rule, Severity
from drystone.review.lint.ignores import RULES, Names, silenced

DROP = Rule("table-dropped", Severity.ERROR, "Why.", "How.", ("squawk:ban-drop-table",))
SCAN = Rule("scan", Severity.ERROR, "Why.", "How.", ("eugene:E1", "squawk:scans"))
NAMES = Names([DROP, SCAN, *RULES], known=["ban-revoke"])
PATH = Path("1.sql")


def left(text: str, *found: tuple[Rule, int]) -> list[tuple[str, int]]:
    """Return the rules and lines that remain of findings in a text."""
    findings = [
        Finding(rule, Location(PATH, line), rule.severity, "so") for rule, line in found
    ]
    remaining = silenced(findings, [SqlFile(PATH, text)], NAMES)
    return [(each.rule.name, each.location.line) for each in remaining]


@pytest.mark.parametrize(
    "comment",
    [
        "-- drystone: ignore table-dropped: nobody reads it",
        "-- drystone: ignore scan, table-dropped: nobody reads it",
        "-- drystone: ignore ban-drop-table: nobody reads it",
        "-- drystone: ignore squawk:ban-drop-table",
        "-- drystone: ignore-file table-dropped: a test",
        "--squawk-ignore ban-drop-table",
        "-- squawk-ignore scans, ban-drop-table",
        "-- squawk-ignore table-dropped",
        "/* squawk-ignore ban-drop-table */",
        "-- squawk-ignore",
        "-- squawk-ignore-file",
        "-- squawk-ignore-file ban-drop-table",
        "-- eugene: ignore",
        "-- eugene: ignore table-dropped",
    ],
)
def test_a_comment_above_a_statement_silences_it_by_any_name(comment: str) -> None:
    text = f"{comment}\n\nDROP TABLE a;\n"
    assert ("table-dropped", 3) not in left(text, (DROP, 3))


def test_eugenes_ids_are_names_too_in_upper_or_lower_case() -> None:
    assert left("-- eugene: ignore E1\nSELECT 1;", (SCAN, 2)) == []
    assert left("-- drystone: ignore eugene:e1\nSELECT 1;", (SCAN, 2)) == []


def test_only_the_statement_below_is_meant() -> None:
    text = "DROP TABLE a;\n-- squawk-ignore scans\nSELECT 2;\nSELECT 3;"
    found = [(SCAN, 1), (SCAN, 3), (SCAN, 4)]
    assert left(text, *found) == [("scan", 1), ("scan", 4)]


def test_a_comment_inside_or_behind_a_statement_is_its_own() -> None:
    inside = "DROP TABLE\n    a, -- drystone: ignore table-dropped: old\n    b;\n"
    assert left(inside, (DROP, 1)) == []
    behind = "DROP TABLE a; -- drystone: ignore table-dropped: old\nDROP TABLE b;\n"
    assert left(behind, (DROP, 1), (DROP, 2)) == [("table-dropped", 2)]


def test_other_comments_may_stand_in_between() -> None:
    text = "-- eugene: ignore E1\n-- This is why.\nALTER TABLE a\n  ADD b int;"
    assert left(text, (SCAN, 3), (SCAN, 4)) == []


def test_the_body_of_a_function_is_one_statement() -> None:
    text = (
        "-- drystone: ignore scan: it is quick\n"
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC\n  SELECT 1;\n  SELECT 2;\nEND;\n"
        "SELECT 1;"
    )
    assert left(text, (SCAN, 4), (SCAN, 6)) == [("scan", 6)]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT '\n-- drystone: ignore-file scan: no\n';",
        "DO $$\n-- squawk-ignore-file\nBEGIN END $$;",
        "DO $x$ -- drystone: ignore scan: no\n$x$;",
        '-- the words "squawk-ignore scan" in a sentence\nSELECT 1;',
    ],
)
def test_strings_dollar_quotes_and_sentences_silence_nothing(text: str) -> None:
    assert left(text, (SCAN, 1)) == [("scan", 1)]


def test_what_silences_nothing_is_a_notice_and_an_unknown_name_a_warning() -> None:
    text = "-- drystone: ignore scan, no-such-rule: why\nSELECT 1;"
    found = silenced([], [SqlFile(PATH, text)], NAMES)
    assert [(f.rule.name, f.severity, f.location.line) for f in found] == [
        ("unused-ignore", Severity.NOTICE, 1),
        ("unknown-ignore", Severity.WARNING, 1),
    ]
    assert "no-such-rule" in found[1].message


def test_drystones_own_comment_must_name_a_rule() -> None:
    text = "-- drystone: ignore\nDROP TABLE a;"
    assert left(text, (DROP, 2)) == [("table-dropped", 2), ("unknown-ignore", 1)]


def test_rules_that_squawk_has_and_lint_has_not_may_be_named() -> None:
    assert left("-- squawk-ignore ban-revoke\nREVOKE x FROM y;") == []


def test_unused_comments_can_be_silenced_as_well() -> None:
    text = (
        "-- drystone: ignore-file unused-ignore: moved from squawk\n"
        "-- squawk-ignore ban-drop-table\nSELECT 1;"
    )
    assert left(text) == []


def test_a_comment_may_stand_above_a_querys_name_or_below_it() -> None:
    query = "-- name: one()\n-- {}\n-- Counts.\nSELECT\n    1;\n"
    text = (
        query.format("drystone: ignore scan: small")
        + "\n-- drystone: ignore scan: small\n"
        + query.format("It").replace("one", "two")
        + query.format("It").replace("one", "three")
    )
    found = [(SCAN, 1), (SCAN, 4), (SCAN, 8), (SCAN, 13), (SCAN, 16)]
    assert left(text, *found) == [("scan", 13), ("scan", 16)]


def test_lines_are_counted_behind_letters_of_several_bytes() -> None:
    text = "SELECT 'ä→ö';\nSELECT 2; -- drystone: ignore scan: ä\nSELECT 3;"
    assert left(text, (SCAN, 1), (SCAN, 2), (SCAN, 3)) == [("scan", 1), ("scan", 3)]


def test_a_file_that_does_not_parse_is_cut_at_its_semicolons() -> None:
    text = "-- drystone: ignore scan: why\nSELEC 1;\nSELEC 2;"
    assert left(text, (SCAN, 2), (SCAN, 3)) == [("scan", 3)]


def test_comments_that_silence_are_no_documentation_of_a_query() -> None:
    text = (
        "-- name: one()\n-- Counts.\n-- drystone: ignore scan: small\n"
        "-- squawk-ignore scans\n-- eugene: ignore E1\n-- It ignores nothing.\n"
        "SELECT 1;\n"
    )
    (query,) = parse_queries(text, path=PATH)
    assert read_annotations(query).documentation == "Counts.\nIt ignores nothing."
