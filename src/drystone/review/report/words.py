"""Numbers, sizes and comments as people read them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from drystone.migrations.directives import NAMES
from drystone.review.locks import LockMode

_DIRECTIVE = re.compile(rf"({'|'.join(NAMES)})\s*:")
_UNITS = ("B", "kB", "MB", "GB", "TB")
_PLURALS = {"query": "queries", "index": "indexes"}
_KILO = 1024
_PLAIN = {
    "access_method: heap",
    "persistence: permanent",
    "replica_identity: default",
    "statistics: -1",
    "storage: default",
}


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 query``, ``2,000 rows``."""
    plural = _PLURALS.get(noun, f"{noun}s")
    return f"{number:,} {noun if number == 1 else plural}"


def duration(seconds: float) -> str:
    """Return a duration in the unit that people would choose."""
    if seconds < 0.001:
        return "under 1 ms"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds / 60:.1f} min"


def rows(number: int | None) -> str:
    """Return a number of rows, or a dash where it is not known."""
    return "–" if number is None else f"{number:,}"  # noqa: RUF001


def size(number: int | None) -> str:
    """Return bytes in the unit that people would choose, or a dash."""
    if number is None:
        return "–"  # noqa: RUF001
    value, units = float(number), list(_UNITS)
    while value >= _KILO and len(units) > 1:
        value /= _KILO
        units.pop(0)
    return (
        f"{value:.0f} {units[0]}"
        if value >= 10 or value == int(value)
        else (f"{value:.1f} {units[0]}")
    )


def essential(text: str) -> str:
    """Return an object's description without what is so of every plain one."""
    return "; ".join(each for each in text.split("; ") if each not in _PLAIN)


def paragraphs(text: str) -> list[str]:
    """Return the comment at the head of a file, as paragraphs, without directives."""
    found: list[list[str]] = [[]]
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        said = line.removeprefix("--").strip()
        if _DIRECTIVE.match(said):
            continue
        if said:
            found[-1].append(said)
        else:
            found.append([])
    return [_joined(each) for each in found if each]


def first_sentence(text: str) -> str:
    """Return what a file's comment says first."""
    said = paragraphs(text)
    if not said:
        return ""
    sentence, point, _ = said[0].partition(". ")
    return sentence + ("." if point else "")


def waiting(mode: LockMode) -> str:
    """Say who waits for a lock."""
    if mode.blocks_reads:
        return "everybody, reads too"
    if mode.blocks_writes:
        return "writes"
    return "VACUUM and other changes of the schema" if mode.blocks_vacuum else "nobody"


def _joined(lines: Sequence[str]) -> str:
    """Join lines, but not those that begin with a word and a colon: a small table."""
    text = lines[0]
    for line in lines[1:]:
        labelled = re.match(r"[A-Z][a-z]+( [a-z]+)?: ", line)
        text += ("\n" if labelled else " ") + line
    return text
