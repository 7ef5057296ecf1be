"""Texts that mean the same, and values that may differ a little."""

from __future__ import annotations

import pytest

from drystone.catalog import Snapshot
from drystone.ops.backup.comparison import compare_catalogs

TRIGGER = (
    "CREATE TRIGGER a BEFORE UPDATE ON t FOR EACH ROW WHEN ({}) EXECUTE FUNCTION f()"
)
BODY = "BEGIN ATOMIC\n SELECT {};\nEND"


@pytest.mark.parametrize(
    ("template", "dumped", "restored"),
    [
        (TRIGGER, "(((a > 1) AND (b)) AND (c))", "((a > 1) AND (b) AND (c))"),
        (TRIGGER, "a OR (b OR (c AND (d AND e)))", "(a OR b) OR ((c AND d) AND e)"),
        (BODY, "'x'::text", "'x'::text AS text"),
        ("CHECK ({})", "(a AND b) AND c", "a AND (b AND c)"),
    ],
)
def test_brackets_and_names_that_change_nothing_are_no_difference(
    template: str, dumped: str, restored: str
) -> None:
    assert differ(template, dumped, restored) == []


@pytest.mark.parametrize(
    ("template", "dumped", "restored"),
    [
        (TRIGGER, "(a OR b) AND c", "a OR (b AND c)"),
        (TRIGGER, "NOT (a AND b)", "(NOT a) AND b"),
        (TRIGGER, "a AND b", "b AND a"),
        (BODY, "'x'::text", "'x'::text AS word"),
        ("{}", "no SQL at all", "no SQL at  all"),
    ],
)
def test_whatever_may_mean_something_else_is_one_and_is_shown_as_it_is(
    template: str, dumped: str, restored: str
) -> None:
    (difference,) = differ(template, dumped, restored)
    assert restored in difference


def differ(template: str, dumped: str, restored: str) -> list[str]:
    backup, database = (
        Snapshot({("trigger", "a"): {"definition": template.format(text)}})
        for text in (dumped, restored)
    )
    return [str(each.after) for each in compare_catalogs(backup, database)]
