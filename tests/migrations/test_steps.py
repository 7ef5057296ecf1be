"""Files that cannot run in one transaction, and runners that die in them."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import Connection

from drystone.errors import DrystoneError, MigrationFailed
from drystone.migrations import steps
from drystone.migrations.history import State
from tests.migrations.conftest import Runner, Write

TABLE = "CREATE TABLE public.t (id integer, b text);"
INSERT = "INSERT INTO public.t VALUES (7);\n"
INDEX = "CREATE UNIQUE INDEX CONCURRENTLY t_id_key ON public.t (id);"


@pytest.fixture
def table(shop: Runner, write: Write, empty: Connection[Any]) -> Runner:
    """A table with a duplicate in it."""
    write("shop-0001", TABLE, "DROP TABLE public.t;")
    shop.migrate()
    empty.execute("INSERT INTO public.t VALUES (1), (1)")
    return shop


def validity(connection: Connection[Any], name: str = "t_id_key") -> bool | None:
    row = connection.execute(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)",
        [f"public.{name}"],
    ).fetchone()
    return None if row is None else bool(row[0])


class Killed(DrystoneError):
    """The runner died here."""


@pytest.mark.parametrize("guard", ["", "IF NOT EXISTS "])
def test_an_invalid_index_is_built_anew_and_never_recorded(
    table: Runner, write: Write, empty: Connection[Any], guard: str
) -> None:
    write("shop-0002", INDEX.replace("t_id_key", f"{guard}t_id_key"))
    for _ in range(2):
        with pytest.raises(MigrationFailed, match="could not create unique index"):
            table.migrate()
        assert validity(empty) is False
        assert table.states()["shop-0002"] is State.PENDING
    empty.execute("DELETE FROM public.t")
    assert table.migrate() == ["shop-0002"]
    assert validity(empty) is True


def test_a_valid_index_of_that_name_is_not_touched(
    table: Runner, write: Write, empty: Connection[Any]
) -> None:
    empty.execute("CREATE INDEX t_id_key ON public.t (b)")
    write("shop-0002", INDEX)
    with pytest.raises(MigrationFailed, match="already exists"):
        table.migrate()
    with pytest.raises(MigrationFailed, match="already exists"):
        table.migrate()
    assert validity(empty) is True


def test_what_is_done_is_not_done_again(
    table: Runner, write: Write, empty: Connection[Any]
) -> None:
    text = INSERT + INDEX + INSERT.replace("7", "8")
    write("shop-0002", text)
    for _ in range(3):
        with pytest.raises(MigrationFailed):
            table.migrate()
    empty.execute("DELETE FROM public.t WHERE id = 1")
    assert table.migrate() == ["shop-0002"]
    assert empty.execute("SELECT id FROM public.t ORDER BY id").fetchall() == [
        (7,),
        (8,),
    ]
    assert empty.execute("SELECT FROM public._drystone_progress").fetchall() == []


def test_a_statement_that_has_run_cannot_be_replaced(
    table: Runner, write: Write, empty: Connection[Any]
) -> None:
    write("shop-0002", INSERT + INDEX)
    with pytest.raises(MigrationFailed):
        table.migrate()
    write("shop-0002", INSERT.replace("7", "9") + INDEX)
    with pytest.raises(
        MigrationFailed, match="first 1 statements of shop-0002 have run"
    ):
        table.migrate()
    corrected = INDEX.replace("UNIQUE ", "")
    write("shop-0002", INSERT + corrected)
    assert table.migrate() == ["shop-0002"]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX CONCURRENTLY t_b_idx ON public.t (b)",
        "DROP INDEX CONCURRENTLY public.old",
        "REINDEX TABLE CONCURRENTLY public.t",
        "VACUUM public.t",
        "ALTER TABLE public.p DETACH PARTITION public.p1 CONCURRENTLY",
    ],
)
def test_a_runner_that_dies_around_a_statement_is_followed_by_one_that_ends_well(
    table: Runner,
    write: Write,
    empty: Connection[Any],
    monkeypatch: pytest.MonkeyPatch,
    statement: str,
    moment: str,
) -> None:
    empty.execute("CREATE INDEX old ON public.t (b)")
    empty.execute("CREATE TABLE public.p (id integer) PARTITION BY LIST (id)")
    empty.execute("CREATE TABLE public.p1 PARTITION OF public.p FOR VALUES IN (1)")
    write("shop-0002", f"{statement};\nINSERT INTO public.t VALUES (5);")
    whole: Any = steps._run_alone

    def die(*arguments: Any) -> Any:
        *others, run_one = arguments

        def run_and_die(connection: Any, file: Any, index: int) -> None:
            if moment == "after":
                run_one(connection, file, index)
            raise Killed("killed")

        return whole(*others, run_one=run_and_die)

    monkeypatch.setattr(steps, "_run_alone", die)
    with pytest.raises(Killed):
        table.migrate()
    monkeypatch.undo()
    assert table.migrate() == ["shop-0002"]
    assert empty.execute("SELECT count(*) FROM public.t WHERE id = 5").fetchone() == (
        1,
    )
    assert empty.execute(
        "SELECT count(*) FROM pg_index WHERE NOT indisvalid"
    ).fetchone() == (0,)


def test_a_concurrent_index_needs_a_name(table: Runner, write: Write) -> None:
    write("shop-0002", "CREATE INDEX CONCURRENTLY ON public.t (b);")
    with pytest.raises(MigrationFailed, match="needs a name"):
        table.migrate()


def test_a_rollback_file_has_its_own_nature(
    table: Runner, write: Write, empty: Connection[Any]
) -> None:
    write(
        "shop-0002",
        "CREATE INDEX t_b_idx ON public.t (b);",
        "DROP INDEX CONCURRENTLY public.t_b_idx;",
    )
    write(
        "shop-0003",
        "CREATE INDEX CONCURRENTLY t_c_idx ON public.t (b);",
        "DROP INDEX public.t_c_idx;",
    )
    assert len(table.migrate()) == 2
    assert len(table.rollback(steps=2)) == 2
    assert validity(empty, "t_b_idx") is validity(empty, "t_c_idx") is None


def test_a_setting_holds_for_what_comes_after_it_also_when_run_again(
    table: Runner, write: Write, empty: Connection[Any]
) -> None:
    write(
        "shop-0002",
        f"SET myapp.mode = 'on';\n{INDEX}\n"
        "INSERT INTO public.t VALUES (2, current_setting('myapp.mode'));",
    )
    with pytest.raises(MigrationFailed):
        table.migrate()
    empty.execute("DELETE FROM public.t")
    table.migrate()
    assert empty.execute("SELECT b FROM public.t").fetchall() == [("on",)]


BATCHES = (
    "-- batch: public.t by id, 10 rows\n"
    "UPDATE public.t SET b = coalesce(b, '') || 'x' WHERE id BETWEEN $1 AND $2;"
)


def test_batches_change_each_row_once(
    table: Runner, write: Write, empty: Connection[Any]
) -> None:
    empty.execute("DELETE FROM public.t")
    empty.execute(
        "INSERT INTO public.t SELECT 3 * n FROM generate_series(-50, 51) AS n"
    )
    empty.execute(
        "CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN IF NEW.id = 60 THEN RAISE 'no'; END IF; RETURN NEW; END $$"
    )
    empty.execute(
        "CREATE TRIGGER refuse BEFORE UPDATE ON public.t"
        " FOR EACH ROW EXECUTE FUNCTION public.refuse()"
    )
    write("shop-0002", BATCHES)
    for _ in range(2):
        with pytest.raises(MigrationFailed, match="no"):
            table.migrate()
    done = empty.execute("SELECT count(b), max(b) FROM public.t").fetchone()
    assert done == (70, "x")
    empty.execute("DROP TRIGGER refuse ON public.t")
    assert table.migrate() == ["shop-0002"]
    done = empty.execute("SELECT count(b), min(b), max(b) FROM public.t").fetchone()
    assert done == (102, "x", "x")
    assert empty.execute("SELECT FROM public._drystone_progress").fetchall() == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BATCHES.replace("by id", "for id"), "does not say table, key"),
        (BATCHES.replace("by id", "by nothing"), "no column nothing of public.t"),
        (f"{BATCHES}\nSELECT 1;", "exactly one statement"),
    ],
)
def test_a_wrong_batch_is_refused(
    table: Runner, write: Write, text: str, message: str
) -> None:
    write("shop-0002", text)
    with pytest.raises(DrystoneError, match=message):
        table.migrate()
