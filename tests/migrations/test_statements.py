from __future__ import annotations

from pathlib import Path

import pytest

from drystone.errors import MigrationError
from drystone.migrations.statements import parse, without_comments

FILE = Path("shop-0001.sql")


def test_statements_keep_their_text_and_line() -> None:
    text = (
        "-- a comment; with a semicolon\n"
        "CREATE TABLE a (begin_ text); /* nested /* ; */ */\n"
        "\n"
        "SELECT $tag$ ; $$ ; $tag$, E'\\';', 'é;', a #> '{b;}';\n"
        "CREATE FUNCTION f() RETURNS integer BEGIN ATOMIC SELECT 1; SELECT 2; END"
    )
    found = parse(text, path=FILE)
    assert [(s.line, s.text.split()[0]) for s in found] == [
        (2, "CREATE"),
        (4, "SELECT"),
        (5, "CREATE"),
    ]
    assert found[1].text.startswith("SELECT $tag$ ; $$ ; $tag$, E'\\';', 'é;'")


def test_an_empty_file_holds_no_statement() -> None:
    assert parse("-- nothing yet\n", path=FILE) == []


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX CONCURRENTLY i ON a (b)",
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON a (b)",
        "DROP INDEX CONCURRENTLY i",
        "REINDEX (CONCURRENTLY) TABLE a",
        "REINDEX INDEX CONCURRENTLY i",
        "REINDEX SCHEMA s",
        "ALTER TABLE a DETACH PARTITION b CONCURRENTLY",
        "VACUUM a",
        "CLUSTER",
        "CREATE DATABASE d",
        "DROP DATABASE d",
        "ALTER SYSTEM SET work_mem = '8MB'",
        "CREATE TABLESPACE t LOCATION '/t'",
        "DROP TABLESPACE t",
        "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p",
        "DROP SUBSCRIPTION s",
    ],
)
def test_what_postgresql_runs_outside_transactions_only_is_recognised(
    statement: str,
) -> None:
    assert [s.transactional for s in parse(statement, path=FILE)] == [False]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX i ON a (b)",
        "DROP INDEX i",
        "DROP TABLE a",
        "REINDEX TABLE a",
        "ALTER TABLE a DETACH PARTITION b",
        "ALTER TABLE a ADD COLUMN concurrently_ text",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
        "ANALYZE a",
        "CLUSTER a USING i",
        "CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p WITH (create_slot = false)",
        "INSERT INTO a VALUES ('CREATE INDEX CONCURRENTLY i ON a (b)')",
    ],
)
def test_everything_else_runs_in_a_transaction(statement: str) -> None:
    assert [s.transactional for s in parse(statement, path=FILE)] == [True]


def test_a_syntax_error_is_shown_with_a_caret() -> None:
    with pytest.raises(MigrationError, match='at or near "TABEL"') as caught:
        parse("SELECT 'é';\nCREATE TABEL a ();\n", path=FILE)
    assert str(caught.value.location) == "shop-0001.sql:2:8"
    assert caught.value.excerpt == "    2 | CREATE TABEL a ();\n               ^"


@pytest.mark.parametrize("statement", ["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT a"])
def test_a_file_cannot_end_the_runners_transaction(statement: str) -> None:
    with pytest.raises(MigrationError, match="own transaction") as caught:
        parse(f"SELECT 1;\n{statement};", path=FILE)
    assert str(caught.value.location) == "shop-0001.sql:2"


def test_comments_and_white_space_do_not_count() -> None:
    plain = "SELECT 'a -- b' , 1;"
    commented = "-- why\nSELECT  'a -- b'/* :x */,\n\n1; -- end"
    assert without_comments(plain) == without_comments(commented)
    assert without_comments(plain) != without_comments(plain.replace("1", "2"))
    assert without_comments("SELECT 'broken") == ["SELECT 'broken"]


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE a ();\nCOPY a (b, c) FROM STDIN;\n1\t2\n\\.\n",
        "CREATE TABLE a ();\ncopy a from stdin (FORMAT csv);",
        "CREATE TABLE a ();\nCOPY a TO STDOUT;",
    ],
)
def test_copy_with_data_in_the_file_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(
        MigrationError, match="COPY with its data in the file"
    ) as caught:
        parse(text, path=FILE)
    assert caught.value.location is not None
    assert caught.value.location.line >= 2


def test_copy_on_the_server_is_fine() -> None:
    assert (
        len(parse("COPY a FROM '/srv/a.csv'; COPY a FROM PROGRAM 'x'", path=FILE)) == 2
    )


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "SELECT 1;\r\nSELECT 2;\r\n".replace("\r\n", "\n"),
        "SELECT a # b FROM (SELECT 1 AS a, 2 AS b) AS t;",
        "CREATE TABLE t (begin integer, declare integer);",
        "/* a /* nested */ comment; */ SELECT 1;",
        "CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2);",
    ],
)
def test_what_other_splitters_stumble_over_is_read(text: str) -> None:
    assert 1 <= len(parse(text, path=FILE)) <= 2
