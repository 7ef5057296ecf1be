"""Backups that prove themselves: dumps with a manifest, restores that compare."""

from __future__ import annotations

from drystone.ops.backup.dumping import Backup, back_up
from drystone.ops.backup.folders import backup_folder, find_backups
from drystone.ops.backup.physical import back_up_physically
from drystone.ops.backup.restoring import Restored, restore
from drystone.ops.backup.retention import Keep, prune
from drystone.ops.backup.verifying import verify

__all__ = [
    "Backup",
    "Keep",
    "Restored",
    "back_up",
    "back_up_physically",
    "backup_folder",
    "find_backups",
    "prune",
    "restore",
    "verify",
]
