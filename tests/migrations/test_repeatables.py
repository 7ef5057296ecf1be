from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from drystone.errors import MigrationError, MigrationFailed
from drystone.migrations import runner
from drystone.migrations.files import read_migrations
from drystone.migrations.history import State
from drystone.migrations.repeatables import read_repeatables
from tests.migrations.conftest import Runner, Write

FILES = {
    "a_totals": "CREATE OR REPLACE VIEW public.totals AS"
    " SELECT id, public.doubled(id) AS twice FROM public.big;",
    "big": "CREATE OR REPLACE VIEW public.big AS SELECT id FROM public.t WHERE id > 5;",
    "doubled": "CREATE OR REPLACE FUNCTION public.doubled(n integer) RETURNS integer"
    " LANGUAGE sql RETURN 2 * n;",
    "report": "CREATE OR REPLACE FUNCTION public.report() RETURNS bigint"
    " LANGUAGE plpgsql AS"
    " $$ BEGIN RETURN (SELECT count(*) FROM public.totals); END $$;",
    "z_alone": "CREATE OR REPLACE VIEW public.alone AS SELECT 1 AS one;",
}


@pytest.fixture
def views(shop: Runner, write: Write, folder: Path) -> Path:
    """A migration with a table, and a folder of views and functions on it."""
    write("shop-0001", "CREATE TABLE public.t AS SELECT generate_series(1, 10) AS id;")
    (folder / "repeatable").mkdir()
    for name, text in FILES.items():
        (folder / "repeatable" / f"{name}.sql").write_text(text)
    return folder / "repeatable"


def migrate(shop: Runner, **options: Any) -> list[str]:
    done = runner.migrate(
        shop.url,
        shop.settings,
        read_migrations([shop.folder]),
        repeatables=read_repeatables([shop.folder]),
        **options,
    )
    return [each.id.removeprefix("shop/") for each in done]


def test_they_run_behind_the_migrations_in_the_order_of_their_names_for_each_other(
    shop: Runner, views: Path, empty: Connection[Any]
) -> None:
    done = migrate(shop)
    assert done[0] == "shop-0001"
    assert sorted(done[1:]) == sorted(FILES)
    assert done.index("big") < done.index("a_totals") < done.index("report")
    assert done.index("doubled") < done.index("a_totals")
    assert empty.execute("SELECT sum(twice), report() FROM totals").fetchone() == (
        80,
        5,
    )
    assert migrate(shop) == []


def test_a_change_runs_the_file_and_what_builds_on_it_alone(
    shop: Runner, views: Path, empty: Connection[Any]
) -> None:
    migrate(shop)
    path = views / "doubled.sql"
    path.write_text(FILES["doubled"].replace("2 * n", "3 * n"))
    assert migrate(shop) == ["doubled", "a_totals", "report"]
    assert empty.execute("SELECT sum(twice) FROM totals").fetchone() == (120,)


def test_a_run_up_to_a_migration_leaves_them_alone(shop: Runner, views: Path) -> None:
    assert migrate(shop, to="shop-0001") == ["shop-0001"]
    assert len(migrate(shop)) == len(FILES)


def test_one_that_fails_is_located_and_run_again(shop: Runner, views: Path) -> None:
    path = views / "big.sql"
    path.write_text(FILES["big"].replace("public.t ", "public.none "))
    with pytest.raises(MigrationFailed) as caught:
        migrate(shop)
    assert caught.value.location is not None
    assert caught.value.location.file == path
    path.write_text(FILES["big"])
    assert {"big", "a_totals", "report"} <= set(migrate(shop))


def test_a_circle_is_refused(views: Path, shop: Runner) -> None:
    (views / "big.sql").write_text(FILES["big"].replace("public.t ", "public.totals "))
    with pytest.raises(MigrationError, match="build on each other"):
        read_repeatables([shop.folder])


def test_they_are_no_migrations(shop: Runner, views: Path, folder: Path) -> None:
    assert [m.id for m in read_migrations([shop.folder])] == ["shop-0001"]
    assert [m.id for m in read_migrations([folder])] == ["shop-0001"]


def test_what_cannot_run_in_a_transaction_is_refused(shop: Runner, views: Path) -> None:
    (views / "big.sql").write_text("VACUUM;")
    with pytest.raises(MigrationError, match="runs in a transaction"):
        read_repeatables([shop.folder])


def test_the_status_tells_which_would_run_again(shop: Runner, views: Path) -> None:
    def pending() -> set[str]:
        entries = runner.status(
            shop.url,
            shop.settings,
            read_migrations([shop.folder]),
            read_repeatables([shop.folder]),
        )
        return {e.id for e in entries if e.state is State.PENDING}

    assert pending() == {"shop-0001", *(f"shop/{name}" for name in FILES)}
    migrate(shop)
    assert pending() == set()
    (views / "big.sql").write_text(FILES["big"].replace("5", "6"))
    assert pending() == {"shop/big", "shop/a_totals", "shop/report"}
