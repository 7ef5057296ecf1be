"""What happens to files after they were applied."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from drystone.errors import HistoryError, MigrationError
from drystone.migrations.history import State
from tests.migrations.conftest import Runner, Write

UP = "CREATE TABLE public.t{0} (id integer);\n"
DOWN = "DROP TABLE public.t{0};\n"


@pytest.fixture
def applied(shop: Runner, write: Write) -> Runner:
    """Three migrations, applied."""
    for number in (1, 2, 3):
        write(f"shop-000{number}", UP.format(number), DOWN.format(number))
    shop.migrate()
    return shop


def tables(connection: Connection[Any]) -> str:
    row = connection.execute(
        "SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables"
        " WHERE schemaname = 'public' AND tablename !~ 'yoyo|drystone'"
    ).fetchone()
    return str(row[0]) if row else ""


def test_edited_comments_are_told_apart_and_allowed(
    applied: Runner, write: Write
) -> None:
    write(
        "shop-0002", f"-- Why it is there.\n\n{UP.format(2)}-- The end.\n", "SELECT 1;"
    )
    assert applied.states()["shop-0002"] is State.COMMENTED
    assert applied.migrate() == []


def test_an_edited_statement_is_refused(applied: Runner, write: Write) -> None:
    write("shop-0002", UP.format(2).replace("integer", "bigint"))
    assert applied.states()["shop-0002"] is State.EDITED
    with pytest.raises(HistoryError, match="shop-0002 was edited"):
        applied.migrate()


def test_line_endings_are_no_edit(applied: Runner, folder: Path) -> None:
    path = folder / "shop-0002.sql"
    path.write_bytes(b"\xef\xbb\xbf" + UP.format(2).replace("\n", "\r\n").encode())
    assert applied.states()["shop-0002"] is State.APPLIED


def test_a_deleted_file_is_refused_and_can_still_be_rolled_back(
    applied: Runner, folder: Path, empty: Connection[Any]
) -> None:
    for path in folder.glob("shop-0003*"):
        path.unlink()
    assert applied.states()["shop-0003"] is State.MISSING
    with pytest.raises(HistoryError, match="its file is gone"):
        applied.migrate()
    assert applied.rollback() == ["shop-0003"]
    assert tables(empty) == "t1 t2"
    assert applied.migrate() == []


def test_an_edited_file_is_rolled_back_by_what_was_applied(
    applied: Runner, write: Write, empty: Connection[Any]
) -> None:
    write("shop-0003", "CREATE TABLE public.other ();", "DROP TABLE public.t1;")
    assert applied.rollback() == ["shop-0003"]
    assert tables(empty) == "t1 t2"


def test_a_corrected_rollback_file_counts(
    applied: Runner, write: Write, empty: Connection[Any]
) -> None:
    write(
        "shop-0003", UP.format(3), "DROP TABLE public.t3; CREATE TABLE public.gone ();"
    )
    assert applied.states()["shop-0003"] is State.APPLIED
    applied.rollback()
    assert tables(empty) == "gone t1 t2"


def test_a_renamed_file_is_recognised(applied: Runner, folder: Path) -> None:
    for suffix in (".sql", ".rollback.sql"):
        (folder / f"shop-0003{suffix}").rename(folder / f"shop-0004{suffix}")
    states = applied.states()
    assert states["shop-0004"] is State.RENAMED
    assert "shop-0003" not in states
    with pytest.raises(HistoryError, match="applied already, under the name shop-0003"):
        applied.migrate()


def test_a_late_file_is_refused_unless_allowed(
    applied: Runner, write: Write, empty: Connection[Any]
) -> None:
    write("shop-0002-late", "CREATE TABLE public.late ();")
    assert applied.states()["shop-0002-late"] is State.LATE
    with pytest.raises(HistoryError, match="shop-0002-late is out of order"):
        applied.migrate()
    assert tables(empty) == "t1 t2 t3"
    assert applied.migrate(out_of_order=True) == ["shop-0002-late"]
    assert tables(empty) == "late t1 t2 t3"


def test_an_irreversible_migration_says_why(shop: Runner, write: Write) -> None:
    write("shop-0001", "-- irreversible: the old keys are gone\nSELECT 1;")
    shop.migrate()
    with pytest.raises(MigrationError, match="irreversible: the old keys are gone"):
        shop.rollback()
    assert shop.states()["shop-0001"] is State.APPLIED


def test_one_step_without_a_way_back_stops_all_of_them(
    applied: Runner, folder: Path, empty: Connection[Any]
) -> None:
    (folder / "shop-0002.rollback.sql").unlink()
    with pytest.raises(MigrationError, match="shop-0002 cannot be rolled back"):
        applied.rollback(steps=3)
    assert tables(empty) == "t1 t2 t3"


def test_lost_rows_are_counted_before_anything_is_lost(
    shop: Runner, write: Write, empty: Connection[Any]
) -> None:
    write(
        "shop-0001",
        "CREATE SCHEMA s; CREATE TABLE s.a (id integer, b text);",
        "DROP SCHEMA s CASCADE;",
    )
    write("shop-0002", "CREATE TABLE s.c (id integer);", "DROP TABLE s.c;")
    write("shop-0003", "ALTER TABLE s.a ADD d text;", "ALTER TABLE s.a DROP COLUMN d;")
    write("shop-0004", "CREATE TABLE s.none ();", "DROP TABLE s.none;")
    shop.migrate()
    empty.execute(
        "INSERT INTO s.a SELECT n, 'x', nullif(n, 1) FROM generate_series(1, 1200) AS n"
    )
    empty.execute("INSERT INTO s.c SELECT n FROM generate_series(1, 7) AS n")
    seen: list[str] = []

    def refuse(losses: Any) -> None:
        seen.extend(map(str, losses))
        raise HistoryError("no")

    with pytest.raises(HistoryError, match="no"):
        shop.rollback(steps=4, approve=refuse)
    assert seen == [
        "shop-0003: the values of d in 1,199 rows of s.a",
        "shop-0002: 7 rows of s.c",
        "shop-0001: 1,200 rows of s.a",
    ]
    assert set(shop.states().values()) == {State.APPLIED}
    assert len(shop.rollback(steps=4)) == 4
