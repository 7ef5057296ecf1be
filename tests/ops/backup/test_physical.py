"""A whole server from its files and its log, to the moment before a mistake."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo

from drystone.catalog import Snapshot, read_snapshot
from drystone.database.session import connect
from drystone.errors import BackupError
from drystone.migrations import runner
from drystone.migrations.files import read_migrations
from drystone.ops.backup import back_up, back_up_physically, restore, verify
from drystone.ops.backup.comparison import compare_catalogs, compare_facts
from drystone.ops.backup.graphs import probe_graphs
from drystone.ops.backup.manifest import Facts
from drystone.ops.backup.reading import read_facts
from drystone.ops.backup.sessions import snapshot_sessions
from drystone.settings import Settings
from drystone.systems import seeding, shipped
from tests.clusters import Cluster, opened_cluster

from .test_document import blocks

pytestmark = pytest.mark.long

DEADLINE = 60

# As the runner's transaction could be: it commits, and nobody wanted that.
BAD_MIGRATION = """
DELETE FROM event_network."SPEAKS_AT";
UPDATE events.events SET embedding = NULL;
DROP TABLE shop.payments CASCADE
"""


def settings_of(block: str) -> dict[str, str]:
    """Read lines of postgresql.conf."""
    return dict(re.findall(r"^(\w+) = '?(.*?)'?$", block, re.MULTILINE))


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """A migrated and seeded server that archives its log as the page says."""
    archiving, _ = blocks("ini")
    with opened_cluster(archive_mode="on") as cluster:
        archive = cluster.make_folder("archive")
        archiving = archiving.replace("/srv/archive", str(archive))
        with connect(cluster.url(), Settings()) as connection:
            for name, value in settings_of(archiving).items():
                connection.execute(
                    sql.SQL("ALTER SYSTEM SET {} = {}").format(
                        sql.Identifier(name), sql.Literal(value)
                    )
                )
            connection.execute("SELECT pg_reload_conf()")
        migrations = read_migrations([shipped("migrations")])
        runner.migrate(cluster.url(), Settings(), migrations)
        with connect(cluster.url(), Settings()) as connection:
            for seed in seeding.find_seeds([shipped("sql")], stage="dev"):
                seeding.load(connection, seed)
        yield cluster


def recovered(server: Cluster, backups: Path, name: str, changes: str) -> Cluster:
    """Do what the page says, with ``changes`` in place of the target's name."""
    *_, commands = blocks("sh")
    _, recovery = blocks("ini")
    folder = server.make_folder(name)
    commands = commands.replace("/srv/backups", str(backups))
    commands = commands.replace("/srv/recovered", f"{folder}/data")
    commands = commands.replace("postgres:", f"{folder.owner()}:")
    subprocess.run(["sh", "-euc", commands], check=True)
    recovery = recovery.replace("/srv/archive", f"{server.folder}/archive")
    recovery = re.sub("^recovery_target_name.*$", changes, recovery, flags=re.MULTILINE)
    with (folder / "data" / "postgresql.auto.conf").open("a") as file:
        file.write(recovery)
    cluster = Cluster(folder)
    cluster.start()
    return cluster


def measured(url: str) -> tuple[Facts, Snapshot]:
    with snapshot_sessions(url, Settings(), 1) as (sessions, tables, _):
        return read_facts(sessions, tables), read_snapshot(sessions[0])


