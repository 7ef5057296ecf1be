from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from drystone.catalog import read_snapshot, structure
from drystone.errors import SettingsError
from drystone.migrations.structure_file import keep_structure
from drystone.settings import Settings

STRUCTURE = Path(__file__).parents[2] / "sql" / "structure.sql"


def test_the_structure_in_the_project_is_what_its_migrations_make(
    connection: Connection[Any],
) -> None:
    """When this fails: make migrate, and commit sql/structure.sql."""
    expected = structure(read_snapshot(connection))
    assert STRUCTURE.read_text(encoding="utf-8") == expected


def test_it_is_written_where_the_settings_say_and_only_if_it_changed(
    own: Connection[Any], database_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "structure.sql"
    settings = Settings(structure=path)
    keep_structure(database_url, Settings())
    assert not path.exists()
    keep_structure(database_url, settings)
    first = path.stat().st_ino, path.stat().st_mtime_ns
    keep_structure(database_url, settings)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == first
    own.execute("CREATE TABLE public.added (id integer)")
    keep_structure(database_url, settings)
    assert "CREATE TABLE public.added" in path.read_text()


def test_a_place_that_cannot_be_written_is_named(
    database_url: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="structure cannot be written"):
        keep_structure(database_url, Settings(structure=tmp_path / "no" / "file.sql"))
