from __future__ import annotations

from typing import Any

import pytest
from psycopg import Connection

from drystone import errors
from drystone.database.sqlstates import translated
from drystone.errors import DatabaseError

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("statement", "kind", "sqlstate"),
    [
        ("SELECT %s::uuid", errors.InvalidValue, "22P02"),
        ("SELECT 1 / length(left(%s, 0))", errors.InvalidValue, "22012"),
        (
            "INSERT INTO events.events (name, data_quality_score) VALUES (%s, 101)",
            errors.CheckViolation,
            "23514",
        ),
        (
            "INSERT INTO events.events (name, description) VALUES (NULL, %s)",
            errors.NotNullViolation,
            "23502",
        ),
        (
            "INSERT INTO events.topics (name) SELECT %s FROM generate_series(1, 2)",
            errors.UniqueViolation,
            "23505",
        ),
        (
            "INSERT INTO events.event_topics SELECT md5(%s)::uuid, gen_random_uuid()",
            errors.ForeignKeyViolation,
            "23503",
        ),
        ("SELECT nothing FROM (SELECT %s) AS a", DatabaseError, "42703"),
    ],
)
def test_each_state_has_its_class_and_no_value_is_told(
    connection: Connection[Any],
    statement: Any,
    kind: type[DatabaseError],
    sqlstate: str,
) -> None:
    with pytest.raises(kind) as caught, translated(query="a.b.c"):
        connection.execute(statement, [SECRET])
    assert caught.value.sqlstate == sqlstate
    assert caught.value.query == "a.b.c"
    assert SECRET not in caught.value.message
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    ("sqlstate", "kind"),
    [
        ("08006", errors.ConnectionLost),
        ("08P01", errors.DatabaseUnavailable),
        ("23001", errors.ForeignKeyViolation),
        ("23P01", errors.ExclusionViolation),
        ("25006", errors.ReadOnly),
        ("25P03", errors.TransactionTimeout),
        ("40001", errors.SerializationFailure),
        ("40P01", errors.DeadlockDetected),
        ("42501", errors.PermissionDenied),
        ("53100", errors.DatabaseUnavailable),
        ("55P03", errors.LockNotAvailable),
        ("57014", errors.StatementTimeout),
        ("57P01", errors.ConnectionLost),
        ("57P03", errors.DatabaseUnavailable),
        ("P0001", DatabaseError),
    ],
)
def test_states_raised_by_the_server_are_mapped(
    connection: Connection[Any], sqlstate: str, kind: type[DatabaseError]
) -> None:
    connection.execute("SELECT set_config('test.state', %s, false)", [sqlstate])
    with pytest.raises(kind) as caught, translated():
        connection.execute(
            "DO $$ BEGIN RAISE EXCEPTION USING MESSAGE = 'told',"
            " ERRCODE = current_setting('test.state'); END $$"
        )
    assert type(caught.value) is kind
    assert caught.value.sqlstate == sqlstate


def test_a_broken_rule_names_constraint_and_table(connection: Connection[Any]) -> None:
    with pytest.raises(errors.ConstraintViolation) as caught, translated():
        connection.execute("INSERT INTO events.events (name) VALUES ('')")
    assert caught.value.constraint == "events_name_check"
    assert caught.value.table == "events.events"
    assert 'violates check constraint "events_name_check"' in caught.value.message
