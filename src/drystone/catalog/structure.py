"""The structure of a database as SQL text, for review and for git."""

from __future__ import annotations

from collections import defaultdict

from drystone.catalog.names import schema_and_rest
from drystone.catalog.rendering import Rendered
from drystone.catalog.snapshot import Key, Properties, Snapshot
from drystone.catalog.statements import statements
from drystone.catalog.tables import Parts, domain, index, parts_of, table, view_columns

_HEADER = """\
-- The structure of the database, as its catalog holds it: schema by schema, and what
-- belongs to none of them before and after. For reading and for diffs.

SET check_function_bodies = off;
SET search_path = '';"""

# What a schema's objects may be built on, and what is built on them.
_FIRST_KINDS = (
    "extension",
    "language",
    "access method",
    "foreign data wrapper",
    "server",
    "user mapping",
)
_KINDS = (
    "schema",
    "graph",
    "graph label",
    "collation",
    "conversion",
    "base type",
    "enum",
    "composite type",
    "domain",
    "range type",
    "text search parser",
    "text search template",
    "text search dictionary",
    "text search configuration",
    "function",
    "procedure",
    "aggregate",
    "operator",
    "operator family",
    "operator class",
    "sequence",
    "table",
    "foreign table",
    "index",
    "statistics object",
    "view",
    "materialized view",
    "rule",
    "trigger",
    "policy",
)
_LAST_KINDS = ("grant", "default privileges", "comment", "security label")
_RANK = {
    **{kind: rank for rank, kind in enumerate((*_FIRST_KINDS, *_KINDS))},
    **{kind: 1000 + rank for rank, kind in enumerate(_LAST_KINDS)},
}

# These stand inside the statements of tables, views and domains.
_INSIDE = {"column", "constraint"}

_FIRST, _SCHEMA, _LATER = range(3)


def structure(snapshot: Snapshot) -> str:
    """Return a snapshot as SQL text that is the same for equal snapshots.

    Each difference between two snapshots is one between the texts; what SQL has no
    statement for is a comment. Loading it is not promised: a foreign key stands inside
    its table, whichever table comes first.
    """
    parts = parts_of(snapshot)
    sections: defaultdict[tuple[int, str], list[Key]] = defaultdict(list)
    for kind, name in snapshot.objects:
        if kind not in _INSIDE:
            sections[_section(kind, name, snapshot)].append((kind, name))
    text = [_HEADER]
    for (_, schema), keys in sorted(sections.items()):
        rendered = [
            statement
            for key in sorted(keys, key=_reading_order)
            for statement in _rendered(*key, snapshot.objects[key], parts)
        ]
        if rendered:
            text.append(f"-- Schema {schema}" if schema else "-- In no schema")
            text += rendered
    return "\n\n".join(text) + "\n"


def _section(kind: str, name: str, snapshot: Snapshot) -> tuple[int, str]:
    """Return where an object stands: before, in, or after a schema's own section."""
    properties = snapshot.objects[kind, name]
    if kind in _FIRST_KINDS:
        return _FIRST, ""
    if kind in ("cast", "event trigger", "transform"):
        return _LATER, ""
    target = str(properties.get("object", name))
    if kind in ("schema", "graph"):
        return _SCHEMA, name
    if properties.get("kind", properties.get("type")) == "schema":
        return _SCHEMA, target
    if kind == "default privileges":
        schema = properties.get("schema")
        return (_SCHEMA, str(schema)) if schema else (_LATER, "")
    schema, _ = schema_and_rest(target)
    return (_SCHEMA, schema) if schema else (_LATER, "")


def _reading_order(key: Key) -> tuple[int, Key]:
    """Sort by what is built on what, and kinds that nobody placed in between."""
    return _RANK.get(key[0], 999), key


def _rendered(kind: str, name: str, properties: Properties, parts: Parts) -> Rendered:
    match kind:
        case "table" | "foreign table":
            return table(kind, name, properties, parts)
        case "domain":
            return domain(name, properties, parts)
        case "index":
            return index(name, properties)
        case "view" | "materialized view":
            return [
                *statements(kind, name, properties),
                *view_columns(name, properties, parts),
            ]
    return statements(kind, name, properties)
