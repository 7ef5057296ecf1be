from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from drystone.errors import BadInput
from drystone.review.lint.findings import Finding, Severity
from drystone.review.lint.linting import RULES, lint
from drystone.review.lint.sizes import Size, Sizes
from drystone.systems import shipped

TABLE = "CREATE TABLE shop.items (id bigint PRIMARY KEY, name text);\n"
INDEX = "CREATE INDEX items_name_idx ON shop.items (name);\n"

Write = Callable[..., None]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An empty project with a folder of migrations and one of queries."""
    (tmp_path / "migrations" / "shop").mkdir(parents=True)
    (tmp_path / "sql" / "shop").mkdir(parents=True)
    return tmp_path


@pytest.fixture
def write(project: Path) -> Write:
    """Write files, by their paths in the project."""

    def files(**texts: str | bytes) -> None:
        for name, text in texts.items():
            folder = "sql" if name.startswith("q_") else "migrations"
            path = project / folder / "shop" / f"{name.replace('__', '.')}.sql"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())

    return files


def found(project: Path, **options: object) -> list[tuple[str, str, int]]:
    """Return file, rule and line of all that is worse than a notice."""
    return [
        (each.location.file.name, each.rule.name, each.location.line)
        for each in findings(project, **options)
        if each.severity is not Severity.NOTICE
    ]


def findings(project: Path, **options: object) -> list[Finding]:
    return lint([project / "migrations"], [project / "sql"], **options).findings  # type: ignore[arg-type]


def test_earlier_files_are_known(project: Path, write: Write) -> None:
    write(m1=TABLE, m2=INDEX)
    assert found(project) == [("m2.sql", "index-blocks-writes", 1)]
    write(m1=TABLE + INDEX, m2="SELECT 1;")
    assert found(project) == []


def test_ways_back_are_linted_for_what_makes_clients_wait(
    project: Path, write: Write
) -> None:
    write(m1=TABLE, m2__rollback="DROP INDEX shop.items_name_idx;", m2="SELECT 1;")
    assert found(project) == [("m2.rollback.sql", "index-drop-blocks", 1)]


def test_dependencies_come_first_whatever_the_names_say(
    project: Path, write: Write
) -> None:
    write(m1="-- depends: m2\n" + INDEX, m2=TABLE)
    assert found(project) == [("m1.sql", "index-blocks-writes", 2)]


def test_queries_meet_the_schema_of_the_migrations(project: Path, write: Write) -> None:
    query = "-- name: names()\n-- All of them.\nSELECT name FROM items;\n"
    write(m1="CREATE SCHEMA shop;" + TABLE, q_items=query)
    assert found(project) == [("q_items.sql", "unqualified-table", 3)]
    silent = query.replace(
        "\nSELECT", "\n-- drystone: ignore unqualified-table: one\nSELECT"
    )
    write(q_items=silent)
    assert findings(project) == []


def test_views_that_run_again_are_part_of_the_schema(
    project: Path, write: Write
) -> None:
    folder = project / "migrations" / "shop" / "repeatable"
    folder.mkdir()
    (folder / "names.sql").write_text(
        "CREATE OR REPLACE VIEW shop.names AS SELECT name FROM shop.items;"
    )
    query = "-- name: all_names()\n-- All.\nSELECT name FROM names;\n"
    write(m1="CREATE SCHEMA shop;" + TABLE, q_items=query)
    assert found(project) == [("q_items.sql", "unqualified-table", 3)]


def test_what_squawk_says_and_what_comments_silence_are_part_of_it(
    project: Path, write: Write
) -> None:
    write(
        m1="CREATE VIEW shop.v AS SELECT 1 AS a;", m2="ALTER VIEW shop.v RENAME TO w;"
    )
    assert found(project) == [("m2.sql", "object-renamed", 1)]
    write(m2="-- squawk-ignore renaming-object\nALTER VIEW shop.v RENAME TO w;")
    assert findings(project) == []


def test_a_comment_that_silences_nothing_is_said(project: Path, write: Write) -> None:
    write(m1="-- drystone: ignore index-blocks-writes: new\n" + TABLE)
    (notice,) = findings(project)
    assert (notice.rule.name, notice.severity) == ("unused-ignore", Severity.NOTICE)


def test_the_size_of_the_table_decides(project: Path, write: Write) -> None:
    write(m1=TABLE, m2=INDEX, m3="ALTER TABLE shop.items RENAME COLUMN name TO title;")

    def severities(rows: int) -> dict[str, Severity]:
        sizes = Sizes({"shop.items": Size(rows)})
        return {f.rule.name: f.severity for f in findings(project, sizes=sizes)}

    small, big = severities(100), severities(5_000_000)
    assert small["index-blocks-writes"] is Severity.WARNING
    assert big["index-blocks-writes"] is Severity.ERROR
    assert small["column-renamed"] is big["column-renamed"] is Severity.ERROR
    sizes = Sizes({"shop.items": Size(5_000_000)})
    (message,) = [
        f.message
        for f in findings(project, sizes=sizes)
        if f.rule.name == "index-blocks-writes"
    ]
    assert "about 5 million rows" in message


def test_bad_files_are_findings_and_the_rest_is_linted(
    project: Path, write: Write
) -> None:
    other = project / "migrations" / "other"
    other.mkdir()
    (other / "m2.sql").write_text("SELECT 1;")
    write(
        m1=TABLE,
        m2="SELECT 2;",
        m3="-- depends: m99\nSELECT 3;",
        m4=b"SELECT '\xff';",
        m5="SELECT 1;\nSELEC 2;",
        m5b="-- transactional: false\nSELEC 1;",
        m6="-- depends: m7\nSELECT 6;",
        m7="-- depends: m6\nSELECT 7;",
        m8=INDEX,
        m9__rollback="DROP TABEL a;",
        q_bad="-- name: a()\nSELEC 1;\n-- name: b()\n-- B.\nSELECT 1;\n"
        "-- name: b()\nSELECT 2;\n-- name: c()\nSELECT 'open;\n"
        "-- name: d()\nSELECT * FROM shop.items;\n",
        q_latin=b"-- name: a()\n-- \xe4\nSELECT 1;\n",
        q_good="-- name: items()\nSELECT * FROM shop.items;\n",
    )
    write(m9="-- transactionel: false\nSELECT 9;")
    (other / "gone.sql").symlink_to("nowhere.sql")
    (other / "folder.sql").mkdir()
    assert set(found(project)) >= {
        ("gone.sql", "unreadable-file", 1),
        ("folder.sql", "unreadable-file", 1),
        ("m2.sql", "unknown-order", 1),
        ("m3.sql", "unknown-order", 1),
        ("m4.sql", "unreadable-file", 1),
        ("m5.sql", "syntax-error", 2),
        ("m5b.sql", "syntax-error", 2),
        ("m8.sql", "index-blocks-writes", 1),
        ("m9.rollback.sql", "syntax-error", 1),
        ("m9.sql", "syntax-error", 1),
        ("q_bad.sql", "unreadable-file", 2),
        ("q_bad.sql", "unreadable-file", 6),
        ("q_bad.sql", "unreadable-file", 9),
        ("q_bad.sql", "select-star", 11),
        ("q_good.sql", "select-star", 2),
        ("q_latin.sql", "unreadable-file", 1),
    }
    circular = [f for f in found(project) if f[0] in ("m6.sql", "m7.sql")]
    assert [rule for _, rule, _ in circular] == ["unknown-order"]


def test_a_file_that_is_cut_anywhere_never_ends_the_run(tmp_path: Path) -> None:
    for name in ("core-0004-create-job-queues", "events-0011-create-graph-sync"):
        (path,) = shipped("migrations").glob(f"*/{name}.sql")
        text = path.read_text()
        for end in range(0, len(text), len(text) // 40):
            (tmp_path / f"{name}-{end}.sql").write_text(text[:end])
    linted = lint([], [], paths=[tmp_path])
    broken = {f.location.file for f in linted.findings if f.rule.name == "syntax-error"}
    assert len(linted.files) > 80
    assert 20 < len(broken) < 80


def test_a_path_chooses_what_is_reported_and_all_is_known(
    project: Path, write: Write
) -> None:
    write(m1=TABLE, m2=INDEX, m3="ALTER TABLE shop.items RENAME COLUMN id TO no;")
    second = project / "migrations" / "shop" / "m2.sql"
    assert found(project, paths=[second]) == [("m2.sql", "index-blocks-writes", 1)]
    assert len(found(project, paths=[project / "migrations"])) == 2
    linted = lint([project / "migrations"], [], paths=[second])
    assert (linted.files, linted.migrations) == ([second], 1)


def test_any_other_folder_may_hold_migrations_and_queries(
    project: Path, write: Write, tmp_path: Path
) -> None:
    other = tmp_path / "db" / "deep" / "down"
    other.mkdir(parents=True)
    (other / "V1.sql").write_text(TABLE)
    (other / "V2.sql").write_text(INDEX)
    (other / "V2.down.sql").write_text("DROP TABLE shop.items;")
    (other / "items.sql").write_text("-- name: items()\nSELECT * FROM shop.items;\n")
    expected = [("V2.sql", "index-blocks-writes", 1), ("items.sql", "select-star", 2)]
    assert found(project, paths=[tmp_path / "db"]) == expected
    assert found(project, paths=[other / "V2.sql"]) == expected[:1]


def test_queries_elsewhere_meet_the_configured_migrations(
    project: Path, write: Write, tmp_path: Path
) -> None:
    write(m1="CREATE SCHEMA shop;" + TABLE)
    (tmp_path / "extra").mkdir()
    path = tmp_path / "extra" / "items.sql"
    path.write_text("-- name: items()\nSELECT id FROM items;\n")
    assert found(project, paths=[path]) == [("items.sql", "unqualified-table", 2)]


def test_files_far_below_a_files_folder_are_not_its_siblings(
    project: Path, tmp_path: Path
) -> None:
    (tmp_path / "V2.sql").write_text(INDEX)
    below = tmp_path / "elsewhere"
    below.mkdir()
    (below / "V1.sql").write_text(INDEX + TABLE)
    lone = lint([], [], paths=[tmp_path / "V2.sql"])
    assert (len(lone.files), lone.migrations) == (1, 1)


def test_nothing_to_read_is_a_mistake_and_no_clean_bill(
    project: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes.md").write_text("# Notes\n")
    with pytest.raises(BadInput, match=r"lint reads nothing at .*notes\.md"):
        lint([project / "migrations"], [], paths=[tmp_path / "notes.md"])
    with pytest.raises(BadInput, match=r"there is no folder at .*/migratoins"):
        lint([project / "migratoins"], [])
    with pytest.raises(BadInput, match=r"there is no folder at .*/queries"):
        lint([project / "migrations"], [project / "queries"])


def test_what_came_since_a_revision_is_one_release(project: Path, write: Write) -> None:
    def git(*arguments: str) -> None:
        author = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
        command = ["git", "-C", str(project), *author, *arguments]
        subprocess.run(command, check=True, capture_output=True)

    git("init", "--quiet")
    write(
        m1=TABLE,
        m2=INDEX,
        q_old="-- name: items()\nSELECT * FROM shop.items;\n",
    )
    git("add", ".")
    git("commit", "--quiet", "--message", "first")
    write(
        m3="CREATE TABLE shop.orders (id bigint, item bigint);"
        "CREATE VIEW shop.v AS SELECT 1;",
        m4="CREATE INDEX orders_item_idx ON shop.orders (item);\n"
        "ALTER VIEW shop.v RENAME TO w;",
        m5="CREATE INDEX items_2_idx ON shop.items (name, id);",
        q_new="-- name: orders()\nSELECT * FROM shop.orders;\n",
    )
    assert found(project, since="HEAD") == [
        ("m5.sql", "index-blocks-writes", 1),
        ("q_new.sql", "select-star", 2),
    ]
    linted = lint([project / "migrations"], [project / "sql"], since="HEAD")
    assert (linted.migrations, linted.queries, len(linted.files)) == (3, 1, 4)
    assert {"m2.sql", "m4.sql"} <= {name for name, _, _ in found(project)}


def test_every_rule_has_a_help_and_a_name_of_its_own() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.summary and rule.help for rule in RULES)
