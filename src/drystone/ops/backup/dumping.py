"""A logical backup: a dump and a manifest, both of one snapshot."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from drystone.catalog import Snapshot, read_snapshot
from drystone.errors import DrystoneError, PermissionDenied
from drystone.ops.backup import folders, ledger
from drystone.ops.backup import manifest as manifests
from drystone.ops.backup.manifest import Facts, Manifest
from drystone.ops.backup.programs import find_programs
from drystone.ops.backup.reading import read_facts, read_sequences
from drystone.ops.backup.sessions import snapshot_sessions
from drystone.settings import Settings


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made. ``unrecorded`` says why the ledger has no entry."""

    path: Path
    manifest: Manifest
    seconds: float
    unrecorded: str | None


def back_up(conninfo: str, settings: Settings, *, root: Path, jobs: int) -> Backup:
    """Dump a database to a new folder below ``root``, with ``jobs`` at a time.

    Readers and writers go on. What takes an ACCESS EXCLUSIVE lock, such as most of
    ALTER TABLE, waits. The backup is there when this returns, and on the disk;
    after an error there is none. Raises BackupError, SettingsError without a fitting
    pg_dump, LockNotAvailable where a table stays locked for a minute.
    """
    begin, started = time.monotonic(), datetime.now(UTC)
    name = f"{_filename(conninfo)}-{started:%Y%m%dT%H%M%S}Z"
    try:
        with folders.new_folder(root, name) as (folder, lock):
            manifest = _dump(conninfo, settings, folder, lock, jobs, started)
            checksum = manifests.write_manifest(folder, manifest)
    except DrystoneError as error:
        if isinstance(error, PermissionDenied):
            error.hint = (
                "A backup reads all of every table: grant pg_read_all_data to its role,"
                " and let it have BYPASSRLS where policies hide rows."
            )
        ledger.record_failure(conninfo, settings, name=name, error=error)
        raise
    unrecorded = ledger.record(
        conninfo, settings, name=name, size=manifest.size, checksum=checksum
    )
    return Backup(root / name, manifest, time.monotonic() - begin, unrecorded)


def _dump(
    conninfo: str,
    settings: Settings,
    folder: Path,
    lock: int,
    jobs: int,
    started: datetime,
) -> Manifest:
    with snapshot_sessions(conninfo, settings, jobs) as (sessions, tables, snapshot):
        leader = sessions[0]
        programs = find_programs(leader.info.server_version // 10_000)
        before = read_sequences(leader)
        arguments = [
            "--format=directory",
            f"--file={folder / manifests.DATA}",
            f"--jobs={jobs}",
            f"--snapshot={snapshot}",
            "--no-sync",  # all of the folder is synchronised at its end
        ]
        with programs.running(
            "pg_dump", arguments, conninfo=conninfo, keep_open=[lock]
        ) as running:
            write_catalog(folder, read_snapshot(leader))
            facts = read_facts(sessions, tables)
            running.wait()
        facts = _with_sequences(facts, before, after=read_sequences(leader))
        database = leader.info.dbname
        server = leader.info.parameter_status("server_version") or ""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    files = manifests.sum_files(folder, [p for p in paths if p.parent != folder])
    files |= manifests.sum_files(folder, [folder / manifests.CATALOG])
    return Manifest(
        format=manifests.FORMAT,
        kind="logical",
        database=database,
        server=server,
        program=str(programs.version),
        started=started,
        finished=datetime.now(UTC),
        facts=facts,
        files=files,
    )


def _with_sequences(
    facts: Facts, before: dict[str, manifests.Range], after: dict[str, manifests.Range]
) -> Facts:
    ranges = {
        name: manifests.Range(low=found.low, high=after[name].high)
        for name, found in before.items()
        if name in after
    }
    return facts.model_copy(update={"sequences": ranges})


def write_catalog(folder: Path, snapshot: Snapshot) -> None:
    """Write what the database consists of."""
    objects = [[*key, properties] for key, properties in snapshot.objects.items()]
    (folder / manifests.CATALOG).write_text(json.dumps(objects), encoding="utf-8")


def read_catalog(folder: Path) -> Snapshot:
    """Read what the database consisted of."""
    objects = json.loads((folder / manifests.CATALOG).read_text(encoding="utf-8"))
    return Snapshot({(kind, name): properties for kind, name, properties in objects})


def _filename(conninfo: str) -> str:
    """Return the database's name as a file may be called."""
    parts = conninfo_to_dict(conninfo)
    name = parts.get("dbname") or parts.get("user") or "database"
    return re.sub(r"[^\w.-]", "_", str(name))
