"""A table as a reviewer reads it: what the catalog holds of it, and who uses it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import postgast
from psycopg import Connection

from drystone.catalog import Snapshot
from drystone.catalog.names import last_part, schema_and_rest
from drystone.catalog.rendering import texts
from drystone.catalog.snapshot import Properties
from drystone.catalog.statements import statements
from drystone.catalog.tables import Parts, parts_of
from drystone.catalog.tables import table as table_statements
from drystone.migrations.files import Migration
from drystone.review.lint.sizes import Size as ProductionSize
from drystone.review.lint.sizes import Sizes as Production
from drystone.review.report.names import column_list, named, unquoted

RELATIONS = ("table", "foreign table", "view", "materialized view")

_SIZES = """
SELECT
    pg_catalog.format('%I.%I', schema.nspname, class.relname),
    CASE WHEN class.reltuples >= 0 THEN class.reltuples END::bigint,
    pg_catalog.pg_relation_size(class.oid),
    pg_catalog.pg_total_relation_size(class.oid)
FROM pg_catalog.pg_class AS class
INNER JOIN pg_catalog.pg_namespace AS schema
    ON schema.oid = class.relnamespace
WHERE
    class.relkind IN ('r', 'i', 'm', 'p', 'I')
    AND schema.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
"""


@dataclass(frozen=True, slots=True)
class Size:
    """Rows, if statistics have them, and bytes: its own, and with all that hangs on."""

    rows: int | None
    own: int | None
    total: int | None


Sizes = Mapping[str, Size]


@dataclass(frozen=True, slots=True)
class ColumnSheet:
    """A column; ``clause`` says of a generated one, or an identity, what it is.

    ``default`` is the expression of a generated column too.
    """

    name: str
    type: str
    nullable: bool
    clause: str
    default: str
    comment: str
    primary: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """A constraint, an index, a trigger, a policy or a grant, with its definition."""

    name: str
    kind: str
    definition: str
    comment: str = ""
    target: str | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """A query that uses a table; ``through`` is the view in between, if any."""

    query: str
    writes: bool
    through: str | None = None


@dataclass(frozen=True, slots=True)
class TableSheet:
    """A table or a view: everything that its page shows."""

    name: str
    kind: str
    system: str
    comment: str
    columns: Sequence[ColumnSheet]
    constraints: Sequence[Item]
    indexes: Sequence[Item]
    triggers: Sequence[Item]
    policies: Sequence[Item]
    grants: Sequence[Item]
    referenced_by: Sequence[Item]
    definition: str
    row_security: bool
    reads: Sequence[str] = ()
    size: Size | None = None
    uses: Sequence[Use] = ()
    migrations: Sequence[str] = ()

    @property
    def schema(self) -> str:
        """The schema that it lies in, without quotes."""
        return unquoted(schema_and_rest(self.name)[0] or "public")

    @property
    def shown_name(self) -> str:
        """The name without the quotes of identifiers."""
        return unquoted(self.name)


@dataclass(slots=True)
class _Related:
    """What the snapshot holds of tables, collected by table."""

    items: defaultdict[tuple[str, str], list[tuple[str, Properties]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    comments: dict[tuple[str, str], str] = field(default_factory=dict)
    parts: Parts = field(default_factory=Parts)


def read_sizes(connection: Connection[Any]) -> dict[str, Size]:
    """Read the sizes of tables and indexes, by their names as SQL writes them."""
    return {
        name: Size(rows, own, total)
        for name, rows, own, total in connection.execute(_SIZES)
    }


def table_sheets(
    snapshot: Snapshot, migrations: Sequence[Migration]
) -> dict[str, TableSheet]:
    """Return a sheet for each table and view of a snapshot, by name."""
    related, touched = _related(snapshot), touches(migrations)
    sheets = {}
    for (kind, name), properties in snapshot.objects.items():
        if kind not in RELATIONS:
            continue
        by = touched.get(unquoted(name), [])
        sheets[name] = _sheet(snapshot, related, kind, name, properties)
        sheets[name] = replace(
            sheets[name],
            system=_home(name, by, migrations),
            migrations=tuple(each.id for each in by),
        )
    return sheets


def with_sizes(
    sheets: Mapping[str, TableSheet], sizes: Sizes, production: Production
) -> dict[str, TableSheet]:
    """Return the sheets with what is known of sizes; production's are told first."""
    return {
        name: replace(
            sheet,
            size=_size(production.get(sheet.shown_name)) or sizes.get(name),
            indexes=tuple(
                replace(index, size=sizes[qualified].own)
                if (qualified := _beside(name, index.name)) in sizes
                else index
                for index in sheet.indexes
            ),
        )
        for name, sheet in sheets.items()
    }


