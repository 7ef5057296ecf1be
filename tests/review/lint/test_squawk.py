from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from drystone.errors import DrystoneError
from drystone.migrations.files import SqlFile
from drystone.review.lint import advice, squawk
from drystone.review.lint.findings import Finding, Severity


def file(text: str, name: str = "1.sql") -> SqlFile:
    return SqlFile(Path("/migrations") / name, text)


def check(*files: SqlFile) -> list[Finding]:
    """Ask squawk, each file being a release of its own."""
    created = {each.path: squawk.made_by(each.statements) for each in files}
    return squawk.check(files, created=created)


def names(*files: SqlFile) -> list[str]:
    return [each.rule.name for each in check(*files)]


def test_a_finding_has_the_place_that_an_editor_shows() -> None:
    text = "SELECT 'ä→';\n\nSELECT 'ü'; ALTER TABLE ö.a ALTER b DROP EXPRESSION;\n"
    found = next(f for f in check(file(text)) if f.rule.name == "expression-dropped")
    place = found.location
    assert (place.line, place.column) == (3, text.split("\n")[2].index("DROP") + 1)
    assert place.file == Path("/migrations/1.sql")
    assert found.message.startswith("ö.a: ")
    assert found.severity is Severity.WARNING


def test_many_files_are_read_at_once_and_told_apart() -> None:
    every = [
        file(f"ALTER VIEW a.v{number} RENAME TO w;", f"{number}.sql")
        for number in range(20)
    ]
    found = [each for each in check(*every) if each.rule.name == "object-renamed"]
    assert {each.location.file for each in found} == {each.path for each in every}
    assert all(f"a.v{each.location.file.stem}:" in each.message for each in found)


def test_only_a_file_that_runs_outside_of_a_transaction_should_be_rerunnable() -> None:
    inside = file("DROP VIEW shop.v;\nCREATE TABLE shop.a ();", "1.sql")
    outside = file("DROP INDEX CONCURRENTLY shop.a_idx;", "2.sql")
    found = [f for f in check(inside, outside) if f.rule.name == "not-rerunnable"]
    assert [each.location.file for each in found] == [outside.path]


def test_what_the_same_release_made_may_be_changed_and_renamed() -> None:
    change = (
        "ALTER VIEW s.v RENAME TO w; ALTER FUNCTION s.f() RENAME TO g;\n"
        "ALTER TABLE s.a ALTER b DROP EXPRESSION; ALTER TABLE s.a RENAME c TO d;"
    )
    assert {"expression-dropped", "object-renamed"} <= set(names(file(change)))
    made = (
        "CREATE VIEW s.v AS SELECT 1;\n"
        "CREATE FUNCTION s.f() RETURNS int LANGUAGE sql RETURN 1;\n"
        "CREATE TABLE s.a (b int GENERATED ALWAYS AS (1) STORED, c text);\n"
    )
    assert set(names(file(made + change))) == {"integer-type"}


def test_what_a_release_made_in_another_file_is_as_new() -> None:
    later = file("ALTER VIEW s.v RENAME TO w;", "2.sql")
    made = squawk.made_by(file("CREATE VIEW s.v AS SELECT 1;").statements)
    found = squawk.check([later], created={later.path: made})
    assert "object-renamed" not in [each.rule.name for each in found]


def test_nobody_is_told_to_write_if_not_exists_for_an_index_built_concurrently() -> (
    None
):
    assert names(file("CREATE INDEX CONCURRENTLY a_idx ON shop.a (b);")) == []


def test_nobodys_configuration_and_no_comment_changes_what_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".squawk.toml").write_text('excluded_rules = ["renaming-object"]\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    text = "-- squawk-ignore-file\n-- squawk-ignore\nALTER VIEW s.v RENAME TO w;"
    (found,) = [e for e in check(file(text)) if e.rule.name == "object-renamed"]
    assert found.location.line == 3


def test_what_only_squawks_parser_refuses_is_nobodys_mistake() -> None:
    text = "SELECT * FROM ag_catalog.cypher('g', $$ RETURN 1 $$) AS (a agtype);"
    assert names(file(text)) == []


def test_no_files_need_no_squawk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(squawk, "_binary", lambda: pytest.fail("it was looked for"))
    assert check() == []


def test_a_missing_squawk_is_an_error_that_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(
        "drystone.review.lint.squawk.sysconfig.get_path", lambda _: str(tmp_path)
    )
    with pytest.raises(DrystoneError, match="squawk is not installed") as caught:
        check(file("SELECT 1;"))
    assert "drystone[review]" in (caught.value.hint or "")


def test_a_squawk_that_fails_is_an_error_in_its_own_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "squawk"
    broken.write_text("#!/bin/sh\necho 'no such option' >&2\nexit 2\n")
    broken.chmod(0o755)
    monkeypatch.setattr(
        "drystone.review.lint.squawk.sysconfig.get_path", lambda _: str(tmp_path)
    )
    with pytest.raises(DrystoneError, match="squawk failed: no such option"):
        check(file("SELECT 1;"))


def test_every_name_is_one_of_squawks(tmp_path: Path) -> None:
    """A misspelt alias would never be silenced, and never be found."""
    (tmp_path / "1.sql").write_text("SELECT 1;")
    aliases = {alias for rule in advice.RULES for alias in rule.aliases}
    known = {alias.removeprefix(squawk.PREFIX) for alias in aliases} | squawk.OPT_IN
    excluded = [part for name in known for part in ("--exclude", name)]
    program = Path(sys.executable).with_name("squawk")
    subprocess.run([program, *excluded, "1.sql"], cwd=tmp_path, check=True)
