"""SQL text as statements, by PostgreSQL's own parser.

The parser knows what a regular expression cannot: dollar quotes, nested comments,
``BEGIN ATOMIC`` bodies, and which statements refuse to run inside a transaction.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import postgast

from drystone.errors import Location, MigrationError

pb = postgast.pg_query_pb2

# Statements that leave what exists alone; a foreign key puts triggers on its table.
_CREATING = {
    "comment_stmt",
    "composite_type_stmt",
    "create_domain_stmt",
    "create_enum_stmt",
    "create_extension_stmt",
    "create_function_stmt",
    "create_range_stmt",
    "create_schema_stmt",
    "create_seq_stmt",
    "create_stmt",
    "create_table_as_stmt",
    "define_stmt",
    "index_stmt",
    "insert_stmt",
    "view_stmt",
}
_COPY_DATA = re.compile(r"\bCOPY\b[^;]*\bFROM\s+STDIN\b", re.IGNORECASE)
_NAME = re.compile(r"[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)?")


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a file; ``line`` is where it begins, counted from 1.

    ``offset`` is the same place in bytes, from 0; ``kind`` and ``node`` are the
    parser's: ``index_stmt`` and its fields.
    """

    text: str
    line: int
    offset: int
    transactional: bool
    kind: str = field(repr=False)
    node: Any = field(repr=False, compare=False)


def parse(text: str, *, path: Path) -> list[Statement]:
    """Split a file into its statements.

    Raises MigrationError, with line and caret, for what PostgreSQL cannot parse and
    for statements that would end the runner's transaction.
    """
    try:
        tree = postgast.parse(text)
    except postgast.PgQueryError as error:
        place, excerpt = locate(text, error.cursorpos, path=path)
        if _COPY_DATA.search(text[: max(error.cursorpos - 1, 0)]):
            raise _copies_data(place) from None
        raise MigrationError(
            error.message,
            location=place,
            excerpt=excerpt,
            hint="Nothing was applied. Correct the file and run again.",
        ) from None
    data = text.encode()
    statements = []
    line, counted = 1, 0
    for raw in tree.stmts:
        end = raw.stmt_location + raw.stmt_len if raw.stmt_len else len(data)
        kind = raw.stmt.WhichOneof("node")
        node = getattr(raw.stmt, kind)
        line += data.count(b"\n", counted, raw.stmt_location)
        counted = raw.stmt_location
        if kind == "transaction_stmt":
            raise MigrationError(
                "a migration cannot begin, commit or roll back: it runs inside the "
                "runner's own transaction",
                location=Location(path, line),
                hint="Remove the statement, or split the file in two.",
            )
        if kind == "copy_stmt" and not (node.filename or node.is_program):
            raise _copies_data(Location(path, line))
        statements.append(
            Statement(
                text=data[raw.stmt_location : end].decode().strip(),
                line=line,
                offset=raw.stmt_location,
                transactional=not _refuses_transaction(kind, node),
                kind=kind,
                node=node,
            )
        )
    return statements


def _copies_data(place: Location) -> MigrationError:
    return MigrationError(
        "COPY with its data in the file, as psql reads it, is not SQL that a server "
        "understands",
        location=place,
        hint="Write INSERT … VALUES, or load the data with drystone.database.copy.",
    )


def locate(text: str, position: int, *, path: Path) -> tuple[Location, str]:
    """Turn a character position (from 1) into a place and an excerpt with a caret."""
    before = text[: max(position - 1, 0)]
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    shown = text.split("\n")[line - 1]
    number = f"{line:>5} | "
    caret = " " * (len(number) + column - 1) + "^"
    return Location(path, line, column), f"{number}{shown}\n{caret}"


def without_comments(text: str) -> list[str]:
    """Return a text's tokens, without comments and white space, to compare.

    A text that PostgreSQL cannot scan is its own only token.
    """
    data = text.encode()
    try:
        tokens = postgast.scan(text).tokens
    except postgast.PgQueryError:
        return [text]
    return [
        data[token.start : token.end].decode()
        for token in tokens
        if token.token not in (pb.SQL_COMMENT, pb.C_COMMENT)
    ]


