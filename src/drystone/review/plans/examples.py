"""Texts that a regular expression matches, made from its parts."""

from __future__ import annotations

import re
from importlib import import_module
from itertools import islice
from typing import Any

_parser: Any = import_module("re._parser")

_SAMPLES = "aeinorst" + "AEINORST" + "0123456789" + "-_. /@:+"
_MORE = 3

# The classes of PostgreSQL's patterns, as far as the samples go.
_CLASSES = {
    "[:alpha:]": "A-Za-z",
    "[:digit:]": "0-9",
    "[:alnum:]": "A-Za-z0-9",
    "[:upper:]": "A-Z",
    "[:lower:]": "a-z",
    "[:xdigit:]": "0-9A-Fa-f",
    "[:space:]": " ",
    "[:blank:]": " ",
    "[:punct:]": "_.:",
}


def examples(pattern: str, *, number: int = 12) -> list[str]:
    """Return texts that the pattern matches; none for one that is not understood.

    PostgreSQL's patterns are read as Python's: what comes out is tried on the CHECK
    that the pattern is from.
    """
    for name, members in _CLASSES.items():
        pattern = pattern.replace(name, members)
    try:
        parts = _parser.parse(pattern)
        return list(
            dict.fromkeys(
                text
                for turn in islice(range(number * 2), number)
                if re.search(pattern, text := _text(parts, turn))
            )
        )
    except (re.error, ValueError, RecursionError):
        return []


def _text(parts: Any, turn: int) -> str:
    return "".join(
        _part(str(kind), value, turn + place)
        for place, (kind, value) in enumerate(parts)
    )


def _part(kind: str, value: Any, turn: int) -> str:
    match kind:
        case "LITERAL":
            return chr(value)
        case "AT":
            return ""
        case "ANY":
            return _SAMPLES[turn % 8]
        case "IN" | "NOT_LITERAL":
            return _member(kind, value, turn)
        case "SUBPATTERN":
            return _text(value[-1], turn)
        case "BRANCH":
            branches = value[1]
            return _text(branches[turn % len(branches)], turn)
        case "MAX_REPEAT" | "MIN_REPEAT":
            least, most, repeated = value
            times = min(least + turn % _MORE, int(most))
            return "".join(_text(repeated, turn * 7 + each) for each in range(times))
        case "ASSERT" | "ASSERT_NOT":
            return ""
    raise ValueError(kind)


def _member(kind: str, value: Any, turn: int) -> str:
    """Return a character of a class."""
    if kind == "NOT_LITERAL":
        fitting = [each for each in _SAMPLES if ord(each) != value]
    else:
        fitting = [each for each in _SAMPLES if _is_in(value, each)]
        if not fitting:
            fitting = [chr(each[1]) for each in value if str(each[0]) == "LITERAL"]
        if not fitting:
            fitting = [chr(each[1][0]) for each in value if str(each[0]) == "RANGE"]
    if not fitting:
        raise ValueError(kind)
    return fitting[turn % len(fitting)]


def _is_in(members: Any, character: str) -> bool:
    negated, found = False, False
    for kind, value in members:
        match str(kind):
            case "NEGATE":
                negated = True
            case "LITERAL":
                found |= ord(character) == value
            case "RANGE":
                found |= value[0] <= ord(character) <= value[1]
            case "CATEGORY":
                found |= _is_of(str(value), character)
    return found != negated


def _is_of(category: str, character: str) -> bool:
    name = category.rpartition("_")[2]
    member = {
        "DIGIT": character.isdigit(),
        "SPACE": character.isspace(),
        "WORD": character.isalnum() or character == "_",
    }.get(name, False)
    return member != ("_NOT_" in category)