def archived(connection: Connection[Any]) -> None:
    """Wait until all of the log that there is now lies in the archive."""
    row = connection.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone()
    deadline = time.monotonic() + DEADLINE
    query = "SELECT last_archived_wal >= %s FROM pg_stat_archiver"
    while connection.execute(query, row).fetchone() != (True,):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def promoted(connection: Connection[Any]) -> None:
    deadline = time.monotonic() + DEADLINE
    query = "SELECT pg_is_in_recovery()"
    while connection.execute(query).fetchone() != (False,):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_server_comes_back_as_it_was_just_before_a_bad_migration(
    server: Cluster, tmp_path: Path
) -> None:
    made = back_up_physically(server.url(), Settings(), root=tmp_path)
    assert made.unrecorded is None
    with connect(server.url(), Settings()) as connection:
        for number in range(20):
            connection.execute(
                "INSERT INTO core.seed_versions (system, stage, version, checksum)"
                " VALUES ('shop', 'bench', %s, 'after the backup')",
                [number],
            )
        connection.execute(
            "UPDATE events.events SET embedding = ("
            " SELECT ('[' || string_agg((-x)::text, ',') || ']')::vector"
            " FROM unnest(embedding::real[]) AS x)"
            " WHERE id = (SELECT min(id::text) FROM events.events)::uuid"
        )
        before, structure = measured(server.url())
        (restore_point,) = blocks("sql")
        connection.execute(restore_point.encode())
        at = connection.execute("SELECT clock_timestamp()").fetchone()
        assert at is not None
        with connection.transaction():
            xid = connection.execute("SELECT pg_current_xact_id()::text").fetchone()
            assert xid is not None
            connection.execute(BAD_MIGRATION)
        connection.execute("DELETE FROM core.seed_versions")
        archived(connection)
    spoiled, _ = measured(server.url())
    assert compare_facts(before, spoiled)

    moment: datetime = at[0]
    for name, target in {
        "name": "recovery_target_name = 'before-the-migration'",
        "time": f"recovery_target_time = '{moment.isoformat()}'",
        "transaction": f"recovery_target_xid = '{xid[0]}'\n"
        "recovery_target_inclusive = off",
    }.items():
        cluster = recovered(server, tmp_path, name, target)
        try:
            with connect(cluster.url(), Settings()) as connection:
                promoted(connection)
            found, catalog = measured(cluster.url())
            with connect(cluster.url(), Settings()) as connection:
                assert probe_graphs(connection, before.graphs) == []
        finally:
            cluster.stop("immediate")
        assert compare_catalogs(structure, catalog) == []
        # Up to 32 values of a sequence are skipped when a server recovers.
        different = compare_facts(before, found)
        assert [each for each in different if each.kind != "sequence"] == []


def test_a_physical_backup_is_checked_and_a_damaged_one_is_named(
    server: Cluster, tmp_path: Path
) -> None:
    made = back_up_physically(server.url(), Settings(), root=tmp_path)

    assert verify(made.path, server.url(), Settings(), jobs=1).differences == []

    with connect(server.url(), Settings()) as connection:
        entry = connection.execute(
            "SELECT verified FROM core.backups WHERE filename = %s", [made.path.name]
        )
        assert entry.fetchone() == ("verified",)
    with pytest.raises(BackupError, match="physical"):
        restore(made.path, server.url(), Settings(), jobs=1)
    victim = max(
        (made.path / "data" / "base").rglob("*"), key=lambda f: f.stat().st_size
    )
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    with pytest.raises(BackupError, match=f"checksum mismatch.*{victim.name}"):
        verify(made.path, server.url(), Settings(), jobs=1)


def test_a_server_without_the_roles_and_with_another_locale_is_brought_to_them(
    server: Cluster, own_empty: Connection[Any], tmp_path: Path
) -> None:
    with connect(server.url(), Settings()) as connection:
        connection.execute("CREATE ROLE wall_group")
        connection.execute("CREATE ROLE wall_reader LOGIN IN ROLE wall_group")
        connection.execute("GRANT SELECT ON shop.orders TO wall_reader, wall_group")
        connection.execute("CREATE ROLE wall_owner")
        connection.execute("CREATE TABLE public.owned (stone text)")
        connection.execute("ALTER TABLE public.owned OWNER TO wall_owner")
    made = back_up(server.url(), Settings(), root=tmp_path, jobs=2)
    host, port = own_empty.info.host, own_empty.info.port
    own_empty.execute("DROP DATABASE IF EXISTS wall")
    own_empty.execute("CREATE DATABASE wall TEMPLATE template0")
    url = make_conninfo(host=host, port=port, user="postgres", dbname="wall")
    try:
        restored = restore(made.path, url, Settings(), jobs=2, verify=True)
        assert {each.kind for each in restored.differences or ()} <= {"locale", "rows"}
        locale, *roles = restored.notes
        assert roles == [
            f"made the role {name}, without a login"
            for name in ("wall_group", "wall_owner", "wall_reader")
        ]
        with connect(url, Settings()) as connection:
            assert connection.execute(
                "SELECT pg_has_role('wall_reader', 'wall_group', 'USAGE'),"
                " (SELECT rolcanlogin FROM pg_roles WHERE rolname = 'wall_reader'),"
                " (SELECT tableowner FROM pg_tables WHERE tablename = 'owned')"
            ).fetchone() == (True, False, "wall_owner")

        own_empty.execute("DROP DATABASE wall")
        create = "CREATE DATABASE wall" + locale.partition("CREATE DATABASE …")[2]
        own_empty.execute(f"{create} OWNER wall_group".encode())
        restored = restore(made.path, url, Settings(), jobs=2, verify=True)
        assert restored.differences == []
        assert restored.notes == [
            "the database wall belongs to postgres now, as in the backup"
        ]
        assert verify(made.path, url, Settings(), jobs=2).differences == []
    finally:
        own_empty.execute("DROP DATABASE IF EXISTS wall")
        for name in ("wall_reader", "wall_group", "wall_owner"):
            own_empty.execute(
                sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name))
            )
