"""The words that statements are written with."""

from __future__ import annotations

from collections.abc import Mapping

from drystone.catalog.comparison import shown
from drystone.catalog.snapshot import Properties

Rendered = list[str]

_ENABLED = {
    "always": "ENABLE ALWAYS",
    "disabled": "DISABLE",
    "replica": "ENABLE REPLICA",
}


def words(*parts: object) -> str:
    """Join what there is with blanks."""
    return " ".join(str(part) for part in parts if part)


def literal(text: object) -> str:
    """Return a string as SQL writes it."""
    return "'" + str(text).replace("'", "''") + "'"


def terminated(properties: Properties, name: str) -> str:
    """Return a definition with exactly one semicolon behind it."""
    return str(properties[name]).rstrip().rstrip(";") + ";"


def notes(kind: str, name: str, properties: Properties, said: set[str]) -> Rendered:
    """Return as comments the properties that nothing else said.

    Those that stand for nothing special are left out.
    """
    lines = [
        f"--     {each}: {shown(value)}".replace("\n", "\n--     ")
        for each, value in sorted(properties.items())
        if each not in said and value not in (False, -1, "none")
    ]
    return ["\n".join([f"-- {kind} {name}", *lines])] if lines else []


def options(values: object, *, equals: str = "=") -> str:
    """Return options as they stand between parentheses, without these."""
    if not isinstance(values, Mapping):
        return ""
    return ", ".join(
        f"{name}{equals}{literal(value)}" for name, value in sorted(values.items())
    )


def texts(value: object) -> list[str]:
    """Return a property that is a list of strings, and an absent one as empty."""
    return [str(each) for each in value] if isinstance(value, list) else []


def enabled(
    thing: str, target: object, part: str, name: str, properties: Properties
) -> Rendered:
    """Say when a trigger or rule fires, if not as usual."""
    how = _ENABLED.get(str(properties.get("enabled")))
    return [words("ALTER", thing, target, how, part, name) + ";"] if how else []


def owner_of(thing: str, name: str, properties: Properties) -> Rendered:
    """Say who owns it, where that is not the database's owner."""
    owner = properties.get("owner")
    return [words("ALTER", thing, name, "OWNER TO", owner) + ";"] if owner else []


def block(lines: list[str]) -> str:
    """Return lines as a list between parentheses."""
    return " (\n" + ",\n".join(lines) + "\n)" if lines else " ()"


def sequence_options(properties: Properties) -> list[str]:
    """Return the options of a sequence that are not those of a plain one."""
    kind = str(properties["type"])
    largest = {"smallint": 2**15 - 1, "integer": 2**31 - 1}.get(kind, 2**63 - 1)
    plain: dict[str, tuple[str, object]] = {
        "type": ("AS", "bigint"),
        "start": ("START WITH", 1),
        "increment": ("INCREMENT BY", 1),
        "minimum": ("MINVALUE", 1),
        "maximum": ("MAXVALUE", largest),
        "cache": ("CACHE", 1),
    }
    found = [
        words(word, str(properties[name]))
        for name, (word, usual) in plain.items()
        if properties[name] != usual
    ]
    return found + (["CYCLE"] if properties["cycle"] else [])
