"""Formats: each is valid for its readers, and loses nothing on the way."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import jsonschema
import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st

from drystone.errors import Location
from drystone.review.lint.findings import Finding, Rule, Severity
from drystone.review.lint.formats import FORMATS, report

SCHEMAS = Path(__file__).parent / "schemas"
JUNIT = xmlschema.XMLSchema10(SCHEMAS / "junit-10.xsd")
ROOT = Path("/project")
ORDERS = ROOT / "migrations" / "shop-0002-add-index.sql"
NOTES = ROOT / "sql" / "größe, 100%: a&b.sql"
CLEAN = ROOT / "sql" / "clean.sql"

INDEX = Rule(
    "concurrent-index",
    Severity.ERROR,
    "CREATE INDEX blocks writes",
    "Build it CONCURRENTLY, alone in its file.",
    ("squawk:require-concurrent-index-creation", "eugene:E6"),
)
STAR = Rule("select-star", Severity.WARNING, "A star", "List the columns.")
HOSTILE = '100% <b>&amp; "it\'s"\r\n::error::größe, a:b\t\x00\x1b[31m\u2028]]> \ufffe'


def finding(
    rule: Rule = INDEX,
    *,
    file: Path = ORDERS,
    line: int = 3,
    severity: Severity | None = None,
    message: str = "this blocks writes to shop.orders",
) -> Finding:
    place = Location(file, line, 5)
    return Finding(rule, place, severity or rule.severity, message)


FINDINGS = [
    finding(),
    finding(line=12, severity=Severity.WARNING),
    finding(STAR, file=NOTES, message=HOSTILE),
    finding(STAR, file=NOTES, severity=Severity.NOTICE, message="a small one"),
]
FILES = [ORDERS, NOTES, CLEAN]

findings = st.lists(
    st.builds(
        finding,
        st.builds(
            Rule,
            st.sampled_from(["one", "two"]),
            st.sampled_from(Severity),
            st.text(min_size=1),
            st.text(min_size=1),
        ),
        file=st.text(
            st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1
        ).map(lambda name: ROOT / f"{name}.sql"),
        line=st.integers(1, 10_000),
        severity=st.sampled_from(Severity),
        message=st.text(st.characters(codec="utf-8"), min_size=1),
    ),
    max_size=4,
)


def written(kind: str, found: list[Finding], files: list[Path] | None = None) -> str:
    return FORMATS[kind](found, files=FILES if files is None else files, root=ROOT)


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def validator(schema: str) -> Any:
    loaded = json.loads((SCHEMAS / schema).read_text())
    found = jsonschema.validators.validator_for(loaded)
    found.check_schema(loaded)
    return found(loaded)


def validate(document: Any, schema: str) -> None:
    validator(schema).validate(document)


def parsed(text: str) -> ET.Element:
    JUNIT.validate(text)
    return ET.fromstring(text)  # noqa: S314, it is our own


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Read GitHub's workflow commands back."""

    def plain(value: str, codes: dict[str, str]) -> str:
        return re.sub("%(25|0D|0A|3A|2C)", lambda code: codes[code[1]], value)

    in_text = {"25": "%", "0D": "\r", "0A": "\n", "3A": "%3A", "2C": "%2C"}
    in_property = in_text | {"3A": ":", "2C": ","}
    read = []
    for line in re.split(r"\r\n|\r|\n", text)[:-1]:
        command = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line, re.DOTALL)
        assert command, line
        pairs = (pair.split("=", 1) for pair in command[2].split(","))
        properties = {name: plain(value, in_property) for name, value in pairs}
        read.append((command[1], properties, plain(command[3], in_text)))
    return read


def test_json_is_the_documented_contract() -> None:
    (first, *rest) = json.loads(written("json", FINDINGS))["findings"]
    assert first == {
        "rule": "concurrent-index",
        "aliases": ["squawk:require-concurrent-index-creation", "eugene:E6"],
        "file": "migrations/shop-0002-add-index.sql",
        "line": 3,
        "severity": "error",
        "message": "this blocks writes to shop.orders",
        "help": "Build it CONCURRENTLY, alone in its file.",
    }
    assert [each["message"] for each in rest[1:]] == [HOSTILE, "a small one"]


@pytest.mark.parametrize("found", [FINDINGS, []], ids=["some", "none"])
def test_sarif_is_valid_and_every_result_has_its_rule(found: list[Finding]) -> None:
    document = json.loads(written("sarif", found))
    validate(document, "sarif-2.1.0.json")
    (run,) = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    for result, each in zip(run["results"], found, strict=True):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == each.rule.name
        place = result["locations"][0]["physicalLocation"]
        assert unquote(place["artifactLocation"]["uri"]) == shown(each.location.file)
        assert place["region"]["startLine"] == each.location.line
    assert len(run["artifacts"]) == len(FILES)


def test_a_broken_sarif_document_is_not_valid() -> None:
    document = json.loads(written("sarif", FINDINGS))
    document["runs"][0]["results"][0]["level"] = "notice"
    with pytest.raises(jsonschema.ValidationError):
        validate(document, "sarif-2.1.0.json")


@pytest.mark.parametrize("found", [FINDINGS, []], ids=["some", "none"])
def test_gitlab_is_valid(found: list[Finding]) -> None:
    document = json.loads(written("gitlab", found))
    validate(document, "gitlab-code-quality.json")
    assert [each["location"]["path"] for each in document] == [
        shown(each.location.file) for each in found
    ]
    assert [each["severity"] for each in document] == (
        ["critical", "major", "major", "info"] if found else []
    )


