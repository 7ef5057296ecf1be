"""What the command line prints: tables, progress, JSON and errors."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from drystone.errors import DrystoneError

# Wide enough that nothing is wrapped where no terminal sets a width.
_UNWRAPPED = 400


def _console(*, stderr: bool = False) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        stderr=stderr,
        highlight=False,
        soft_wrap=not stream.isatty(),
        width=None if stream.isatty() else _UNWRAPPED,
    )


def line(text: str = "", *, style: str | None = None, stderr: bool = False) -> None:
    """Print one line; colour only reaches a terminal."""
    _console(stderr=stderr).print(Text(text, style=style or ""))


def text(value: Text) -> None:
    """Print text that has its styles already."""
    _console().print(value)


def document(value: Any) -> None:
    """Print a value as the one JSON document of this run."""
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


def table(
    headers: Sequence[str],
    rows: Iterable[Sequence[str | Text]],
    *,
    right: Sequence[str] = (),
    indent: int = 0,
) -> None:
    """Print rows under headers; the columns named in ``right`` hold numbers."""
    grid = Table(
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        header_style="dim",
        show_header=any(headers),
    )
    for header in headers:
        grid.add_column(header, justify="right" if header in right else "left")
    for row in rows:
        grid.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
    console = _console()
    with console.capture() as captured:
        console.print(Padding(grid, (0, 0, 0, indent), expand=False))
    for written in captured.get().splitlines():
        sys.stdout.write(written.rstrip() + "\n")


def error(problem: DrystoneError) -> None:
    """Print what went wrong, where, and what to do next, on stderr."""
    console = _console(stderr=True)
    console.print(Text.assemble(("error: ", "bold red"), problem.message))
    details = [
        ("at", str(problem.location) if problem.location else None),
        ("query", problem.query),
        ("sqlstate", problem.sqlstate),
    ]
    for label, value in details:
        if value:
            console.print(Text.assemble((f"  {label}: ", "dim"), value))
    if problem.excerpt:
        console.print(Text(problem.excerpt))
    if problem.hint:
        console.print(Text.assemble(("  next: ", "dim"), problem.hint))


def duration(seconds: float) -> str:
    """Write a duration in the unit that people would choose."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.1f} min"
