"""What running clients rely on, and a migration takes away or renames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from drystone.review.lint.findings import Finding, Rule, Severity
from drystone.review.lint.hazards.look import Look
from drystone.review.lint.schema import names
from drystone.review.lint.schema.alterations import commands
from drystone.review.lint.schema.names import pb
from drystone.review.lint.schema.replay import dropped, object_name

_LATER = "First release the clients that no longer use it; then drop it."
_EXPAND = (
    "Add the new one beside it, let clients move over, and drop the old one in a later "
    "release; a view under the old name helps them meanwhile."
)


def _drop_rule(kind: str, severity: Severity = Severity.WARNING) -> Rule:
    return Rule(
        f"{kind}-dropped",
        severity,
        f"Clients that use the {kind} fail from now on.",
        _LATER,
        (f"squawk:ban-drop-{kind}",),
    )


COLUMN_DROPPED = _drop_rule("column", Severity.ERROR)
TABLE_DROPPED = _drop_rule("table", Severity.ERROR)
CONSTRAINT_DROPPED = Rule(
    "constraint-dropped",
    Severity.WARNING,
    "Clients may rely on what the constraint guarantees.",
    "Add the constraint that replaces it first, NOT VALID, and validate it.",
    ("squawk:ban-drop-constraint",),
)
DEFAULT_DROPPED = Rule(
    "default-dropped",
    Severity.WARNING,
    "INSERTs that leave the column out get NULL, or fail, from now on.",
    "First release the clients that give the column a value.",
    ("squawk:ban-drop-default",),
)
NULL_ALLOWED = Rule(
    "not-null-dropped",
    Severity.WARNING,
    "Clients that read the column may meet a NULL that they do not expect.",
    "First release the clients that handle NULL.",
    ("squawk:ban-drop-not-null",),
)
COLUMN_RENAMED = Rule(
    "column-renamed",
    Severity.ERROR,
    "Clients that use the old name of the column fail from now on.",
    _EXPAND,
    ("squawk:renaming-column",),
)
TABLE_RENAMED = Rule(
    "table-renamed",
    Severity.ERROR,
    "Clients that use the old name of the table fail from now on.",
    _EXPAND,
    ("squawk:renaming-table",),
)
MOVED = Rule(
    "schema-changed",
    Severity.ERROR,
    "Clients that look in the old schema fail from now on.",
    _EXPAND,
    ("squawk:ban-set-schema",),
)

_OBJECTS = {
    pb.OBJECT_EXTENSION: _drop_rule("extension"),
    pb.OBJECT_FUNCTION: _drop_rule("function"),
    pb.OBJECT_SCHEMA: _drop_rule("schema"),
    pb.OBJECT_SEQUENCE: _drop_rule("sequence"),
    pb.OBJECT_TYPE: _drop_rule("type"),
    pb.OBJECT_DOMAIN: _drop_rule("domain"),
    pb.OBJECT_VIEW: _drop_rule("view"),
}
_SAME_RULE = {
    pb.OBJECT_FOREIGN_TABLE: pb.OBJECT_TABLE,
    pb.OBJECT_MATVIEW: pb.OBJECT_VIEW,
    pb.OBJECT_PROCEDURE: pb.OBJECT_FUNCTION,
    pb.OBJECT_ROUTINE: pb.OBJECT_FUNCTION,
}
_TABLES = {pb.OBJECT_TABLE, pb.OBJECT_FOREIGN_TABLE}
_RELATIONS = {pb.OBJECT_TABLE: TABLE_DROPPED, pb.OBJECT_VIEW: _OBJECTS[pb.OBJECT_VIEW]}

RULES = (
    COLUMN_DROPPED,
    TABLE_DROPPED,
    CONSTRAINT_DROPPED,
    DEFAULT_DROPPED,
    NULL_ALLOWED,
    COLUMN_RENAMED,
    TABLE_RENAMED,
    MOVED,
    *_OBJECTS.values(),
)


def check(look: Look) -> Iterator[Finding]:
    """Yield what clients of the release before miss."""
    find = _CHECKS.get(look.statement.kind)
    if find is not None:
        yield from find(look, look.statement.node)


def _dropped(look: Look, node: Any) -> Iterator[Finding]:
    kind = _SAME_RULE.get(node.remove_type, node.remove_type)
    if kind in _RELATIONS:
        for name in filter(look.lives, dropped(node)):
            rule = _RELATIONS[kind]
            yield look.find(rule, f"clients that use {name} fail", table=name)
    elif kind in _OBJECTS:
        made = _made(look, kind)
        for name in dropped(node):
            if made.get(name) not in look.fresh:
                yield look.find(_OBJECTS[kind], f"clients that use {name} fail")


def _made(look: Look, kind: int) -> dict[str, str]:
    schema = look.schema
    return {
        pb.OBJECT_EXTENSION: schema.extensions,
        pb.OBJECT_FUNCTION: schema.functions,
        pb.OBJECT_SCHEMA: schema.schemas,
        pb.OBJECT_SEQUENCE: schema.sequences,
    }.get(kind, schema.types)


def _altered(look: Look, node: Any) -> Iterator[Finding]:
    name = names.qualified(node.relation)
    if not look.lives(name):
        return
    for command in commands(node):
        match command.subtype:
            case pb.AT_DropColumn:
                yield look.find(
                    COLUMN_DROPPED,
                    f"clients that use {name}.{command.name} fail"
                    + _lost_with(look, name, command.name),
                    table=name,
                )
            case pb.AT_DropNotNull:
                yield look.find(
                    NULL_ALLOWED,
                    f"clients that read {name}.{command.name} may meet a NULL",
                    table=name,
                )
            case pb.AT_DropConstraint:
                yield look.find(
                    CONSTRAINT_DROPPED,
                    f"rows of {name} may break {command.name} from now on",
                    table=name,
                )
            case pb.AT_ColumnDefault if not command.HasField("def"):
                yield look.find(
                    DEFAULT_DROPPED,
                    f"INSERTs in {name} that leave {command.name} out get NULL or fail",
                    table=name,
                )


def _lost_with(look: Look, table: str, column: str) -> str:
    indexes = look.table(table).indexes.values()
    lost = [names.local(each.name) for each in indexes if column in each.uses]
    if not lost:
        return ""
    return f", and queries lose the index {' and '.join(lost)}"


def _renamed(look: Look, node: Any) -> Iterator[Finding]:
    if not node.HasField("relation"):
        return
    name = names.qualified(node.relation)
    if not look.lives(name):
        return
    if node.rename_type == pb.OBJECT_COLUMN:
        yield look.find(
            COLUMN_RENAMED, f"clients that use {name}.{node.subname} fail", table=name
        )
    elif node.rename_type in _TABLES and look.schema.index(name) is None:
        yield look.find(TABLE_RENAMED, f"clients that use {name} fail", table=name)


def _moved(look: Look, node: Any) -> Iterator[Finding]:
    if node.HasField("relation"):
        name = names.qualified(node.relation)
        lives, table = look.lives(name), name
    else:
        name = object_name(node.object)
        made = _made(look, node.object_type).get(name)
        lives, table = made not in look.fresh, None
    if lives:
        yield look.find(MOVED, f"clients that use {name} fail", table=table)


_CHECKS: dict[str, Callable[[Look, Any], Iterator[Finding]]] = {
    "alter_object_schema_stmt": _moved,
    "alter_table_stmt": _altered,
    "drop_stmt": _dropped,
    "rename_stmt": _renamed,
}
