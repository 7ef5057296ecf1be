"""What differs between two snapshots, object by object and property by property."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from drystone.catalog.snapshot import Properties, Snapshot

Severity = Literal["loss", "order"]

# A function's definition says again what its other properties say one by one.
_REPEATED = {("function", "definition"), ("procedure", "definition")}

_SUMMARY = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """One property of one object, or an object that only one side has.

    ``before`` and ``after`` name the property and show what differs in it; for an
    object that a side does not have they describe it in one line, and are None there.
    ``severity`` is ``order`` where columns stand in another order, and ``loss`` else.
    """

    kind: str
    object: str
    before: str | None
    after: str | None
    severity: Severity


def compare(before: Snapshot, after: Snapshot) -> list[Difference]:
    """Return the differences, sorted by kind and name; none for equal snapshots."""
    differences = []
    for kind, name in sorted({*before.objects, *after.objects}):
        old = before.objects.get((kind, name))
        new = after.objects.get((kind, name))
        if old is None or new is None:
            differences.append(
                Difference(kind, name, _described(old), _described(new), "loss")
            )
        elif old != new:
            differences += _changed(kind, name, old, new)
    return differences


def _changed(
    kind: str, name: str, old: Properties, new: Properties
) -> list[Difference]:
    differing = [
        each for each in sorted({*old, *new}) if old.get(each) != new.get(each)
    ]
    differences = _reordered(kind, name, old, new) if "columns" in differing else []
    plain = [each for each in differing if each != "columns"]
    if len(plain) > 1:
        plain = [each for each in plain if (kind, each) not in _REPEATED]
    for each in plain:
        shown_old, shown_new = _shown_apart(old.get(each), new.get(each))
        differences.append(
            Difference(
                kind, name, f"{each}: {shown_old}", f"{each}: {shown_new}", "loss"
            )
        )
    return differences


def _reordered(
    kind: str, name: str, old: Properties, new: Properties
) -> list[Difference]:
    """Compare the order of the columns that both sides have.

    A column that one side lacks is an object that it lacks, whatever it stood between.
    """
    orders = [_list(each.get("columns")) for each in (old, new)]
    common = set(orders[0]) & set(orders[1])
    kept = [[column for column in order if column in common] for order in orders]
    if kept[0] == kept[1]:
        return []
    shown = [f"columns: {', '.join(order)}" for order in orders]
    return [Difference(kind, name, shown[0], shown[1], "order")]


def _described(properties: Properties | None) -> str | None:
    """Describe an object in one line."""
    if properties is None:
        return None
    if "definition" in properties:
        text = str(properties["definition"])
    else:
        text = "; ".join(
            f"{name}: {shown(value)}"
            for name, value in properties.items()
            if value is not False
        )
    line = " ".join(text.split())
    if len(line) > _SUMMARY:
        line = line[:_SUMMARY].rstrip() + " …"
    return line or "present"


def _shown_apart(old: object, new: object) -> tuple[str, str]:
    """Show two values, of a long text or mapping only the parts that differ."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        names = [each for each in {**old, **new} if old.get(each) != new.get(each)]
        return (
            shown({each: old[each] for each in names if each in old}),
            shown({each: new[each] for each in names if each in new}),
        )
    if isinstance(old, str) and isinstance(new, str) and "\n" in old + new:
        return _lines_apart(
            old.splitlines(keepends=True), new.splitlines(keepends=True)
        )
    return shown(old), shown(new)


def _lines_apart(old: list[str], new: list[str]) -> tuple[str, str]:
    """Keep the lines that were replaced, deleted or inserted."""
    removed: list[str] = []
    added: list[str] = []
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, *bounds in matcher.get_opcodes():
        if tag != "equal":
            removed += old[bounds[0] : bounds[1]]
            added += new[bounds[2] : bounds[3]]
    texts = _joined(removed), _joined(added)
    if texts[0] == texts[1]:
        # Only blanks or line ends differ, which are seen in quotes.
        return repr("".join(removed)), repr("".join(added))
    return texts


def _joined(lines: list[str]) -> str:
    return "".join(lines).strip() or "(without these lines)"


def shown(value: object) -> str:
    """Return a property as a reader wants to see it."""
    if value is None or value in ({}, []):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {shown(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(shown(each) for each in value)
    return str(value)


def _list(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []
