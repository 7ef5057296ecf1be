from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drystone.errors import QueryError
from drystone.queries.reading.lexer import Query, each_query, parse_queries

FILE = Path("search.sql")


def only(text: str) -> Query:
    (query,) = parse_queries(text, path=FILE)
    return query


def refused(text: str) -> QueryError:
    with pytest.raises(QueryError) as caught:
        parse_queries(text, path=FILE)
    return caught.value


def test_a_file_holds_queries_with_name_operator_and_documentation() -> None:
    first, second = parse_queries(
        "-- What this file is about.\n"
        "\n"
        "-- name: find-user(id)^\n"
        "-- record_class: User\n"
        "-- Who has this id?\n"
        "-- Nobody, perhaps.\n"
        "SELECT u.name\n"
        "FROM app.users AS u -- all of them\n"
        "WHERE u.id = :id;\n"
        "\n"
        "-- name: touch(ids, at) !\n"
        "UPDATE app.users SET at = :at WHERE id = ANY (:ids) OR at = :at;\n",
        path=FILE,
    )
    assert (first.name, first.operator, first.parameters) == ("find_user", "^", ("id",))
    assert first.documentation == "Who has this id?\nNobody, perhaps."
    assert first.sql == (
        "SELECT u.name\nFROM app.users AS u -- all of them\nWHERE u.id = $1"
    )
    assert str(first.location) == "search.sql:3:1"
    assert second.sql == ("UPDATE app.users SET at = $1 WHERE id = ANY ($2) OR at = $1")
    assert second.parameters == ("at", "ids")
    assert second.operator == "!"


@pytest.mark.parametrize(
    "body",
    [
        "SELECT 'a%' LIKE 'b%', 7 % 2",
        "SELECT (ARRAY[1, 2, 3])[1:2]",
        "SELECT a[lo:hi] FROM app.t",
        "SELECT $$ :y $$, $tag$ it's :y $tag$",
        "SELECT 1, -- :oops\n    2",
        "SELECT 1 /* :oops /* :nested */ */",
        "SELECT E'it\\'s :y'",
        "SELECT 'it''s :y', \":y\" FROM app.t",
        "SELECT '1'::integer::text",
        "SELECT a @? '$.b ? (@ > 1)', a ?| ARRAY['b'], a ? 'c' FROM app.t",
        "SELECT b'01' # b'10', 'x' #>> '{a}' FROM app.t",
    ],
)
def test_nothing_is_taken_for_a_parameter_that_is_none(body: str) -> None:
    query = only(f"-- name: q()\n{body};")
    assert query.sql == body
    assert query.parameters == ()


def test_cypher_is_left_alone() -> None:
    body = (
        "SELECT name\n"
        "FROM ag_catalog.cypher('g', $$\n"
        "    MATCH (n:Person {a:1})-[:KNOWS*1..3]->(m:`Odd Label`)\n"
        "    WHERE n.id = $id\n"
        "    -- name: not_a_query()\n"
        "    RETURN m.name\n"
        "$$, :params) AS (name ag_catalog.agtype)"
    )
    query = only(f"-- name: friends(params)\n-- Who?\n{body}")
    assert query.sql == body.replace(":params", "$1")
    assert query.parameters == ("params",)


def test_a_slice_may_take_a_declared_parameter() -> None:
    query = only("-- name: q(lo, hi)\nSELECT a[:lo::integer:hi] FROM app.t")
    assert query.sql == "SELECT a[$1::integer:hi] FROM app.t".replace(":hi", "$2")


def test_a_parameter_may_stand_next_to_anything() -> None:
    query = only("-- name: q(a, b, select)\nSELECT(:a)+:b::integer,-:select,:a")
    assert query.sql == "SELECT($1)+$2::integer,-$3,$1"


def test_an_attribute_of_a_parameter_is_one_too() -> None:
    query = only("-- name: q(user)!\nUPDATE app.t SET a = :user.a WHERE b = :user.b")
    assert query.sql == "UPDATE app.t SET a = $1 WHERE b = $2"
    assert query.parameters == ("user.a", "user.b")
    assert query.declared == ("user",)


def test_text_that_is_not_ascii_shifts_nothing() -> None:
    query = only("-- name: q(größe, b)\nSELECT 'é😀', :größe, \"ü\", :b FROM app.t")
    assert query.sql == "SELECT 'é😀', $1, \"ü\", $2 FROM app.t"
    assert query.parameters == ("größe", "b")


def test_a_file_may_hold_no_query_at_all() -> None:
    assert parse_queries("-- Nothing yet.\nSELECT 1;", path=FILE) == []


def test_a_script_may_hold_several_statements() -> None:
    query = only("-- name: install#\nSELECT 1;\nSELECT 2;\n")
    assert (query.operator, query.sql) == ("#", "SELECT 1;\nSELECT 2")


