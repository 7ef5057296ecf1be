"""docs/lint.md names every rule, and its examples are what it says they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from drystone.review.lint import advice, migrations
from drystone.review.lint.findings import Finding, Severity
from drystone.review.lint.linting import RULES, lint
from drystone.review.lint.sizes import Size, Sizes

TEXT = (Path(__file__).parents[3] / "docs" / "lint.md").read_text(encoding="utf-8")
SECTION = re.compile(r"^### ([\w-]+)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
SECTIONS = dict(SECTION.findall(TEXT))
BY_NAME = {rule.name: rule for rule in RULES}
BLOCK = re.compile(r"^```sql\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FIRST = BLOCK.findall(TEXT.partition("\n# Rules\n")[2])[0]
FILE = re.compile(r"^-- file: (\S+)\n", re.MULTILINE)
STATISTICS = "`--statistics`"
ROLE = re.compile(r"`--service-role (\w+)`")

EUGENE = {
    *(f"eugene:E{number}" for number in (*range(1, 12), 15)),
    *(f"eugene:W{number}" for number in (12, 13, 14)),
}
# On by default in squawk 2.70; the last is on for PostgreSQL 19.
SQUAWK = """
adding-field-with-default adding-foreign-key-constraint adding-not-nullable-field
adding-required-field adding-serial-primary-key-field
ban-alter-domain-with-add-constraint ban-alter-identity ban-char-field
ban-concurrent-index-creation-in-transaction ban-create-domain-with-constraint
ban-drop-column ban-drop-constraint ban-drop-database ban-drop-default ban-drop-domain
ban-drop-extension ban-drop-function ban-drop-generated-expression ban-drop-not-null
ban-drop-schema ban-drop-sequence ban-drop-table ban-drop-type ban-drop-view
ban-duplicate-column-assignments ban-set-schema ban-truncate-cascade
ban-uncommitted-transaction changing-column-type constraint-missing-not-valid
disallowed-unique-constraint identifier-too-long prefer-bigint-over-int
prefer-bigint-over-smallint prefer-identity prefer-robust-stmts prefer-text-field
prefer-timestamp-tz renaming-column renaming-object renaming-table
require-concurrent-index-creation require-concurrent-index-deletion
require-concurrent-partition-detach require-concurrent-reindex
require-enum-value-ordering require-lock-timeout require-statement-timeout
syntax-error transaction-nesting unused-ignore prefer-repack
"""


def findings(folder: Path, block: str, section: str) -> list[Finding]:
    """Lint the files of an example, each a release of its own."""
    pieces = FILE.split(block)
    assert not pieces[0].strip(), "an example begins with the name of a file"
    files = dict(zip(pieces[1::2], pieces[2::2], strict=True))
    for name, text in ({"1.sql": FIRST} | files).items():
        (folder / name).write_text(text)
    role = ROLE.search(section)
    return lint(
        [],
        [],
        paths=[folder],
        sizes=Sizes({"shop.items": Size(200_000)}) if STATISTICS in section else None,
        service_role=role[1] if role else None,
    ).findings


@pytest.mark.parametrize("name", SECTIONS)
def test_the_bad_example_breaks_the_rule(name: str, tmp_path: Path) -> None:
    bad, _ = BLOCK.findall(SECTIONS[name])
    last = FILE.findall(bad)[-1]
    found = findings(tmp_path, bad, SECTIONS[name])
    broken = [each for each in found if each.rule.name == name]
    assert last in {each.location.file.name for each in broken}


@pytest.mark.parametrize("name", SECTIONS)
def test_the_good_example_leaves_nothing_to_worry_about(
    name: str, tmp_path: Path
) -> None:
    _, good = BLOCK.findall(SECTIONS[name])
    found = findings(tmp_path, good, SECTIONS[name])
    worrying = [each for each in found if each.severity is not Severity.NOTICE]
    assert not worrying
    assert not [each for each in found if each.rule.name == name]


def test_the_document_names_exactly_the_rules() -> None:
    headings = re.findall(r"^### (.+)$", TEXT, re.MULTILINE)
    assert sorted(headings) == sorted(BY_NAME)


@pytest.mark.parametrize("name", SECTIONS)
def test_severity_and_aliases_are_the_rules_own(name: str) -> None:
    rule = BY_NAME[name]
    aliases = ", ".join(f"`{alias}`" for alias in rule.aliases)
    line = SECTIONS[name].strip().partition("\n")[0]
    assert line == " · ".join(filter(None, (rule.severity.value, aliases)))
    assert rule.summary in " ".join(SECTIONS[name].split())


def test_every_rule_of_squawk_and_eugene_is_an_alias_of_one() -> None:
    aliases = {alias for rule in RULES for alias in rule.aliases}
    wanted = EUGENE | {f"squawk:{name}" for name in SQUAWK.split()}
    assert wanted - aliases == set()


def test_names_of_rules_are_unique() -> None:
    assert len(BY_NAME) == len(RULES)


def test_no_rule_of_squawk_is_looked_after_twice() -> None:
    passed_on = {alias for rule in advice.RULES for alias in rule.aliases}
    own = {alias for rule in migrations.RULES for alias in rule.aliases}
    assert passed_on & own == set()