def _size(known: ProductionSize | None) -> Size | None:
    return None if known is None else Size(known.rows, None, known.bytes)


def with_uses(
    sheets: Mapping[str, TableSheet], used: Iterable[tuple[str, str, bool]]
) -> dict[str, TableSheet]:
    """Return the sheets with the queries that use them, also through views.

    ``used`` has a query, a table as :func:`unquoted` names it, and whether it writes.
    """
    by_table: defaultdict[str, list[Use]] = defaultdict(list)
    names = {unquoted(name): name for name in sheets}
    for query, table, writes in used:
        if table in names:
            by_table[names[table]].append(Use(query, writes))
            for below in _below(sheets, names[table]):
                by_table[below].append(Use(query, False, through=table))
    return {
        name: replace(sheet, uses=_merged(by_table[name]))
        for name, sheet in sheets.items()
    }


def touches(migrations: Iterable[Migration]) -> dict[str, list[Migration]]:
    """Return the migrations that name each table; what does not parse names none."""
    found: defaultdict[str, list[Migration]] = defaultdict(list)
    for migration in migrations:
        for table in sorted(named(migration.up.text).all):
            found[table].append(migration)
    return found


def _related(snapshot: Snapshot) -> _Related:
    related = _Related(parts=parts_of(snapshot))
    for (kind, name), properties in snapshot.objects.items():
        if kind == "comment":
            key = str(properties["type"]), str(properties["object"])
            related.comments[key] = str(properties["text"])
        elif kind == "grant":
            table = str(properties["object"])
            if properties["kind"] == "column":
                _, table = last_part(table)
            related.items["grant", table].append((name, properties))
        elif "table" in properties and kind != "column":
            related.items[kind, str(properties["table"])].append((name, properties))
    return related


def _sheet(
    snapshot: Snapshot,
    related: _Related,
    kind: str,
    name: str,
    properties: Properties,
) -> TableSheet:
    constraints = _constraints(related, name)
    return TableSheet(
        name=name,
        kind=kind,
        system="",
        comment=related.comments.get((kind, name), ""),
        columns=_columns(related, kind, name, properties),
        constraints=constraints,
        indexes=_defined(related, "index", name),
        triggers=_defined(related, "trigger", name),
        policies=_defined(related, "policy", name),
        grants=_defined(related, "grant", name),
        referenced_by=_referenced_by(snapshot, name),
        definition=_definition(related.parts, kind, name, properties),
        row_security=bool(properties.get("row_security")),
        reads=sorted(named(str(properties["definition"])).all)
        if "definition" in properties
        else (),
    )


def _definition(parts: Parts, kind: str, name: str, properties: Properties) -> str:
    if kind.endswith("view"):
        return "\n\n".join(statements(kind, name, properties))
    return "\n\n".join(table_statements(kind, name, properties, parts))


def _columns(
    related: _Related, kind: str, name: str, properties: Properties
) -> list[ColumnSheet]:
    keys = {
        column
        for _, each in related.items["constraint", name]
        if each["type"] == "primary key"
        for column in column_list(str(each["definition"]))
    }
    found = []
    for column in texts(properties.get("columns")):
        each = related.parts.columns.get(f"{name}.{column}", {})
        found.append(
            ColumnSheet(
                name=unquoted(column),
                type=str(each.get("type", "")),
                nullable=not each.get("not_null", False),
                clause=_clause(each),
                default=str(each.get("generated") or each.get("default", "")),
                comment=related.comments.get(
                    (f"{kind} column", f"{name}.{column}"), ""
                ),
                primary=unquoted(column) in keys,
            )
        )
    return found


def _clause(column: Properties) -> str:
    if column.get("generated"):
        return f"generated, {column['generation']}"
    return f"identity, {column['identity']}" if column.get("identity") else ""


