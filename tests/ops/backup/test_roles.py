"""What a role without superuser can do, and what it is told of the rest."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo

from drystone.errors import PermissionDenied, RestoreRefused
from drystone.ops.backup import Backup, back_up, restore
from drystone.settings import Settings


@pytest.fixture
def service(own_empty: Connection[Any]) -> Iterator[str]:
    """A role that owns the empty database, and no superuser."""
    name = f"service_{secrets.token_hex(4)}"
    role = sql.Identifier(name)
    database = sql.Identifier(own_empty.info.dbname)
    own_empty.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
    own_empty.execute(sql.SQL("ALTER DATABASE {} OWNER TO {}").format(database, role))
    yield name
    own_empty.execute(sql.SQL("REASSIGN OWNED BY {} TO postgres").format(role))
    own_empty.execute(sql.SQL("DROP OWNED BY {}").format(role))
    own_empty.execute(sql.SQL("DROP ROLE {}").format(role))


def test_a_service_role_restores_once_a_superuser_did_what_it_is_told(
    backup: Backup,
    own_empty: Connection[Any],
    empty_url: str,
    service: str,
    settings: Settings,
) -> None:
    into = make_conninfo(empty_url, user=service)

    with pytest.raises(RestoreRefused) as caught:
        restore(backup.path, into, settings, jobs=2)

    hint = caught.value.hint or ""
    statements = hint.partition(": ")[2]
    assert "CREATE EXTENSION age;" in statements
    own_empty.execute(statements.encode())
    restored = restore(backup.path, into, settings, jobs=2, verify=True)
    assert restored.differences == []
    (note,) = restored.notes
    assert note.endswith("extension age, extension vector, schema ag_catalog")


def test_a_superuser_is_not_to_own_what_belongs_to_the_databases_owner(
    backup: Backup, empty_url: str, service: str, settings: Settings
) -> None:
    with pytest.raises(RestoreRefused, match=f"belongs to {service}"):
        restore(backup.path, empty_url, settings, jobs=1)


def test_a_role_that_may_not_read_a_table_makes_no_backup(
    own_empty: Connection[Any],
    empty_url: str,
    service: str,
    settings: Settings,
    tmp_path: Path,
) -> None:
    own_empty.execute("CREATE TABLE public.secret (value text)")
    url = make_conninfo(empty_url, user=service)

    with pytest.raises(PermissionDenied, match="secret"):
        back_up(url, settings, root=tmp_path, jobs=1)

    own_empty.execute("GRANT SELECT ON public.secret TO PUBLIC")
    own_empty.execute("ALTER TABLE public.secret ENABLE ROW LEVEL SECURITY")
    with pytest.raises(PermissionDenied, match="row-level security") as caught:
        back_up(url, settings, root=tmp_path, jobs=1)
    assert "BYPASSRLS" in str(caught.value.hint)
    assert list(tmp_path.iterdir()) == []
    own_empty.execute("ALTER TABLE public.secret DISABLE ROW LEVEL SECURITY")
    made = back_up(url, settings, root=tmp_path, jobs=1)
    assert made.unrecorded == "the database has no table core.backups"