def tables_of(statement: Statement) -> list[str]:
    """Return the tables that a statement names, as it names them."""
    nodes = (node for _, node in postgast.walk(statement.node))
    return list(dict.fromkeys(_table(n) for n in nodes if _is(n, "RangeVar")))


def created_by(statement: Statement) -> list[str]:
    """Return the views and functions that a statement creates, as it names them."""
    node = statement.node
    match statement.kind:
        case "view_stmt":
            return [_table(node.view)]
        case "create_function_stmt":
            return [_dotted(node.funcname)]
        case "create_table_as_stmt":
            return [_table(node.into.rel)]
    return []


def named_in(statement: Statement) -> set[str]:
    """Return the tables and functions that a statement names.

    The text of a function's body is a string to PostgreSQL, and is searched for names.
    """
    names = set(tables_of(statement))
    for _, node in postgast.walk(statement.node):
        if _is(node, "FuncCall"):
            names.add(_dotted(node.funcname))
        elif _is(node, "String") and statement.kind == "create_function_stmt":
            names.update(_NAME.findall(node.sval))
    return names


def only_creates(statements: Iterable[Statement]) -> bool:
    """Tell whether statements create new objects and change none that is there."""
    return all(
        statement.kind in _CREATING
        and not any(
            _is(node, "Constraint") and node.contype == pb.CONSTR_FOREIGN
            for _, node in postgast.walk(statement.node)
        )
        for statement in statements
    )


def _table(relation: Any) -> str:
    return ".".join(part for part in (relation.schemaname, relation.relname) if part)


def _dotted(parts: Any) -> str:
    return ".".join(part.string.sval for part in parts)


def _is(node: Any, name: str) -> bool:
    return type(node).__name__ == name


def _refuses_transaction(kind: str, node: Any) -> bool:
    """Tell whether PostgreSQL runs a statement outside transaction blocks only."""
    return _OUTSIDE_ONLY.get(kind, lambda _: False)(node)


def _concurrently(node: Any) -> bool:
    return bool(node.concurrent)


def _reindex(node: Any) -> bool:
    whole = {pb.REINDEX_OBJECT_SCHEMA, pb.REINDEX_OBJECT_SYSTEM}
    return node.kind in whole | {
        pb.REINDEX_OBJECT_DATABASE
    } or "concurrently" in _options(node.params)


def _alter_table(node: Any) -> bool:
    commands = (command.alter_table_cmd for command in node.cmds)
    return any(
        command.subtype == pb.AT_DetachPartition
        and getattr(command, "def").partition_cmd.concurrent  # a keyword in Python
        for command in commands
    )


def _vacuum(node: Any) -> bool:
    return bool(node.is_vacuumcmd)  # the other command of this node is ANALYZE


def _cluster(node: Any) -> bool:
    return not node.HasField("relation")  # every table, one transaction for each


def _subscription(node: Any) -> bool:
    return "create_slot" not in _options(node.options)


def _options(elements: Any) -> set[str]:
    return {element.def_elem.defname for element in elements}


def _always(_: Any) -> bool:
    return True


_OUTSIDE_ONLY: dict[str, Callable[[Any], bool]] = {
    "alter_system_stmt": _always,
    "alter_table_stmt": _alter_table,
    "cluster_stmt": _cluster,
    "create_subscription_stmt": _subscription,
    "create_table_space_stmt": _always,
    "createdb_stmt": _always,
    "drop_stmt": _concurrently,
    "drop_subscription_stmt": _always,
    "drop_table_space_stmt": _always,
    "dropdb_stmt": _always,
    "index_stmt": _concurrently,
    "reindex_stmt": _reindex,
    "vacuum_stmt": _vacuum,
}
