"""The drill: a backup restored into a database made for it, compared, and dropped."""

from __future__ import annotations

import time
from pathlib import Path

from drystone.database.scratch import scratch_database
from drystone.errors import DrystoneError
from drystone.ops.backup import folders, ledger
from drystone.ops.backup import manifest as manifests
from drystone.ops.backup.physical import check_physically
from drystone.ops.backup.restoring import Restored, Told, restore
from drystone.ops.backup.targets import locale_options
from drystone.settings import Settings


def verify(
    path: Path,
    conninfo: str,
    settings: Settings,
    *,
    jobs: int,
    told: Told = lambda _step, _seconds: None,
) -> Restored:
    """Prove that a backup can be restored, on a scratch database beside ``conninfo``.

    A physical backup is checked by pg_verifybackup: its files, and the log that they
    need. The verdict is noted beside the backup and, where there is one, in the ledger
    of ``conninfo``. Raises what :func:`drystone.ops.backup.restore` raises.
    """
    manifest = manifests.read_manifest(path)
    checksum = manifests.checksum_of(path)
    try:
        if manifest.facts is None:
            begin = time.monotonic()
            manifests.require_whole(path)
            check_physically(path, manifest)
            restored = Restored(manifest, time.monotonic() - begin, differences=[])
        else:
            options = locale_options(manifest.facts.locale)
            with scratch_database(conninfo, settings, options=options) as scratch:
                restored = restore(
                    path, scratch, settings, jobs=jobs, verify=True, told=told
                )
    except DrystoneError as error:
        ledger.record_verdict(
            conninfo, settings, checksum=checksum, verified=False, notes=error.message
        )
        raise
    count = len(restored.differences or ())
    if not count:
        try:
            folders.mark_verified(path)
        except OSError as error:
            restored.notes.append(f"not noted in {path}: {error.strerror}")
    refused = ledger.record_verdict(
        conninfo,
        settings,
        checksum=checksum,
        verified=not count,
        notes=f"restored in {restored.seconds:.0f} s, {count} differences",
    )
    if refused is not None:
        restored.notes.append(f"not in the ledger: {refused}")
    return restored
