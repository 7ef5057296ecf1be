"""Which backups are kept, and which are deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path

from drystone.ops.backup import folders
from drystone.ops.backup.folders import Found
from drystone.settings import Settings


@dataclass(frozen=True, slots=True)
class Keep:
    """How many backups to keep: the last ones, and one for each of so many periods.

    Days, weeks (of ISO 8601) and months count in UTC, and only those with a backup.
    """

    last: int
    daily: int
    weekly: int
    monthly: int

    @classmethod
    def of(cls, settings: Settings) -> Keep:
        """Return what is configured."""
        return cls(
            settings.backup_keep_last,
            settings.backup_keep_daily,
            settings.backup_keep_weekly,
            settings.backup_keep_monthly,
        )


def prune(root: Path, keep: Keep, *, dry_run: bool = False) -> list[Path]:
    """Delete the backups of a folder that need not be kept, and return them.

    Databases, and physical backups, count apart. The newest verified backup of each is
    always kept, and the newest one. What killed runs left is deleted too.
    """
    if not dry_run and root.is_dir():
        folders.clear_leftovers(root)
    found = sorted(folders.find_backups(root), key=_group)
    deleted = [
        each.path
        for _, group in groupby(found, key=_group)
        for each in superfluous(list(group), keep)
    ]
    for path in () if dry_run else deleted:
        folders.delete(path)
    return deleted


def superfluous(backups: Iterable[Found], keep: Keep) -> list[Found]:
    """Return the backups, of one database, that need not be kept; newest first."""
    newest_first = sorted(backups, key=_started, reverse=True)
    verified = [each for each in newest_first if each.verified is not None]
    kept = {id(each) for each in [*newest_first[: max(keep.last, 1)], *verified[:1]]}
    periods: Sequence[tuple[int, Callable[[datetime], object]]] = (
        (keep.daily, datetime.date),
        (keep.weekly, lambda at: at.isocalendar()[:2]),
        (keep.monthly, lambda at: (at.year, at.month)),
    )
    for count, period in periods:
        newest: dict[object, int] = {}
        for each in newest_first:
            newest.setdefault(period(_started(each)), id(each))
        kept |= set(list(newest.values())[:count])
    return [each for each in newest_first if id(each) not in kept]


def _started(backup: Found) -> datetime:
    return backup.manifest.started


def _group(backup: Found) -> tuple[str, str]:
    return backup.manifest.kind, backup.manifest.database