def _constraints(related: _Related, table: str) -> list[Item]:
    order = ("primary key", "unique", "exclusion", "foreign key", "check", "not null")
    items = [
        Item(
            unquoted(name.removesuffix(f" on {table}")),
            str(each["type"]),
            str(each["definition"]),
            related.comments.get(("table constraint", name), ""),
            _referenced(each),
        )
        for name, each in related.items["constraint", table]
        if each["type"] not in {"not null", "trigger"}  # told among columns, triggers
    ]
    return sorted(items, key=lambda each: (order.index(each.kind), each.name))


def _referenced(constraint: Properties) -> str | None:
    """Return the table that a foreign key refers to, as SQL writes it."""
    if constraint["type"] != "foreign key":
        return None
    tree: Any = postgast.parse(f"ALTER TABLE t ADD {constraint['definition']}")
    command = tree.stmts[0].stmt.alter_table_stmt.cmds[0].alter_table_cmd
    target = getattr(command, "def").constraint.pktable
    return ".".join(part for part in (target.schemaname, target.relname) if part)


def _referenced_by(snapshot: Snapshot, table: str) -> list[Item]:
    return [
        Item(
            unquoted(name.removesuffix(f" on {each['table']}")),
            "foreign key",
            str(each["definition"]),
            target=unquoted(str(each["table"])),
        )
        for (kind, name), each in snapshot.objects.items()
        if kind == "constraint" and _referenced(each) == unquoted(table)
    ]


def _defined(related: _Related, kind: str, table: str) -> list[Item]:
    """Return what hangs on a table, each with the statement that makes it."""
    found = []
    for name, each in related.items[kind, table]:
        definition = each.get("definition") or "\n".join(
            statements(kind, name, each)
        ).removesuffix(";")
        own = str(each.get("grantee", name.removesuffix(f" on {table}")))
        found.append(
            Item(
                unquoted(last_part(own)[0] if kind == "index" else own),
                _kind(kind, each),
                str(definition),
                related.comments.get((kind, name), ""),
            )
        )
    return found


def _kind(kind: str, properties: Properties) -> str:
    """Say in a word what a reviewer must know of it."""
    if kind == "index":
        method = str(properties["definition"]).partition(" USING ")[2].split(" ")[0]
        unique = "unique " if " UNIQUE " in str(properties["definition"]) else ""
        invalid = "" if properties.get("valid", True) else ", invalid"
        return f"{unique}{method}{invalid}"
    if kind == "trigger":
        return str(properties["enabled"]).replace("origin", "enabled")
    if kind == "policy":
        return "permissive" if properties.get("permissive") else "restrictive"
    return str(properties.get("kind", ""))


def _home(name: str, by: Sequence[Migration], migrations: Sequence[Migration]) -> str:
    """Return the system of a table: of the first migration that names it.

    A table that none names, such as a graph's, belongs to the first one that mentions
    its schema, or to the schema itself.
    """
    schema = unquoted(schema_and_rest(name)[0] or "public")
    mentioning = (each for each in migrations if schema in each.up.text)
    first = by[0] if by else next(mentioning, None)
    systems = {each.system for each in migrations}
    if schema in systems:
        return schema
    return first.system if first else schema


def _below(sheets: Mapping[str, TableSheet], view: str) -> set[str]:
    """Return the tables and views that a view reads, all the way down."""
    names = {unquoted(name): name for name in sheets}
    found: set[str] = set()
    waiting = [view]
    while waiting:
        for table in sheets[waiting.pop()].reads:
            below = names.get(table)
            if below is not None and below not in found:
                found.add(below)
                waiting.append(below)
    return found


def _merged(uses: Iterable[Use]) -> list[Use]:
    """Keep one use of each query: a direct one rather than one through a view."""
    best: dict[str, Use] = {}
    for use in uses:
        before = best.get(use.query)
        if before is None:
            best[use.query] = use
        elif use.through is None:
            writes = use.writes or (before.through is None and before.writes)
            best[use.query] = Use(use.query, writes)
    return sorted(best.values(), key=lambda each: (not each.writes, each.query))


def _beside(table: str, index: str) -> str:
    """Return an index's name, qualified with its table's schema."""
    schema, _ = schema_and_rest(table)
    return f"{schema}.{index}" if schema else index
