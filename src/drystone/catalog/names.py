"""Qualified names, taken apart: identifiers may be quoted and hold any character."""

from __future__ import annotations

import re

_IDENTIFIER = r'(?:"(?:[^"]|"")+"|[^\s".()]+)'
_QUALIFIED = re.compile(rf"({_IDENTIFIER})\.(.+)", re.DOTALL)
_ON = re.compile(rf"{_IDENTIFIER} on (.+)", re.DOTALL)
_LAST = re.compile(rf"(.+)\.({_IDENTIFIER})", re.DOTALL)


def schema_and_rest(name: str) -> tuple[str | None, str]:
    """Return the schema before the first point, and what follows it.

    What is called ``x on schema.table`` belongs to the table's schema.
    """
    on = _ON.fullmatch(name)
    qualified = _QUALIFIED.fullmatch(on[1] if on else name)
    return (qualified[1], qualified[2]) if qualified else (None, name)


def last_part(name: str) -> tuple[str, str]:
    """Return what follows the last point, and what is before it."""
    parts = _LAST.fullmatch(name)
    return (parts[2], parts[1]) if parts else (name, "")
