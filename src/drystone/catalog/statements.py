"""The statement that makes an object, written from its properties."""

from __future__ import annotations

from collections.abc import Mapping

from drystone.catalog.names import last_part
from drystone.catalog.objects import WRITERS
from drystone.catalog.rendering import (
    Rendered,
    literal,
    notes,
    owner_of,
    terminated,
    texts,
    words,
)
from drystone.catalog.snapshot import Properties

# A comment's object type in the catalog's words, where SQL has others.
_COMMENTED = {
    "composite type column": "COLUMN",
    "domain constraint": "CONSTRAINT",
    "foreign table column": "COLUMN",
    "foreign-data wrapper": "FOREIGN DATA WRAPPER",
    "materialized view column": "COLUMN",
    "statistics object": "STATISTICS",
    "table column": "COLUMN",
    "table constraint": "CONSTRAINT",
    "view column": "COLUMN",
}


def statements(kind: str, name: str, properties: Properties) -> Rendered:
    """Return the statements for an object that stands for itself.

    What no statement says follows as a comment, so that nothing a snapshot holds is
    silent here.
    """
    writer = _ALL.get(kind)
    if writer is not None:
        return writer(name, properties)
    if "definition" in properties:
        return [
            terminated(properties, "definition"),
            *owner_of(kind.upper(), name, properties),
            *notes(kind, name, properties, {"definition", "owner", "table"}),
        ]
    return notes(kind, name, properties, {"table"}) or [f"-- {kind} {name}"]


def _grant(_name: str, properties: Properties) -> Rendered:
    target = str(properties["object"])
    thing = str(properties["kind"]).upper()
    columns = ""
    if thing == "COLUMN":
        column, target = last_part(target)
        thing, columns = "TABLE", f" ({column})"
    rendered = []
    for verb, given in (("GRANT", "granted"), ("REVOKE", "revoked")):
        privileges = texts(properties.get(given))
        for grantable in (False, True):
            suffix = " WITH GRANT OPTION"
            chosen = [
                each.removesuffix(suffix) + columns
                for each in privileges
                if each.endswith(suffix) is grantable
            ]
            if chosen:
                rendered.append(
                    words(
                        verb,
                        ", ".join(chosen),
                        "ON",
                        thing,
                        target,
                        "TO" if verb == "GRANT" else "FROM",
                        properties["grantee"],
                    )
                    + (suffix if grantable else "")
                    + ";"
                )
    return rendered


def _default_privileges(_name: str, properties: Properties) -> Rendered:
    schema = properties.get("schema")
    grants = properties.get("grants")
    role = properties.get("role")
    scope = words(
        "ALTER DEFAULT PRIVILEGES",
        f"FOR ROLE {role}" if role else None,
        f"IN SCHEMA {schema}" if schema else None,
    )
    rendered = [
        words(scope, "GRANT", rights, "ON", properties["on"], "TO", grantee) + ";"
        for grantee, rights in (
            sorted(grants.items()) if isinstance(grants, Mapping) else []
        )
    ]
    if rendered:
        return rendered
    return [f"-- {scope}: nobody has any right on {properties['on']}"]


def _comment(_name: str, properties: Properties) -> Rendered:
    kind = str(properties["type"])
    thing = _COMMENTED.get(kind, kind.upper())
    target = str(properties["object"])
    if kind == "domain constraint":
        constraint, _, domain = target.partition(" on ")
        target = words(constraint, "ON DOMAIN", domain)
    return [words("COMMENT ON", thing, target, "IS", literal(properties["text"])) + ";"]


_ALL = {
    **WRITERS,
    "comment": _comment,
    "default privileges": _default_privileges,
    "grant": _grant,
}
