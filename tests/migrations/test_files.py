from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from drystone.errors import MigrationError
from drystone.migrations.files import read_migrations, with_dependencies
from tests.migrations.conftest import Write


def test_files_apply_in_the_order_of_their_names(write: Write, folder: Path) -> None:
    for name in ("b", "a", "c"):
        write(name, "SELECT 1;", "SELECT 2;")
    migrations = read_migrations([folder.parent])
    assert [m.id for m in migrations] == ["a", "b", "c"]
    assert {m.system for m in migrations} == {"shop"}
    assert migrations[0].down is not None


def test_a_folder_may_hold_migrations_itself(write: Write, folder: Path) -> None:
    write("a", "SELECT 1;")
    assert [m.system for m in read_migrations([folder])] == ["shop"]


def test_what_a_migration_depends_on_comes_first(write: Write, folder: Path) -> None:
    write("a", "-- depends: c\n-- depends: d b\nSELECT 1;")
    write("b", "SELECT 1;")
    write("c", "-- depends: d\nSELECT 1;")
    write("d", "SELECT 1;")
    assert [m.id for m in read_migrations([folder])] == ["d", "b", "c", "a"] or [
        m.id for m in read_migrations([folder])
    ] == ["b", "d", "c", "a"]


def test_a_circle_of_dependencies_is_shown(write: Write, folder: Path) -> None:
    write("a", "-- depends: b\nSELECT 1;")
    write("b", "-- depends: a\nSELECT 1;")
    with pytest.raises(MigrationError, match="a -> b -> a"):
        read_migrations([folder])


def test_an_unknown_dependency_is_located(write: Write, folder: Path) -> None:
    path = write("a", "-- depends: nothing\nSELECT 1;")
    with pytest.raises(MigrationError, match="nothing, which does not exist") as caught:
        read_migrations([folder])
    assert caught.value.location is not None
    assert caught.value.location.file == path


def test_a_system_brings_what_it_builds_on_and_nothing_else(tmp_path: Path) -> None:
    for name, text in {
        "core/core-1.sql": "SELECT 1;",
        "core/core-2.sql": "SELECT 1;",
        "core/core-3.sql": "SELECT 1;",
        "shop/shop-1.sql": "-- depends: core-2\nSELECT 1;",
        "shop/shop-2.sql": "SELECT 1;",
        "promo/promo-1.sql": "-- depends: core-1\nSELECT 1;",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    migrations = read_migrations([tmp_path])
    chosen = [m.id for m in with_dependencies(migrations, ["shop"])]
    assert chosen == ["core-1", "core-2", "shop-1", "shop-2"]
    assert with_dependencies(migrations, []) == migrations
    with pytest.raises(MigrationError, match="system called shoop") as caught:
        with_dependencies(migrations, ["shoop"])
    assert caught.value.hint == "There are: core, promo, shop."


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same.sql").write_text("SELECT 1;")
    with pytest.raises(MigrationError, match="two migrations are called same"):
        read_migrations([tmp_path])


def test_a_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match="no folder of migrations"):
        read_migrations([tmp_path / "none"])


def test_a_file_in_another_encoding_is_refused(write: Write, folder: Path) -> None:
    write("a", "").write_bytes("SELECT 'é';".encode("latin-1"))
    with pytest.raises(MigrationError, match="not UTF-8"):
        read_migrations([folder])


def test_line_endings_and_a_byte_order_mark_make_no_difference(
    write: Write, folder: Path
) -> None:
    path = write("a", "SELECT 1;\nSELECT 2;\n")
    plain = read_migrations([folder])[0].up.checksum
    path.write_bytes(b"\xef\xbb\xbfSELECT 1;\r\nSELECT 2;\r\n")
    assert read_migrations([folder])[0].up.checksum == plain


def test_the_ledgers_key_is_yoyos(write: Write, folder: Path) -> None:
    write("shop-0001-create", "SELECT 1;")
    digest = hashlib.sha256(b"shop-0001-create").hexdigest()
    assert read_migrations([folder])[0].hash == digest


def test_the_directive_can_only_take_the_transaction_away(
    write: Write, folder: Path
) -> None:
    write("a", "-- transactional: false\nSELECT 1;")
    write("b", "-- transactional: true\nVACUUM;")
    write("c", "SELECT 1;")
    found = [m.up.transactional for m in read_migrations([folder])]
    assert found == [False, False, True]


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("-- transaction: false", "Did you mean transactional?"),
        ("-- depend: a", "Did you mean depends?"),
        ("-- frobnicate: yes", "There are: batch, depends"),
    ],
)
def test_a_directive_that_does_not_exist_is_refused(
    write: Write, folder: Path, line: str, hint: str
) -> None:
    path = write("a", f"-- What it does.\n{line}\nSELECT 1;")
    with pytest.raises(MigrationError, match="no directive called") as caught:
        read_migrations([folder])
    assert str(caught.value.location) == f"{path}:2"
    assert str(caught.value.hint).startswith(hint)


def test_remarks_are_no_directives(write: Write, folder: Path) -> None:
    write(
        "a",
        "-- author: ada\n-- Lock: none\n-- squawk-ignore: x\n-- see a::b\nSELECT 1;\n"
        "-- transaction: of no account behind the first statement\n",
    )
    assert len(read_migrations([folder])) == 1
