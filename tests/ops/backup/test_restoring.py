"""What was restored is what was backed up; every difference is found and named."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection, sql

from drystone.database.session import connect
from drystone.errors import BackupError, RestoreRefused
from drystone.ops.backup import Backup, restore
from drystone.ops.backup.dumping import read_catalog
from drystone.ops.backup.restoring import differences
from drystone.ops.backup.targets import prepare_target
from drystone.settings import Settings
from tests.cli.conftest import Drystone

# Each with what it makes differ.
MUTATIONS = {
    "UPDATE core.seed_versions SET checksum = 'x' WHERE system = 'shop'": {
        ("rows", "core.seed_versions"),
    },
    """
    DELETE FROM event_network."COVERS"
    WHERE id = (SELECT id FROM event_network."COVERS" LIMIT 1)
    """: {
        ("rows", 'event_network."COVERS"'),
        ("graph label", "event_network.COVERS"),
        ("openCypher", "event_network"),
    },
    """
    UPDATE ideas.business_ideas SET embedding = (
        SELECT ('[' || string_agg((-component)::text, ',') || ']')::vector
        FROM unnest(embedding::real[]) AS component
    )
    WHERE id = (SELECT min(id::text) FROM ideas.business_ideas)::uuid
    """: {
        ("rows", "ideas.business_ideas"),
        ("nearest vectors", "ideas.business_ideas_embedding_idx"),
    },
    "UPDATE pg_extension SET extversion = '0.0' WHERE extname = 'vector'": {
        ("extension", "vector"),
    },
    "DROP TABLE core.webhook_events": {
        ("rows", "core.webhook_events"),
        ("table", "core.webhook_events"),
    },
    "SELECT setval('core.jobs_id_seq', 1000)": {("sequence", "core.jobs_id_seq")},
    "DROP INDEX core.backups_at_idx": {("index", "core.backups_at_idx")},
    "UPDATE ag_catalog.ag_label SET id = 99 WHERE name = 'Topic'": {
        ("graph label", "event_network.Topic"),
    },
}


def tables(connection: Connection[Any]) -> int:
    return connection.execute(
        "SELECT FROM pg_tables WHERE schemaname = 'shop'"
    ).rowcount


def test_a_restore_is_equal_and_every_mutation_of_it_is_named(
    backup: Backup, own_empty: Connection[Any], empty_url: str, settings: Settings
) -> None:
    own_empty.close()

    restored = restore(backup.path, empty_url, settings, jobs=2, verify=True)

    assert restored.differences == []
    assert restored.notes == []
    expected = set()
    with connect(empty_url, settings) as connection:
        connection.execute("SET session_replication_role = replica")
        for mutation, names in MUTATIONS.items():
            connection.execute(mutation.encode())
            expected |= names
    facts = backup.manifest.facts
    assert facts is not None
    found = differences(backup.path, empty_url, settings, facts, jobs=2)
    # What a table had is missing with it.
    parts = {"column", "comment", "constraint", "grant", "index"}
    assert {
        (each.kind, each.object)
        for each in found
        if not (each.kind in parts and "webhook_events" in each.object)
    } == expected
    rows = {each.object: each for each in found if each.kind == "rows"}
    covers = rows['event_network."COVERS"']
    assert (covers.before, covers.after) == ("25 rows", "24 rows")
    assert rows["core.webhook_events"].after is None
    (extension,) = (each for each in found if each.kind == "extension")
    assert extension.after == "version 0.0"


def test_a_backup_while_rows_are_written_is_of_one_moment(
    drystone: Drystone,
    own: Connection[Any],
    database_url: str,
    empty_url: str,
    tmp_path: Path,
) -> None:
    """Settings of the database come along, which no dump holds."""
    name = sql.Identifier(own.info.dbname)
    alter = sql.SQL("ALTER DATABASE {} SET {} = {}")
    path = sql.SQL("'$user', public, ag_catalog")
    own.execute(alter.format(name, sql.Identifier("search_path"), path))
    own.execute(alter.format(name, sql.Identifier("work_mem"), "5MB"))
    own.execute(alter.format(name, sql.Identifier("app", "flavour"), "stone"))
    done = threading.Event()

    def write() -> None:
        with psycopg.connect(database_url, autocommit=True) as writer:
            while not done.is_set():
                writer.execute(
                    "INSERT INTO core.outbox (queue, name, payload)"
                    " VALUES ('email', 'send-email', '{}')"
                )

    writing = threading.Thread(target=write)
    writing.start()
    try:
        run = drystone("--database-url", database_url, "backup", "--json")
    finally:
        done.set()
        writing.join()

    assert run.code == 0, run.err
    made = Path(run.document["path"])
    assert made.parent == tmp_path / ".drystone" / "backups"
    (entry,) = own.execute("SELECT filename, verified FROM core.backups").fetchall()
    assert entry == (made.name, "pending")
    run = drystone("restore", str(made), "--into", empty_url, "--verify", "--json")
    assert (run.code, run.document["differences"]) == (0, [])
    with psycopg.connect(empty_url) as connection:
        shown = "SELECT current_setting(%s)"
        assert connection.execute(shown, ["search_path"]).fetchone() == (
            '"$user", public, ag_catalog',
        )
        assert connection.execute(shown, ["app.flavour"]).fetchone() == ("stone",)


def test_a_database_that_is_not_empty_is_refused_and_left_alone(
    drystone: Drystone, backup: Backup, own_empty: Connection[Any], empty_url: str
) -> None:
    own_empty.execute("CREATE TABLE public._yoyo_version (version integer)")

    run = drystone("restore", str(backup.path), "--into", empty_url)

    assert run.code == 3
    assert "is not empty" in run.err
    assert "CREATE DATABASE" in run.err
    own_empty.execute("DROP TABLE public._yoyo_version")
    own_empty.execute("CREATE FUNCTION public.f() RETURNS int RETURN 1")
    run = drystone("restore", str(backup.path), "--into", empty_url)
    assert (run.code, "function public.f()" in run.err) == (3, True)
    assert tables(own_empty) == 0


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        ("corrupt", "is corrupt"),
        ("truncated", "bytes instead of"),
        ("missing", "is missing"),
    ],
)
def test_a_damaged_file_is_named_before_anything_is_restored(
    backup: Backup,
    own_empty: Connection[Any],
    empty_url: str,
    settings: Settings,
    tmp_path: Path,
    damage: str,
    named: str,
) -> None:
    path = tmp_path / "copy"
    shutil.copytree(backup.path, path)
    victim = max((path / "data").iterdir(), key=lambda file: file.stat().st_size)
    content = bytearray(victim.read_bytes())
    if damage == "corrupt":
        content[len(content) // 2] ^= 1
        victim.write_bytes(content)
    elif damage == "truncated":
        victim.write_bytes(content[:-1])
    else:
        victim.unlink()

    with pytest.raises(BackupError) as caught:
        restore(path, empty_url, settings, jobs=1)

    assert f"{victim}" in caught.value.message
    assert named in caught.value.message
    assert tables(own_empty) == 0


def test_a_manifest_that_was_changed_is_refused(backup: Backup, tmp_path: Path) -> None:
    path = tmp_path / "copy"
    shutil.copytree(backup.path, path)
    manifest = path / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"count": 13', '"count": 12'))

    with pytest.raises(BackupError, match="is not what was written"):
        restore(path, "dbname=nowhere", Settings(), jobs=1)

    with pytest.raises(BackupError, match="is no backup"):
        restore(tmp_path, "dbname=nowhere", Settings(), jobs=1)


def test_a_wrong_target_is_refused_without_being_shown(
    drystone: Drystone, backup: Backup
) -> None:
    run = drystone("restore", str(backup.path), "--into", "postgresql://a:hunter2@[")
    assert run.code == 2
    assert "--into is not" in run.err
    assert "hunter2" not in run.out + run.err


def test_a_server_without_the_extension_is_refused(
    backup: Backup, own_empty: Connection[Any], settings: Settings, tmp_path: Path
) -> None:
    """Its name comes from the manifest: there it is another one."""
    facts = backup.manifest.facts
    assert facts is not None
    changed = backup.manifest.model_copy(
        update={"facts": facts.model_copy(update={"extensions": {"postgis": "3"}})}
    )
    with pytest.raises(RestoreRefused, match="extension postgis"):
        prepare_target(own_empty, changed, read_catalog(backup.path))
    older = backup.manifest.model_copy(update={"server": "99.1"})
    with pytest.raises(RestoreRefused, match="this server is older"):
        prepare_target(own_empty, older, read_catalog(backup.path))
