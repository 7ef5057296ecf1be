"""Modules of input models: what the tables of a schema take, as pydantic checks it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from textwrap import wrap
from typing import Any, Literal

from psycopg import Connection

from drystone.queries.generation.python import WIDTH, docstring, head, imports
from drystone.queries.generation.types import TypeMap, class_name
from drystone.queries.inputs.checks import read_check
from drystone.queries.inputs.fields import FieldWriter, attribute, family, identifier
from drystone.queries.inputs.layout import annotated
from drystone.queries.inputs.rules import Rule
from drystone.queries.inputs.tables import Check, InputColumn, InputTable, read_tables

_MODEL = "drystone.queries.inputs.model"


def write_inputs(
    connection: Connection[Any], types: TypeMap, schema: str
) -> str | None:
    """Return the module of a schema: two models for each table, to insert and update.

    None for a schema without tables.

    An insert may leave out what has a default or takes NULL, an update anything. The
    CHECKs that are left to the database, wholly or in part, are named in comments.
    """
    module = _Module(schema, types)
    tables = read_tables(connection, schema)
    for table in tables:
        rules = _read_rules(table, types)
        module.add_class(table, rules, "Insert")
        module.add_class(table, rules, "Update")
    return module.text() if tables else None


@dataclass(slots=True)
class _TableRules:
    """What CHECKs say: rules by column, and the names of those that say more."""

    by_column: dict[str, list[Rule]] = field(default_factory=dict)
    not_null: set[str] = field(default_factory=set)
    unchecked: list[str] = field(default_factory=list)
    in_part: list[str] = field(default_factory=list)

    def add(
        self, check: Check, columns: dict[str, InputColumn], types: TypeMap
    ) -> None:
        """Add those of a CHECK; ``columns`` are by the names that it has for them."""
        families = {name: family(each, types) for name, each in columns.items()}
        found = read_check(check.definition, families)
        for name, rule in found.rules:
            self.by_column.setdefault(columns[name].name, []).append(rule)
        self.not_null |= {columns[name].name for name in found.not_null}
        if not found.whole:
            incomplete = self.in_part if found.rules else self.unchecked
            if check.name not in incomplete:
                incomplete.append(check.name)


def _read_rules(table: InputTable, types: TypeMap) -> _TableRules:
    rules = _TableRules()
    for column in table.columns:
        for check in column.checks:
            rules.add(check, {"value": column}, types)
    columns = {column.name: column for column in table.columns}
    for check in table.checks:
        rules.add(check, columns, types)
    return rules


class _Module:
    def __init__(self, schema: str, types: TypeMap) -> None:
        self._schema = schema
        self._types = types
        self._imports: set[tuple[str, str]] = set()
        self._classes: list[str] = []

    def text(self) -> str:
        """Return the module's text."""
        parts = [imports(self._imports), *self._classes] if self._classes else []
        title = head(f"What rows of schema {self._schema} may hold.")
        return (title + "\n\n\n".join(parts)).rstrip() + "\n"

    def add_class(
        self, table: InputTable, rules: _TableRules, kind: Literal["Insert", "Update"]
    ) -> None:
        """Add the model of a table for one kind of statement."""
        self._imports.add((_MODEL, "InputModel"))
        title = "A new row of" if kind == "Insert" else "Changes to a row of"
        text = [f"{title} {self._schema}.{table.name}."]
        comment = wrap(table.comment or "", WIDTH - 4)
        if comment and kind == "Insert":
            text += ["", *comment, ""]
        blocks = [
            _documentation(text),
            [
                *_comment("Not checked here", rules.unchecked),
                *_comment("Checked in part", rules.in_part),
            ],
            self._fields(table, rules, kind),
        ]
        body = "\n\n".join("\n".join(block) for block in blocks if block)
        name = class_name(identifier(table.name))
        self._classes.append(f"class {name}{kind}(InputModel):\n{body}")

    def _fields(self, table: InputTable, rules: _TableRules, kind: str) -> list[str]:
        lines: list[str] = []
        hidden = {attribute(column.name) for column in table.columns}
        for column in table.columns:
            if column.name in rules.not_null:
                column = replace(column, nullable=False)
            found = rules.by_column.get(column.name, [])
            writer = FieldWriter(column, found, self._types, hidden=hidden)
            default = "None" if column.nullable else None
            if kind == "Update" or column.has_default:
                default = "UNSET"
                self._imports.add((_MODEL, default))
            lines += annotated(attribute(column.name), writer.annotation(), default)
            self._imports |= writer.imports
            lines += _documentation(wrap(column.comment or "", WIDTH - 10))
        return lines


def _documentation(lines: list[str]) -> list[str]:
    if not lines:
        return []
    first = f" {lines[0]}" if lines[0].startswith('"') else lines[0]
    last = [""] if lines[-1].endswith(('"', "\\")) else []
    text = docstring([first, *lines[1:], *last])
    return [f"    {line}".rstrip() for line in text]


def _comment(words: str, names: Sequence[str]) -> list[str]:
    if not names:
        return []
    return [f"    # {line}" for line in wrap(f"{words}: {', '.join(names)}", WIDTH - 6)]