def test_a_finding_keeps_its_fingerprint_when_its_line_moves(tmp_path: Path) -> None:
    file = tmp_path / "shop.sql"
    line = "CREATE INDEX ON shop.orders (id);"

    def marks(text: str, *lines: int) -> list[str]:
        file.write_text(text)
        found = [finding(file=file, line=number) for number in lines]
        listed = json.loads(FORMATS["gitlab"](found, files=[file], root=tmp_path))
        (run,) = json.loads(FORMATS["sarif"](found, files=[file], root=tmp_path))[
            "runs"
        ]
        partial = [each["partialFingerprints"] for each in run["results"]]
        fingerprints = [str(each["fingerprint"]) for each in listed]
        assert [*map(list, map(dict.values, partial))] == [[m] for m in fingerprints]
        return fingerprints

    before = marks(f"{line}\n{line}\nSELECT 1;\n", 1, 2, 3)
    assert len(set(before)) == 3
    assert marks(f"-- more\n\n{line}\n  {line}\n\nSELECT 1;\n", 3, 4, 6) == before
    assert marks(f"{line}\n{line}\nSELECT 2;\n", 3) != before[2:]


def test_a_junit_test_case_stands_for_each_file() -> None:
    text = written("junit", FINDINGS)
    suite = parsed(text)[0]
    cases = {case.get("name"): case for case in suite}
    assert list(cases) == [shown(file) for file in FILES]
    assert suite.get("tests") == "3"
    assert suite.get("failures") == "2"
    assert len(cases[shown(CLEAN)]) == 0
    failure = cases[shown(ORDERS)][0]
    assert failure.get("message") == "1 error, 1 warning"
    assert (failure.text or "").count("line ") == 2


def test_a_file_with_nothing_but_notices_passes_in_junit() -> None:
    text = written("junit", FINDINGS[3:])
    assert parsed(text).get("failures") == "0"
    assert "a small one" in text


@settings(deadline=None, max_examples=40)
@given(findings)
def test_no_text_breaks_a_document(found: list[Finding]) -> None:
    validate(json.loads(written("sarif", found, [])), "sarif-2.1.0.json")
    validate(json.loads(written("gitlab", found, [])), "gitlab-code-quality.json")
    listed = json.loads(written("json", found, []))["findings"]
    assert [each["message"] for each in listed] == [each.message for each in found]
    text = written("junit", found, [])
    assert len(parsed(text)[0]) == len({each.location.file for each in found})


@settings(deadline=None, max_examples=40)
@given(findings)
def test_githubs_commands_say_the_same_when_read_back(found: list[Finding]) -> None:
    assert commands(written("github", found)) == [
        (
            each.severity.value,
            {
                "file": shown(each.location.file),
                "line": str(each.location.line),
                "title": each.rule.name,
            },
            f"{each.message}\n{each.rule.help}",
        )
        for each in found
    ]


@settings(deadline=None, max_examples=40)
@given(findings)
def test_text_has_no_letter_that_a_terminal_obeys(found: list[Finding]) -> None:
    text = written("text", found)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)


def test_text_tells_by_file_and_helps_once_for_each_rule(tmp_path: Path) -> None:
    file = tmp_path / "shop.sql"
    file.write_text("SELECT 1;\n\n    CREATE INDEX ON shop.orders (id);\n")
    found = [finding(file=file), finding(file=file, line=1, severity=Severity.NOTICE)]
    text = FORMATS["text"](found, files=[file, CLEAN], root=tmp_path)
    assert text == (
        "shop.sql\n"
        "  1: notice concurrent-index: this blocks writes to shop.orders\n"
        "       SELECT 1;\n"
        "  3: error concurrent-index: this blocks writes to shop.orders\n"
        "       CREATE INDEX ON shop.orders (id);\n"
        "\n"
        "What helps\n"
        "  concurrent-index (squawk:require-concurrent-index-creation, eugene:E6)\n"
        "    Build it CONCURRENTLY, alone in its file.\n"
        "\n"
        "1 error, 1 notice in 2 files\n"
    )


@pytest.mark.parametrize("width", [80, 160])
def test_text_fits_a_terminal(width: int, tmp_path: Path) -> None:
    file = tmp_path / "shop.sql"
    file.write_text("SELECT " + ", ".join(f"column_{i}" for i in range(50)))
    long = finding(STAR, file=file, line=1, message="much is said of this " * 20)
    text = report([long], files=[file], root=tmp_path, width=width)
    lines = text.plain.split("\n")
    assert max(map(len, lines)) in range(width - 20, width + 1)
    assert any(span.style == "yellow" for span in text.spans)
    assert " ".join(text.plain.split()).count("much is said of this") == 20


def test_text_is_friendly_where_there_is_nothing() -> None:
    assert written("text", []) == "Nothing to object to in 3 files.\n"
    assert written("text", [], [CLEAN]) == "Nothing to object to in 1 file.\n"
    assert written("text", [], []) == "There is nothing to check here.\n"


def test_a_file_outside_the_root_keeps_its_whole_path() -> None:
    outside = finding(file=Path("/elsewhere/a b.sql"))
    assert json.loads(written("json", [outside]))["findings"][0]["file"] == (
        "/elsewhere/a b.sql"
    )
    assert '"file:///elsewhere/a%20b.sql"' in written("sarif", [outside])
