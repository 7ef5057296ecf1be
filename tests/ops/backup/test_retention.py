"""Which backups go, and which never do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drystone.ops.backup.folders import Found, find_backups, mark_verified
from drystone.ops.backup.manifest import Manifest, write_manifest
from drystone.ops.backup.retention import Keep, prune, superfluous
from tests.cli.conftest import Drystone

NEWEST = datetime(2026, 11, 21, 3, tzinfo=UTC)


def found(started: datetime, *, verified: bool = False) -> Found:
    return Found(
        Path(f"{started:%Y%m%dT%H%M%S}"),
        manifest(started),
        started if verified else None,
    )


def manifest(started: datetime, database: str = "app") -> Manifest:
    return Manifest(
        format=1,
        kind="logical",
        database=database,
        server="18.1",
        program="18",
        started=started,
        finished=started,
        facts=None,
        files={},
    )


def ages(backups: list[Found], keep: Keep) -> list[int]:
    """Days before the newest of those that stay."""
    gone = {id(each) for each in superfluous(backups, keep)}
    kept = [each for each in backups if id(each) not in gone]
    return sorted((NEWEST - each.manifest.started).days for each in kept)


def daily(count: int) -> list[Found]:
    return [found(NEWEST - timedelta(days=age)) for age in range(count)]


def test_the_last_and_one_of_each_day_week_and_month_stay() -> None:
    backups = daily(100)  # back to the 14th of August; the newest is a Saturday
    assert ages(backups, Keep(3, 0, 0, 0)) == [0, 1, 2]
    assert ages(backups, Keep(1, 5, 0, 0)) == [0, 1, 2, 3, 4]
    assert ages(backups, Keep(1, 0, 3, 0)) == [0, 6, 13]
    assert ages(backups, Keep(1, 0, 0, 3)) == [0, 21, 52]
    assert ages(backups, Keep(2, 3, 2, 2)) == [0, 1, 2, 6, 21]


def test_days_without_a_backup_do_not_count() -> None:
    backups = [found(NEWEST - timedelta(days=age)) for age in (0, 40, 41, 300)]
    assert ages(backups, Keep(1, 3, 0, 0)) == [0, 40, 41]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.integers(0, 4000), st.booleans()), max_size=30),
    st.tuples(*[st.integers(0, 5)] * 4),
)
def test_the_newest_and_the_newest_verified_one_always_stay(
    drawn: list[tuple[int, bool]], numbers: tuple[int, int, int, int]
) -> None:
    backups = [
        found(NEWEST - timedelta(hours=hours), verified=verified)
        for hours, verified in drawn
    ]
    gone = {id(each) for each in superfluous(backups, Keep(*numbers))}
    kept = [each for each in backups if id(each) not in gone]
    for there in (backups, [each for each in backups if each.verified]):
        newest = max((each.manifest.started for each in there), default=None)
        among = [each for each in kept if each.verified or there is backups]
        assert newest is None or newest in {each.manifest.started for each in among}


def test_prune_deletes_from_the_folder_what_it_showed_before(
    drystone: Drystone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "backups"
    for age in range(4):
        for database in ("app", "other"):
            path = root / f"{database}-{age}"
            path.mkdir(parents=True)
            write_manifest(path, manifest(NEWEST - timedelta(days=age), database))
    mark_verified(root / "app-2")
    (root / "app-9").mkdir()
    (root / "app-9" / "manifest.json").write_text("torn")
    monkeypatch.setenv("DRYSTONE_BACKUP_FOLDER", str(root))
    for name in ("DAILY", "WEEKLY", "MONTHLY"):
        monkeypatch.setenv(f"DRYSTONE_BACKUP_KEEP_{name}", "0")
    monkeypatch.setenv("DRYSTONE_BACKUP_KEEP_LAST", "1")
    expected = {"app-1", "app-3", "other-1", "other-2", "other-3"}

    shown = drystone("backup", "prune", "--dry-run", "--json").document

    assert {Path(path).name for path in shown["deleted"]} == expected
    assert len(drystone("backup", "list", "--json").document["backups"]) == 8
    assert drystone("backup", "--out", str(root), "prune").code == 2
    assert "3 backups are in" in drystone("backup", "prune").out
    assert {each.path.name for each in find_backups(root)} == {
        "app-0",
        "app-2",
        "other-0",
    }
    assert (root / "app-9").is_dir()  # whatever it is, it is none of ours
    assert "app-2" in drystone("backup", "list").out
    assert prune(tmp_path / "none", Keep(1, 1, 1, 1)) == []
