"""``drystone backup`` and ``restore``: made, proven, kept, and brought back."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import click
from psycopg import ProgrammingError

from drystone.catalog import Difference
from drystone.cli import output
from drystone.cli.context import Context, json_option, pass_context
from drystone.errors import SettingsError
from drystone.ops import backup as backups
from drystone.settings import without_password

_DIFFERENT = 1
_TERMINATED = 143

_out_option = click.option(
    "--out",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="The folder of backups; else the setting backup_folder.",
)
_jobs_option = click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=lambda: min(os.cpu_count() or 1, 4),
    show_default="the processors, 4 at most",
    help="How many tables to work on at a time.",
)
_path_argument = click.argument(
    "path", type=click.Path(exists=True, file_okay=False, path_type=Path)
)


@click.group(invoke_without_command=True)
@_out_option
@_jobs_option
@click.option(
    "--physical", is_flag=True, help="The whole server's files, by pg_basebackup."
)
@json_option
@click.pass_context
@pass_context
def backup(
    context: Context,
    invocation: click.Context,
    /,
    *,
    out: Path | None,
    jobs: int,
    physical: bool,
    as_json: bool,
) -> None:
    """Back the database up: a dump and a manifest of one snapshot."""
    if (subcommand := invocation.invoked_subcommand) is not None:
        if out is not None or physical or as_json:
            raise click.UsageError(f"options of {subcommand} stand behind it")
        return
    conninfo, settings = context.target.conninfo, context.settings
    root = backups.backup_folder(settings, out)
    with _ended_by_sigterm():
        if physical:
            made = backups.back_up_physically(conninfo, settings, root=root)
        else:
            made = backups.back_up(conninfo, settings, root=root, jobs=jobs)
    facts = made.manifest.facts
    if as_json:
        output.document(
            {
                "path": str(made.path),
                "kind": made.manifest.kind,
                "database": made.manifest.database or None,
                "bytes": made.manifest.size,
                "seconds": round(made.seconds, 3),
                "recorded": made.unrecorded is None,
            }
        )
        return
    output.line(str(made.path))
    held = (
        "all files of the server"
        if facts is None
        else f"{len(facts.tables)} tables,"
        f" {sum(each.count for each in facts.tables.values()):,} rows,"
        f" {_size(made.manifest.size)}"
    )
    output.line(f"backed up {held} in {output.duration(made.seconds)}")
    if made.unrecorded is not None:
        output.line(f"not in the ledger: {made.unrecorded}", stderr=True)


@backup.command("list")
@_out_option
@json_option
@pass_context
def list_backups(context: Context, *, out: Path | None, as_json: bool) -> None:
    """List the backups that are whole, newest first."""
    found = backups.find_backups(backups.backup_folder(context.settings, out))
    if as_json:
        shown = [
            {
                "path": str(each.path),
                "kind": each.manifest.kind,
                "database": each.manifest.database or None,
                "started": each.manifest.started.isoformat(),
                "bytes": each.manifest.size,
                "verified": each.verified.isoformat() if each.verified else None,
            }
            for each in found
        ]
        output.document({"backups": shown})
        return
    output.table(
        ("path", "kind", "started", "size", "verified"),
        [
            (
                str(each.path),
                each.manifest.kind,
                f"{each.manifest.started:%Y-%m-%d %H:%M}",
                _size(each.manifest.size) if each.manifest.facts else "",
                f"{each.verified:%Y-%m-%d}" if each.verified else "not yet",
            )
            for each in found
        ],
        right=["size"],
    )


@backup.command()
@_out_option
@click.option("--dry-run", is_flag=True, help="Only show what would be deleted.")
@json_option
@pass_context
def prune(context: Context, *, out: Path | None, dry_run: bool, as_json: bool) -> None:
    """Delete the backups that the settings backup_keep_* do not keep."""
    root = backups.backup_folder(context.settings, out)
    keep = backups.Keep.of(context.settings)
    deleted = backups.prune(root, keep, dry_run=dry_run)
    if as_json:
        output.document(
            {"dry_run": dry_run, "deleted": [str(path) for path in deleted]}
        )
        return
    for path in deleted:
        output.line(f"{'would delete' if dry_run else 'deleted'} {path}")
    output.line(f"{len(backups.find_backups(root))} backups are in {root}")


@backup.command()
@_path_argument
@_jobs_option
@json_option
@pass_context
def verify(context: Context, *, path: Path, jobs: int, as_json: bool) -> None:
    """Restore a backup into a scratch database, compare, and drop that again."""
    with _ended_by_sigterm():
        restored = backups.verify(
            path,
            context.target.conninfo,
            context.settings,
            jobs=jobs,
            told=(lambda *_: None) if as_json else _tell_step,
        )
    _report(restored, "verified", as_json=as_json)


@click.command()
@_path_argument
@click.option(
    "--into", required=True, metavar="URL", help="An empty database to restore into."
)
@click.option("--verify", is_flag=True, help="Compare it with the backup afterwards.")
@_jobs_option
@json_option
@pass_context
def restore(
    context: Context, *, path: Path, into: str, verify: bool, jobs: int, as_json: bool
) -> None:
    """Restore a backup into an empty database, and mend its graphs."""
    try:
        done = f"restored into {without_password(into)}"
    except ProgrammingError:
        raise SettingsError(
            "--into is not a PostgreSQL URL or conninfo",
            hint="It looks like postgresql://user@host:5432/database.",
        ) from None
    with _ended_by_sigterm():
        restored = backups.restore(
            path,
            into,
            context.settings,
            jobs=jobs,
            verify=verify,
            told=(lambda *_: None) if as_json else _tell_step,
        )
    _report(restored, done, as_json=as_json)


def _report(restored: backups.Restored, done: str, *, as_json: bool) -> None:
    """Tell what was done; exit with 1 if the result differs from the backup."""
    differences = restored.differences
    if as_json:
        output.document(
            {
                "seconds": round(restored.seconds, 3),
                "steps": {name: round(s, 3) for name, s in restored.steps.items()},
                "notes": restored.notes,
                "differences": None
                if differences is None
                else [_difference(each) for each in differences],
            }
        )
    else:
        for note in restored.notes:
            output.line(note, style="yellow")
        for each in differences or ():
            output.line(f"{each.kind} {each.object}", style="bold red")
            output.line(f"  backup: {each.before or 'absent'}")
            output.line(f"  database: {each.after or 'absent'}")
        compared = "" if differences is None else f", {len(differences)} differences"
        output.line(f"{done} in {output.duration(restored.seconds)}{compared}")
    if differences:
        raise SystemExit(_DIFFERENT)


def _difference(each: Difference) -> dict[str, Any]:
    return {
        "kind": each.kind,
        "object": each.object,
        "backup": each.before,
        "database": each.after,
    }


def _tell_step(step: str, seconds: float) -> None:
    output.line(f"{step} ({output.duration(seconds)})")


def _size(count: int) -> str:
    return f"{count / 1e6:,.1f} MB" if count < 1e9 else f"{count / 1e9:,.1f} GB"


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Tidy up when a service manager or a container's end interrupts."""

    def end(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(_TERMINATED)

    former = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)
