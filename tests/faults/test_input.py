"""Values and names that are not what they should be: refused, and nothing is harmed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, LiteralString

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pgvector import Vector
from psycopg import Connection, sql
from psycopg.pq import TransactionStatus

from drystone.database.agtype import Agtype
from drystone.database.copy import copy_rows
from drystone.database.identifiers import identifier
from drystone.database.pool import open_pool
from drystone.database.session import connect
from drystone.database.sqlstates import translated
from drystone.database.transactions import in_transaction
from drystone.errors import BadInput, ConnectionLost, InvalidValue
from drystone.settings import Settings
from drystone.systems.ideas import users
from drystone.testing import url_of_shared
from tests.clusters import Cluster

CYPHER: LiteralString = """
SELECT answer
FROM ag_catalog.cypher('event_network', $$ RETURN $value $$, %s)
    AS (answer ag_catalog.agtype)
"""

INJECTIONS = [
    "'; DROP TABLE ideas.users; --",
    '"; DROP TABLE ideas.users; --',
    "newest; DELETE FROM ideas.users",
    "newest, (SELECT pg_sleep(10))",
    "newest DESC NULLS LAST",
    "(CASE WHEN true THEN 1 END)",
    "1",
    "1; COMMIT",
    "newest/**/",
    "newest--",
    "$1",
    "%s",
    "%(name)s",
    "{0}",
    "newest\0",
    "\\",
    "'",
    '"',
    "",
    " newest",
    "NEWEST",
    "users.password_hash",
]
ORDERS = ("newest", "oldest", "email", "name")
# What has a meaning in SQL is tried more often.
_TEXT = st.text(
    st.one_of(st.sampled_from("'\";-%\\\0$(){} \n"), st.characters()), max_size=80
)


@pytest.fixture
def usable(connection: Connection[Any]) -> Iterator[Connection[Any]]:
    """A connection that must be as usable behind the test as before."""
    yield connection
    assert connection.info.transaction_status == TransactionStatus.INTRANS
    assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.fixture(scope="module")
def closed(migrated_shared: Any) -> Connection[Any]:
    """A connection that cannot ask anything."""
    connection = connect(url_of_shared(migrated_shared), Settings())
    connection.close()
    return connection


@pytest.mark.parametrize("order", INJECTIONS)
def test_an_injection_is_no_order(closed: Connection[Any], order: Any) -> None:
    with pytest.raises(BadInput, match="no such order"):
        users.list_users(closed, order=order)


@hypothesis_settings(max_examples=150, deadline=None)
@given(order=_TEXT.filter(lambda text: text not in ORDERS))
def test_nor_is_any_other_text(closed: Connection[Any], order: Any) -> None:
    """It is refused before anything is asked of the server."""
    with pytest.raises(BadInput, match="no such order"):
        users.list_users(closed, order=order)


@pytest.mark.parametrize("name", [*INJECTIONS, "x" * 64, "é" * 32, "\ud800"])
def test_a_name_that_does_not_exist_is_refused_as_table_and_as_column(
    usable: Connection[Any], name: str
) -> None:
    with usable.transaction(), pytest.raises(BadInput):
        copy_rows(usable, f"ideas.{name}", ["id"], [])
    with usable.transaction(), pytest.raises(BadInput):
        copy_rows(usable, "ideas.users", [name], [])


@pytest.mark.parametrize("name", ["a\0b", "", "x" * 64, "é" * 32])
def test_a_name_that_would_mean_another_one_is_refused(name: str) -> None:
    """libpq would end it at the NUL, PostgreSQL cut it off behind 63 bytes."""
    with pytest.raises(BadInput, match="a name is"):
        identifier("ideas", name)


@pytest.mark.parametrize("name", ["a", 'say "x"', "x" * 63, "é" * 31, "Größe; --"])
def test_any_other_name_is_one(usable: Connection[Any], name: str) -> None:
    found = usable.execute(
        sql.SQL("SELECT 1 AS {}").format(identifier(name))
    ).description
    assert found is not None
    assert found[0].name == name


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("SELECT %s::text", "a\0b"),
        ("SELECT %s::text", "a\ud800b"),
        ("SELECT %s::jsonb", '{"a": "\\u0000"}'),
        ("SELECT %s::uuid", "a"),
        ("SELECT %s::public.vector", Vector([math.nan])),
        ("SELECT %s::public.vector", Vector([math.inf])),
        ("SELECT %s::public.vector", Vector([3.5e38])),
        ("SELECT %s::public.vector", "[]"),
        ("SELECT %s::public.vector(2)", Vector([1.0])),
        ("SELECT %s::bigint", 2**63),
    ],
    ids=[
        "NUL",
        "surrogate",
        "u0000",
        "uuid",
        "nan",
        "inf",
        "big",
        "none",
        "dim",
        "int",
    ],
)
def test_a_value_that_is_none_of_its_type_is_bad_input(
    usable: Connection[Any], statement: LiteralString, value: Any
) -> None:
    with pytest.raises(InvalidValue), translated(), usable.transaction():
        usable.execute(statement, [value])


def test_too_many_parameters_are_bad_input(usable: Connection[Any]) -> None:
    statement = sql.SQL("SELECT {}").format(
        sql.SQL(", ").join([sql.Placeholder()] * 70_000)
    )
    with pytest.raises(InvalidValue, match="65535"), translated():
        usable.execute(statement, [1] * 70_000)


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, 2**63, [-(2**63) - 1], {"a": object()}]
)
def test_what_agtype_cannot_hold_is_bad_input(
    usable: Connection[Any], value: Any
) -> None:
    with pytest.raises(BadInput):
        usable.execute(CYPHER, [Agtype({"value": value})])


def test_every_vector_refuses_to_be_zero(connection: Connection[Any]) -> None:
    """Nothing has an angle to a zero vector: its distances are NaN."""
    found = connection.execute(
        """
        SELECT
            a.attrelid::regclass::text || '.' || a.attname,
            bool_or(
                pg_get_constraintdef(c.oid) LIKE '%vector_norm(' || a.attname || ')%'
            )
        FROM pg_attribute AS a
        JOIN pg_class AS r ON r.oid = a.attrelid AND r.relkind IN ('r', 'p')
        LEFT JOIN pg_constraint AS c ON c.conrelid = r.oid AND c.contype = 'c'
        WHERE a.atttypid = 'public.vector'::regtype AND NOT a.attisdropped
        GROUP BY a.attrelid, a.attname
        """
    ).fetchall()
    assert len(found) >= 5
    assert [name for name, checked in found if not checked] == []


@pytest.mark.long
def test_a_gigabyte_is_refused_and_not_sent_over_and_over(cluster: Cluster) -> None:
    """The server hangs up without a word, which looks like a broken network."""
    runs: list[int] = []

    def work(connection: Connection[Any]) -> None:
        runs.append(1)
        connection.execute("SELECT length(%s)", ["x" * 2**30])

    with (
        open_pool(cluster.url(), Settings(pool_max_size=1)) as pool,
        pytest.raises(ConnectionLost),
    ):
        in_transaction(pool, work, attempts=2)
    assert runs == [1, 1]
