r"""PostgreSQL's patterns as those of Rust's engine, which pydantic runs.

It takes linear time whatever the text, and agrees with PostgreSQL on most of what a
CHECK says: unlike Python's ``$``, its ``$`` is the very end. Where the two differ, as
in what ``\s`` is, which in PostgreSQL depends on the locale, the translation matches
more. What it does not know it does not translate.

https://www.postgresql.org/docs/current/functions-matching.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic_core import SchemaError, SchemaValidator, core_schema

_ANY = "(?s:.)"
_SPECIAL = frozenset(r"\.+*?()|[]{}^$#&-~")
_CONTROL = {"n": r"\n", "t": r"\t", "r": r"\r", "f": r"\f", "v": r"\v"}

# What belongs to a class in any locale, and what does in some.
_LEAST = {"d": "0-9", "s": r"\t-\r "}
_MOST = {"d": r"\d", "s": r"\s\x1c-\x1f"}

_QUANTIFIER = re.compile(r"(?:[*+?]|\{\d+(?:,\d*)?\})\??")
_QUANTIFIER_BEGINS = re.compile(r"[*+?]|\{\d")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern; one that is not exact also matches what PostgreSQL's does not."""

    text: str
    exact: bool


class _Unknown(Exception):
    """The pattern says something that is not translated."""


def translate(pattern: str, *, ignore_case: bool = False) -> Pattern | None:
    """Translate what ``~`` takes, or ``~*``; return None for what is not known."""
    try:
        return _compiled(*_Translation(pattern, ignore_case).run(), ignore_case)
    except _Unknown:
        return None


def translate_like(pattern: str, *, ignore_case: bool = False) -> Pattern | None:
    """Translate what LIKE takes, or ILIKE; return None for what is not known."""
    parts = re.findall(r"\\.|[^\\]", pattern, re.DOTALL)
    if "".join(parts) != pattern or (ignore_case and not pattern.isascii()):
        return None
    wildcards = {"%": f"{_ANY}*", "_": _ANY}
    text = "".join(wildcards.get(part) or _literal(part[-1]) for part in parts)
    return _compiled(f"^{text}$", True, ignore_case)


def _compiled(text: str, exact: bool, ignore_case: bool) -> Pattern | None:
    text = f"(?i){text}" if ignore_case else text
    try:
        SchemaValidator(core_schema.str_schema(pattern=text))
    except SchemaError:  # it grows too large
        return None
    return Pattern(text, exact and not ignore_case)


def _literal(character: str) -> str:
    return f"\\{character}" if character in _SPECIAL else character


class _Translation:
    def __init__(self, pattern: str, ignore_case: bool) -> None:
        if ignore_case and not pattern.isascii():
            raise _Unknown
        self._rest = pattern
        self._ignore_case = ignore_case
        self._exact = True

    def run(self) -> tuple[str, bool]:
        parts = []
        while self._rest:
            parts.append(self._atom())
            if match := _QUANTIFIER.match(self._rest):
                if parts[-1] in {"^", "$", "|", "(", "(?:"}:
                    raise _Unknown
                self._rest = self._rest[match.end() :]
                if _QUANTIFIER_BEGINS.match(self._rest):
                    raise _Unknown
                parts.append(match[0])
        return "".join(parts), self._exact

    def _take(self) -> str:
        if not self._rest:
            raise _Unknown
        character, self._rest = self._rest[0], self._rest[1:]
        return character

    def _atom(self) -> str:
        character = self._take()
        match character:
            case "^" | "$" | "|" | ")":
                return character
            case "(":
                if self._rest.startswith("?:"):
                    self._rest = self._rest[2:]
                    return "(?:"
                if self._rest.startswith("?"):
                    raise _Unknown
                return "("
            case "*" | "+" | "?":
                raise _Unknown
            case ".":
                return _ANY
            case "[":
                return self._class()
            case "\\":
                return self._escape()
        return _literal(character)

    def _escape(self) -> str:
        character = self._take()
        if character in _MOST:
            self._exact = False
            return f"[{_MOST[character]}]"
        if character.lower() in _LEAST:
            self._exact = False
            return f"[^{_LEAST[character.lower()]}]"
        return self._character(character)

    def _character(self, escaped: str) -> str:
        if escaped in _CONTROL:
            return _CONTROL[escaped]
        if escaped.isalnum():
            raise _Unknown
        return _literal(escaped)

    def _class(self) -> str:
        negated = self._rest.startswith("^")
        if negated:
            if self._ignore_case:
                raise _Unknown
            self._take()
        items: list[str] = []
        while not self._rest.startswith("]") or not items:
            items.append(self._item(_LEAST if negated else _MOST))
        self._take()
        return f"[{'^' if negated else ''}{''.join(items)}]"

    def _item(self, classes: dict[str, str]) -> str:
        if match := re.match(r"\[:(digit|space):\]|\\([ds])", self._rest):
            self._rest = self._rest[match.end() :]
            self._exact = False
            return classes[(match[1] or match[2])[0]]
        first = self._end_of_range()
        if self._rest.startswith("-") and not self._rest.startswith("-]"):
            self._take()
            return f"{first}-{self._end_of_range()}"
        return first

    def _end_of_range(self) -> str:
        character = self._take()
        if character == "[" and self._rest[:1] in {":", ".", "="}:
            raise _Unknown
        if character == "\\":
            return self._character(self._take())
        return _literal(character)
