"""The ledger set right by hand, and plans that are signed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection
from yoyo import get_backend
from yoyo import read_migrations as read_yoyo_migrations

from drystone.errors import DrystoneError, HistoryError, MigrationError, MigrationFailed
from drystone.migrations import plans, repair
from drystone.migrations.files import read_migrations
from drystone.migrations.history import State
from drystone.migrations.runner import Silent
from tests.migrations.conftest import Runner, Write
from tests.migrations.test_yoyo import yoyo_url


@pytest.fixture
def two(shop: Runner, write: Write) -> Runner:
    """Two migrations."""
    for number in (1, 2):
        up = f"CREATE TABLE public.t{number} (id integer);"
        write(f"shop-000{number}", up, f"DROP TABLE public.t{number};")
    return shop


def call(function: Any, two: Runner, **options: Any) -> Any:
    return function(
        two.url,
        two.settings,
        read_migrations([two.folder]),
        progress=Silent(),
        **options,
    )


def comments(connection: Connection[Any]) -> list[tuple[str, str, str]]:
    return connection.execute(
        "SELECT migration_id, operation, comment FROM public._yoyo_log"
        " WHERE comment IS NOT NULL ORDER BY created_at_utc"
    ).fetchall()


def test_what_yoyo_applied_is_adopted(
    two: Runner, write: Write, folder: Path, empty: Connection[Any]
) -> None:
    with get_backend(yoyo_url("postgresql+psycopg", two.url)) as backend:
        theirs = read_yoyo_migrations(str(folder))
        with backend.lock():
            backend.apply_migrations(backend.to_apply(theirs))
    with pytest.raises(MigrationError, match="does not hold the text"):
        repair.show(two.url, two.settings, read_migrations([folder]), "shop-0001")
    assert call(repair.adopt, two) == ["shop-0001", "shop-0002"]
    assert call(repair.adopt, two) == []
    write("shop-0001", "CREATE TABLE public.other ();")
    assert two.states()["shop-0001"] is State.EDITED
    assert ("shop-0001", "mark", "adopted") in comments(empty)


def test_a_baseline_runs_nothing(two: Runner, empty: Connection[Any]) -> None:
    empty.execute("CREATE TABLE public.t1 (id integer)")
    assert call(repair.baseline, two, to="shop-0001") == ["shop-0001"]
    assert two.migrate() == ["shop-0002"]
    assert call(repair.baseline, two) == []
    assert two.rollback(steps=2) == ["shop-0002", "shop-0001"]
    assert comments(empty) == [("shop-0001", "mark", "baseline")]


def test_edited_renamed_and_missing_files_are_repaired_with_a_reason(
    two: Runner, write: Write, folder: Path, empty: Connection[Any]
) -> None:
    write("shop-0003", "SELECT 3;")
    two.migrate()
    write("shop-0001", "CREATE TABLE public.t1 (id bigint);", "DROP TABLE public.t1;")
    (folder / "shop-0002.sql").rename(folder / "shop-0002-b.sql")
    (folder / "shop-0003.sql").unlink()
    ids = ["shop-0001", "shop-0002-b", "shop-0003"]
    repaired = call(repair.repair, two, ids=ids, reason="changed by hand")
    states = [entry.state for entry in repaired]
    assert states == [State.EDITED, State.RENAMED, State.MISSING]
    assert two.states() == dict.fromkeys(ids[:2], State.APPLIED)
    assert two.migrate() == []
    assert comments(empty) == [(name, "repair", "changed by hand") for name in ids]


def test_what_needs_no_repair_is_refused_and_nothing_is_changed(
    two: Runner, write: Write
) -> None:
    two.migrate()
    write("shop-0001", "CREATE TABLE public.other ();")
    for name in ("shop-0002", "nothing"):
        with pytest.raises(MigrationError, match=f"{name} needs no repair"):
            call(repair.repair, two, ids=["shop-0001", name], reason="why")
    assert two.states()["shop-0001"] is State.EDITED


def test_a_deleted_file_can_still_be_shown(two: Runner, folder: Path) -> None:
    two.migrate()
    for path in folder.glob("shop-0002*"):
        path.unlink()
    migrations = read_migrations([folder])
    up, down = repair.show(two.url, two.settings, migrations, "shop-0002")
    assert "CREATE TABLE public.t2" in up
    assert down == "DROP TABLE public.t2;"
    with pytest.raises(MigrationError, match="no migration called nothing"):
        repair.show(two.url, two.settings, migrations, "nothing")


def dry_run(two: Runner) -> list[plans.Planned]:
    return plans.dry_run(two.url, two.settings, read_migrations([two.folder]))


def test_a_dry_run_tells_what_it_tried_and_leaves_nothing(
    two: Runner, write: Write, empty: Connection[Any]
) -> None:
    empty.execute("CREATE TABLE public.old AS SELECT generate_series(1, 500) AS id")
    empty.execute("ANALYZE public.old")
    write("shop-0003", "ALTER TABLE public.old ADD b text; SELECT FROM public.t1;")
    write("shop-0004", "CREATE INDEX CONCURRENTLY old_idx ON public.old (id);")
    write("shop-0005", "SELECT FROM public.t1;")
    planned = dry_run(two)
    assert [p.tried for p in planned] == [True, True, True, False, False]
    assert [p.transactional for p in planned] == [True, True, True, False, True]
    assert [p.reversible for p in planned] == [True, True, False, False, False]
    (old, t1) = planned[2].touches
    assert (old.table, old.rows) == ("public.old", 500)
    assert old.bytes > 0
    assert t1.table == "public.t1"
    assert set(two.states().values()) == {State.PENDING}
    assert empty.execute("SELECT to_regclass('public.t1')").fetchone() == (None,)


def test_a_dry_run_finds_what_would_fail(two: Runner, write: Write) -> None:
    write("shop-0003", "ALTER TABLE public.nothing ADD b text;")
    with pytest.raises(MigrationFailed, match=r"public\.nothing. does not exist"):
        dry_run(two)


def test_a_signed_plan_is_run_and_nothing_else(
    two: Runner, write: Write, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.json"
    signed = plans.write_plan(plan, dry_run(two))
    assert len(signed) == 64
    write("shop-0003", "SELECT 3;")

    def approve(due: Any) -> None:
        plans.require_plan(plan, due)

    with pytest.raises(HistoryError, match="they differ in shop-0003"):
        two.migrate(approve=approve)
    assert two.states()["shop-0001"] is State.PENDING
    (tmp_path / "migrations/shop/shop-0003.sql").unlink()
    write("shop-0002", "CREATE TABLE public.t2 (id bigint);")
    with pytest.raises(HistoryError, match="they differ in shop-0002"):
        two.migrate(approve=approve)
    write("shop-0002", "CREATE TABLE public.t2 (id integer);", "DROP TABLE public.t2;")
    assert len(two.migrate(approve=approve)) == 2


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"migrations": [{}]}'])
def test_a_file_that_is_no_plan_is_refused(
    two: Runner, tmp_path: Path, text: str
) -> None:
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(DrystoneError, match="not a plan"):
        plans.require_plan(tmp_path / "plan.json", [])


def test_a_plan_that_was_changed_is_refused(two: Runner, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plans.write_plan(plan, dry_run(two))
    document = json.loads(plan.read_text())
    document["migrations"].pop()
    plan.write_text(json.dumps(document))
    with pytest.raises(HistoryError, match="not what the plan holds"):
        plans.require_plan(plan, read_migrations([two.folder])[:1])
