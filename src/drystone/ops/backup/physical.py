"""A physical backup: the files of a whole server, by pg_basebackup."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

from drystone.database.session import connect
from drystone.database.sqlstates import translated
from drystone.errors import BackupError, DrystoneError
from drystone.ops.backup import folders, ledger
from drystone.ops.backup import manifest as manifests
from drystone.ops.backup.dumping import Backup
from drystone.ops.backup.manifest import Manifest
from drystone.ops.backup.programs import find_programs
from drystone.settings import Settings


def back_up_physically(conninfo: str, settings: Settings, *, root: Path) -> Backup:
    """Copy all files of the server to a new folder below ``root``, and check them.

    The log that makes them consistent is among them. Needs a role with REPLICATION,
    and a server that lets it in for replication. Raises BackupError.
    """
    begin, started = time.monotonic(), datetime.now(UTC)
    name = f"server-{started:%Y%m%dT%H%M%S}Z"
    with connect(conninfo, settings) as connection, translated():
        server = connection.info.parameter_status("server_version") or ""
    try:
        with folders.new_folder(root, name) as (folder, lock):
            manifest = _copy(conninfo, folder, lock, server, started)
            checksum = manifests.write_manifest(folder, manifest)
    except DrystoneError as error:
        ledger.record_failure(conninfo, settings, name=name, error=error)
        raise
    unrecorded = ledger.record(
        conninfo,
        settings,
        name=name,
        size=manifest.size,
        checksum=checksum,
        notes="physical: all databases of the server",
    )
    return Backup(root / name, manifest, time.monotonic() - begin, unrecorded)


def check_physically(path: Path, manifest: Manifest) -> None:
    """Compare a physical backup with PostgreSQL's own manifest. Raises BackupError."""
    programs = find_programs(int(manifest.program), program="pg_verifybackup")
    programs.run("pg_verifybackup", ["--quiet", path / manifests.DATA])


def _copy(
    conninfo: str, folder: Path, lock: int, server: str, started: datetime
) -> Manifest:
    version = int(server.split(".")[0])
    programs = find_programs(version, program="pg_basebackup")
    if programs.version != version:
        raise BackupError(
            f"pg_basebackup of PostgreSQL {version} itself is needed, to read its log",
            hint=f"Install the client programs of version {version}.",
        )
    data = folder / manifests.DATA
    programs.run(
        "pg_basebackup",
        [
            f"--pgdata={data}",
            "--checkpoint=fast",
            "--wal-method=stream",
            "--manifest-checksums=SHA256",
        ],
        conninfo=conninfo,
        keep_open=[lock],
    )
    # PostgreSQL's own manifest has the sum of every file but of the log beside them.
    programs.run("pg_verifybackup", ["--quiet", data])
    paths = [data / "backup_manifest", *(data / "pg_wal").glob("0*")]
    return Manifest(
        format=manifests.FORMAT,
        kind="physical",
        database="",
        server=server,
        program=str(version),
        started=started,
        finished=datetime.now(UTC),
        facts=None,
        files=manifests.sum_files(folder, paths),
    )