@pytest.mark.parametrize(
    ("text", "message", "place"),
    [
        ("-- name: q()\nSELEC 1;", 'at or near "SELEC"', "2:1"),
        ("-- name: q(a)\nSELECT :a,\n  :a FROM FROM t", 'at or near "FROM"', "3:11"),
        ("-- name: q()\nSELECT 'é' FROM FROM t", 'at or near "FROM"', "2:17"),
        ("-- name: q()\nSELECT :a", "uses :a, which it does not declare", "2:8"),
        ("-- name: q(a)\nSELECT 1", "declares a and never uses it", "1:1"),
        ("-- name: q\nSELECT 1", "no list of parameters", "1:1"),
        ("-- name: 1q()\nSELECT 1", "not a query's name", "1:1"),
        ("-- name: q(a b)\nSELECT 1", "cannot be the name of a parameter", "1:1"),
        ("-- name: q()??\nSELECT 1", "not a query's name", "1:1"),
        ("-- name: q()\n-- only a comment\n", "is empty", "1:1"),
        ("-- name: q()\n;", "holds 0 statements", "1:1"),
        ("-- name: q()\nSELECT 1; SELECT 2", "holds 2 statements", "1:1"),
        ("-- name: q()\nSELECT $1", "numbered parameter", "2:8"),
        ("-- name: q()\nSELECT 1\n-- name: q()\nSELECT 2", "two queries", "3:1"),
        ("-- name: q()\nSELECT 'unterminated", "unterminated quoted string", "2:8"),
    ],
)
def test_what_cannot_be_loaded_is_located(text: str, message: str, place: str) -> None:
    error = refused(text)
    assert message in error.message
    assert str(error.location) == f"search.sql:{place}"


@pytest.mark.parametrize(
    ("broken", "place"),
    [
        ("-- name: a()\nSELEC 1;", "5:1"),
        ("-- name: a(x)\nSELECT 1;", "4:1"),
        ("-- name: b()\nSELECT 2;", "4:1"),
        ("-- name: ?\nSELECT 1;", "4:1"),
        ("-- name: a()\nSELECT 'open;", "5:8"),
        ("-- name: a()\nSELECT 'é' /* open;", "5:12"),
        ("-- name: a()\nSELECT $$ open;", "5:8"),
        ("-- name: a()\nSELECT E'\\u12 open;", "5:10"),
    ],
)
def test_a_malformed_query_hides_no_other(broken: str, place: str) -> None:
    text = f"-- name: b()\nSELECT 'ü';\n\n{broken}\n\n-- name: c()\nSELECT 3;\n"
    first, error, last = each_query(text, path=FILE)
    assert isinstance(error, QueryError)
    assert str(error.location) == f"search.sql:{place}"
    assert isinstance(first, Query)
    assert isinstance(last, Query)
    assert (first.sql, last.sql) == ("SELECT 'ü'", "SELECT 3")
    assert str(last.location) == "search.sql:7:1"
    assert refused(text).message == error.message


@given(st.text("-name:()\n'$;/*SELECT 1é\\"))
def test_whatever_the_text_what_is_read_one_by_one_is_what_is_read(text: str) -> None:
    every = list(each_query(text, path=FILE))
    errors = [each for each in every if isinstance(each, QueryError)]
    if errors:
        assert refused(text).message == errors[0].message
    else:
        assert parse_queries(text, path=FILE) == every


def test_the_excerpt_points_at_the_place() -> None:
    error = refused("-- name: q(a)\nSELECT :a\nFRM app.t")
    assert error.excerpt == "    3 | FRM app.t\n            ^"


LITERALS = st.sampled_from(
    ["'a'", "'it''s :x'", "$$ :x $$", "$t$ $$ :x $t$", "E'\\':x'", '":x"', "1::text"]
)
GLUE = st.sampled_from([", ", " ,\n", ",/* :x /* :y */ */", ", -- :x\n", ",'é' ,"])


@given(st.lists(st.one_of(LITERALS, st.sampled_from([":a", ":b"])), min_size=1), GLUE)
def test_exactly_the_parameters_become_numbers(parts: list[str], glue: str) -> None:
    used = list(dict.fromkeys(part[1:] for part in parts if part in {":a", ":b"}))
    numbered = [
        f"${used.index(part[1:]) + 1}" if part in {":a", ":b"} else part
        for part in parts
    ]
    body = f"VALUES ({glue.join(parts)}, 1)"
    query = only(f"-- name: q({', '.join(used)})\n{body}")
    assert query.sql == f"VALUES ({glue.join(numbered)}, 1)"
    assert query.parameters == tuple(used)
