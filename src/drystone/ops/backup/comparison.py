"""A restored database against what its backup says: what differs, object by object."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import postgast

from drystone.catalog import Difference, Snapshot, compare
from drystone.ops.backup.manifest import Facts, Label, Probe, Range, Rows

_T = TypeVar("_T")

# Other processors add up in another order: the last digits of a distance are theirs.
_TOLERANCE = 1e-5

# What makes a statement of a text that the catalog prints.
_WRAPPERS = (
    "{}",
    "SELECT {}",
    "CREATE FUNCTION f() RETURNS void {}",
    "ALTER TABLE t ADD {}",
)


def compare_facts(backup: Facts, restored: Facts) -> list[Difference]:
    """Return what differs in rows, sequences, graphs, probes and settings.

    ``before`` is what the backup holds, ``after`` what was restored.
    """
    found = _by_name("rows", backup.tables, restored.tables, _rows)
    found += _by_name("sequence", backup.sequences, restored.sequences, _sequence)
    found += _by_name(
        "graph label",
        _labels(backup),
        _labels(restored),
        lambda old, new: _apart(
            f"id {old.id}, {old.rows:,} rows", f"id {new.id}, {new.rows:,} rows"
        ),
    )
    found += _by_name("nearest vectors", backup.probes, restored.probes, _probe)
    found += _by_name(
        "extension",
        backup.extensions,
        restored.extensions,
        lambda old, new: _apart(f"version {old}", f"version {new}"),
    )
    # A setting may hold a secret: its value is not shown.
    found += _by_name(
        "setting",
        _settings(backup),
        _settings(restored),
        lambda old, new: None if old == new else ("one value", "another value"),
    )
    found += _by_name(
        "locale",
        backup.locale.model_dump(),
        restored.locale.model_dump(),
        lambda old, new: _apart(str(old), str(new)),
    )
    return found


def compare_catalogs(backup: Snapshot, restored: Snapshot) -> list[Difference]:
    """Return what differs in structure; extensions are compared by their versions.

    PostgreSQL prints some expressions in another way after they were dumped and read
    again, with fewer brackets and with names that it had chosen itself: such texts
    are compared by their parse trees.
    """
    return compare(_without_extensions(backup), _alike(backup, restored))


def _without_extensions(snapshot: Snapshot) -> Snapshot:
    objects = snapshot.objects.items()
    return Snapshot({key: each for key, each in objects if key[0] != "extension"})


def _alike(backup: Snapshot, restored: Snapshot) -> Snapshot:
    """Return the restored with the backup's text wherever both mean the same."""
    objects = {}
    for key, properties in _without_extensions(restored).objects.items():
        theirs = backup.objects.get(key, {})
        objects[key] = {
            name: theirs[name] if _same(theirs.get(name), value) else value
            for name, value in properties.items()
        }
    return Snapshot(objects)


def _same(old: object, new: object) -> bool:
    if isinstance(old, str) and isinstance(new, str) and old != new:
        return canonical_text(old) == canonical_text(new)
    return False


def canonical_text(text: str) -> str:
    """Return SQL without needless brackets and names, or the text if it is none."""
    for wrapper in _WRAPPERS:
        try:
            tree = postgast.parse(wrapper.format(text))
        except postgast.PgQueryError:
            continue
        # The innermost first: what is taken over from them is done already.
        for node in reversed([node for _, node in postgast.walk(tree)]):
            if type(node).__name__ == "BoolExpr":
                _flatten(node)
            elif type(node).__name__ == "ResTarget":
                _forget_name(node)
        return str(postgast.deparse(tree))
    return text


def _flatten(expression: Any) -> None:
    """Make ``a AND (b AND c)`` one conjunction of three; OR likewise."""
    flat: list[Any] = []
    for argument in expression.args:
        inner = argument.bool_expr
        same = (
            argument.WhichOneof("node") == "bool_expr"
            and inner.boolop == expression.boolop != postgast.pg_query_pb2.NOT_EXPR
        )
        flat += inner.args if same else [argument]
    copies = [type(each).FromString(each.SerializeToString()) for each in flat]
    del expression.args[:]
    expression.args.extend(copies)


def _forget_name(target: Any) -> None:
    """Leave a column's name out where PostgreSQL would choose the same."""
    if target.val.WhichOneof("node") == "type_cast":
        names = target.val.type_cast.type_name.names
        if names and target.name == names[-1].string.sval:
            target.name = ""


def _by_name(
    kind: str,
    backup: Mapping[str, _T],
    restored: Mapping[str, _T],
    tell: Callable[[_T, _T], tuple[str, str] | None],
) -> list[Difference]:
    """Compare by name; ``tell`` says of two what differs, or None."""
    differences = []
    for name in sorted({*backup, *restored}):
        told: tuple[str | None, str | None] | None
        if name not in restored:
            told = ("present", None)
        elif name not in backup:
            told = (None, "present")
        else:
            told = tell(backup[name], restored[name])
        if told is not None:
            differences.append(Difference(kind, name, told[0], told[1], "loss"))
    return differences


def _labels(facts: Facts) -> dict[str, Label]:
    return {
        f"{graph}.{name}": label
        for graph, labels in facts.graphs.items()
        for name, label in labels.items()
    }


def _settings(facts: Facts) -> dict[str, str]:
    return {f"{one.name} of {one.role or 'all'}": one.value for one in facts.settings}


def _apart(old: str, new: str) -> tuple[str, str] | None:
    return None if old == new else (old, new)


def _rows(old: Rows, new: Rows) -> tuple[str, str] | None:
    if old.count != new.count:
        return f"{old.count:,} rows", f"{new.count:,} rows"
    if old.checksum != new.checksum:
        return f"{old.count:,} rows", f"{new.count:,} rows, of which some differ"
    return None


def _sequence(old: Range, new: Range) -> tuple[str, str] | None:
    low, high = sorted((old.low, old.high))
    if low <= new.low <= high:
        return None
    between = f"{low}" if low == high else f"between {low} and {high}"
    return f"next value {between}", f"next value {new.low}"


def _probe(old: Probe, new: Probe) -> tuple[str, str] | None:
    if len(old.neighbours) != len(new.neighbours):
        return f"{len(old.neighbours)} rows", f"{len(new.neighbours)} rows"
    for rank, (one, other) in enumerate(
        zip(old.neighbours, new.neighbours, strict=True), start=1
    ):
        if one.key != other.key or not _near(one.distance, other.distance):
            return (
                f"number {rank} is {one.key} at {one.distance}",
                f"number {rank} is {other.key} at {other.distance}",
            )
    return None


def _near(one: str, other: str) -> bool:
    return one == other or math.isclose(
        float(one), float(other), rel_tol=_TOLERANCE, abs_tol=_TOLERANCE
    )
