"""``drystone trace``: what the statements of the migrations lock, rewrite and scan."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any

import click
from rich.text import Text

from drystone.cli import output
from drystone.cli.context import Context, json_option, pass_context
from drystone.review.locks import LockMode
from drystone.review.trace.traces import HeldLock, MigrationTrace, StatementTrace
from drystone.review.trace.tracing import ROWS
from drystone.review.trace.tracing import trace as trace_migrations

_FINDINGS = 1
_INDENT = " " * 11
_UNWRAPPED = 400
_ROOM = 12  # for the time behind a line


@click.command()
@click.argument("systems", nargs=-1, metavar="[SYSTEM]...")
@click.option(
    "--only", multiple=True, metavar="ID", help="Trace this one; may be given again."
)
@click.option(
    "--rows",
    type=click.IntRange(min=0),
    default=ROWS,
    show_default=True,
    help="How many rows a table gets.",
)
@click.option("--rollback", is_flag=True, help="Show the ways back too.")
@json_option
@pass_context
def trace(
    context: Context,
    *,
    systems: tuple[str, ...],
    only: tuple[str, ...],
    rows: int,
    rollback: bool,
    as_json: bool,
) -> None:
    """Show which locks the migrations take, and for how long, on a scratch database.

    Shown is what they do to tables that were there before. It is a measurement: the
    exit code is 1 only if a migration fails.
    """
    traces = trace_migrations(
        context.target.conninfo,
        context.settings,
        context.read_migrations(),
        systems=systems,
        only=only or None,
        rows=rows,
        told=(lambda _: None) if as_json else partial(_tell, rollback=rollback),
    )
    if as_json:
        output.document({"migrations": [_as_json(each) for each in traces]})
    else:
        output.line(_summary(traces))
    if any(each.error or each.rollback_error for each in traces):
        raise SystemExit(_FINDINGS)


def _tell(each: MigrationTrace, *, rollback: bool) -> None:
    _tell_statements(each.id, each.statements)
    if each.error is not None:
        output.error(each.error)
    if rollback and each.rollback:
        _tell_statements(f"{each.id}, rolled back", each.rollback)
    if each.rollback_error is not None:
        output.error(each.rollback_error)


def _tell_statements(title: str, statements: Sequence[StatementTrace]) -> None:
    told = [statement for statement in statements if _is_told(statement)]
    seconds = output.duration(sum(statement.seconds for statement in statements))
    number = _counted(len(statements), "statement")
    what = number if told else f"{number}, touching nothing that was there"
    output.text(Text.assemble((title, "bold"), f"  {what}, ", seconds))
    for statement in told:
        head = statement.text.partition("\n")[0].rstrip(" (;")
        line = _shortened(f"  {f'line {statement.line}':<9}{head}", _ROOM)
        output.text(
            Text.assemble((line, "cyan"), f"  {output.duration(statement.seconds)}")
        )
        for style, detail in _details(statement, statements):
            _paragraph(detail, style)


def _is_told(statement: StatementTrace) -> bool:
    return bool(
        _shown_locks(statement)
        or statement.rewritten
        or statement.indexes_built
        or statement.scanned
    )


def _details(
    statement: StatementTrace, statements: Sequence[StatementTrace]
) -> Iterator[tuple[str, str]]:
    """Yield what to say of a statement, with a style for each line."""
    locks = _shown_locks(statement)
    for mode, group in groupby(locks, key=lambda lock: lock.mode):
        held = list(group)
        names = ", ".join(lock.object for lock in held)
        time = output.duration(max(lock.seconds for lock in held))
        style = "yellow" if mode.dangerous else ""
        yield style, f"{mode} on {names} for {time}: {_waiting(mode)}"
    scans = [f"{table} ({rows:,} rows)" for table, rows in statement.scanned.items()]
    for verb, objects in (
        ("rewrites", statement.rewritten),
        ("builds", statement.indexes_built),
        ("scans", scans),
    ):
        if objects:
            yield "", f"{verb} {', '.join(objects)}"
    under = [
        each
        for each in statements
        if any(lock.mode.dangerous and lock in each.under for lock in locks)
    ]
    if under:
        number, last = _counted(len(under), "more statement"), under[-1].line
        yield "bold red", f"then {number} under that lock, the last on line {last}"


def _shown_locks(statement: StatementTrace) -> list[HeldLock]:
    """Return the locks that anybody waits for; an index's if its table's is weaker."""
    table = max(
        (lock.mode.rank for lock in statement.locks if lock.kind != "index"), default=-1
    )
    return [
        lock
        for lock in statement.locks
        if lock.mode.blocks_vacuum and (lock.kind != "index" or lock.mode.rank > table)
    ]


def _waiting(mode: LockMode) -> str:
    *others, last = _blocks(mode)
    who = f"{', '.join(others)} and {last}" if others else last
    return f"{who} {'wait' if who != 'vacuum' else 'waits'}"


def _blocks(mode: LockMode) -> list[str]:
    return [
        who
        for who, waits in (
            ("reads", mode.blocks_reads),
            ("writes", mode.blocks_writes),
            ("vacuum", mode.blocks_vacuum),
        )
        if waits
    ]


def _summary(traces: Sequence[MigrationTrace]) -> str:
    touching = sum(any(map(_is_told, each.statements)) for each in traces)
    under = sum(any(one.under for one in each.statements) for each in traces)
    failed = sum(bool(each.error or each.rollback_error) for each in traces)
    return (
        f"{len(traces)} traced, {touching} touch what was there, {under} go on under a "
        f"dangerous lock, {failed} failed"
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _width() -> int:
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else _UNWRAPPED


def _shortened(text: str, room: int) -> str:
    """Cut a line so that there is room behind it."""
    limit = _width() - room
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _paragraph(text: str, style: str) -> None:
    for line in textwrap.wrap(
        text,
        _width(),
        initial_indent=_INDENT,
        subsequent_indent=_INDENT + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    ):
        output.line(line, style=style)


def _as_json(each: MigrationTrace) -> dict[str, Any]:
    return {
        "id": each.id,
        "seconds": round(each.seconds, 6),
        "rows": each.rows,
        "error": None if each.error is None else str(each.error),
        "statements": [_statement(one) for one in each.statements],
        "rollback": [_statement(one) for one in each.rollback],
        "rollback_error": (
            None if each.rollback_error is None else str(each.rollback_error)
        ),
    }


def _statement(each: StatementTrace) -> dict[str, Any]:
    return {
        "line": each.line,
        "text": each.text.partition("\n")[0],
        "seconds": round(each.seconds, 6),
        "locks": [_lock(lock) for lock in each.locks],
        "under": [_lock(lock) for lock in each.under],
        "rewritten": list(each.rewritten),
        "indexes_built": list(each.indexes_built),
        "rows_scanned": each.scanned,
    }


def _lock(each: HeldLock) -> dict[str, Any]:
    return {
        "object": each.object,
        "kind": each.kind,
        "mode": each.mode,
        "seconds": round(each.seconds, 6),
        "blocks": _blocks(each.mode),
    }
