"""Tables and domains as statements, with the columns and constraints inside."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from drystone.catalog.names import last_part
from drystone.catalog.rendering import (
    Rendered,
    notes,
    options,
    owner_of,
    sequence_options,
    texts,
    words,
)
from drystone.catalog.snapshot import Properties, Snapshot

_TABLE_KEYWORDS = {"foreign table": "FOREIGN TABLE", "table": "TABLE"}


@dataclass(frozen=True, slots=True)
class Parts:
    """What stands inside the statement of another object, by that object's name."""

    columns: Mapping[str, Properties] = field(default_factory=dict)
    identities: Mapping[str, tuple[str, Properties]] = field(default_factory=dict)
    constraints: Mapping[str, list[tuple[str, Properties]]] = field(
        default_factory=dict
    )


def parts_of(snapshot: Snapshot) -> Parts:
    """Collect columns, identity columns' sequences and constraints."""
    columns: dict[str, Properties] = {}
    identities: dict[str, tuple[str, Properties]] = {}
    constraints: defaultdict[str, list[tuple[str, Properties]]] = defaultdict(list)
    for kind, name in sorted(snapshot.objects):
        properties = snapshot.objects[kind, name]
        if kind == "column":
            columns[name] = properties
        elif kind == "sequence" and properties.get("identity"):
            identities[str(properties["owned_by"])] = (name, properties)
        elif kind == "constraint":
            owner = str(properties.get("table") or properties.get("domain"))
            constraints[owner].append((name.removesuffix(f" on {owner}"), properties))
    return Parts(columns, identities, constraints)


def table(kind: str, name: str, properties: Properties, parts: Parts) -> Rendered:
    """Return a table's statement and those that change it afterwards.

    Inherited columns and constraints are listed, as the table has them, and named as
    inherited below.
    """
    columns = texts(properties.get("columns"))
    constraints = parts.constraints.get(name, [])
    lines = [
        *(_column(f"{name}.{column}", column, parts) for column in columns),
        *(
            words("CONSTRAINT", constraint, each["definition"])
            for constraint, each in constraints
            # A constraint trigger has a statement of its own.
            if each["type"] != "trigger"
            and not _is_plain_not_null(name, constraint, each)
        ),
    ]
    keyword = _TABLE_KEYWORDS[kind]
    unlogged = "UNLOGGED" if properties.get("persistence") == "unlogged" else None
    body = ",\n".join(f"    {line}" for line in lines)
    return [
        "\n".join(
            [
                words("CREATE", unlogged, keyword, name, "(" if lines else "()"),
                *([body, ")"] if lines else []),
                *_clauses(properties),
            ]
        )
        + ";",
        *_attached(name, properties),
        *_row_security(name, properties),
        *_replica_identity(name, properties),
        *(
            statement
            for column in columns
            for statement in _column_settings(name, column, parts)
        ),
        *owner_of(keyword, name, properties),
        *notes(kind, name, _rest(name, properties, constraints, parts), set()),
    ]


def view_columns(name: str, properties: Properties, parts: Parts) -> Rendered:
    """Return a view's columns with their types as a comment, and their settings."""
    columns = texts(properties.get("columns"))
    listed = [f"--     {_column(f'{name}.{each}', each, parts)}" for each in columns]
    return [
        *(["\n".join([f"-- Columns of {name}", *listed])] if listed else []),
        *(
            statement
            for column in columns
            for statement in _column_settings(name, column, parts)
        ),
    ]


def domain(name: str, properties: Properties, parts: Parts) -> Rendered:
    """Return a domain's statement, with its constraints."""
    default, collation = properties.get("default"), properties.get("collation")
    lines = [
        words("CREATE DOMAIN", name, "AS", properties["type"]),
        words("COLLATE", collation) if collation else "",
        words("DEFAULT", default) if default else "",
        "NOT NULL" if properties["not_null"] else "",
        *(
            words("CONSTRAINT", constraint, each["definition"])
            for constraint, each in parts.constraints.get(name, [])
            if each["definition"] != "NOT NULL"
            or constraint != f"{last_part(name)[0]}_not_null"
        ),
    ]
    return [
        "\n    ".join(line for line in lines if line) + ";",
        *owner_of("DOMAIN", name, properties),
    ]


def index(name: str, properties: Properties) -> Rendered:
    """Return an index's statement; of a constraint's index only what that omits."""
    own, _ = last_part(name)
    table_name = str(properties["table"])
    statistics = properties.get("statistics")
    parent, storage = properties.get("partition_of"), options(properties.get("options"))
    rendered = []
    if not properties.get("constraint"):
        rendered.append(f"{properties['definition']};")
    elif storage:
        rendered.append(words("ALTER INDEX", name, "SET", f"({storage})") + ";")
    if parent:
        rendered.append(words("ALTER INDEX", parent, "ATTACH PARTITION", name) + ";")
    if properties["clustered"]:
        rendered.append(words("ALTER TABLE", table_name, "CLUSTER ON", own) + ";")
    if isinstance(statistics, Mapping):
        rendered += [
            words("ALTER INDEX", name, "ALTER COLUMN", number, "SET STATISTICS", target)
            + ";"
            for number, target in sorted(statistics.items())
        ]
    if properties.get("tablespace"):
        tablespace = properties["tablespace"]
        rendered.append(words("ALTER INDEX", name, "SET TABLESPACE", tablespace) + ";")
    if not properties["valid"]:
        rendered += notes("index", name, {"valid": "no"}, set())
    return rendered


def _column(name: str, column: str, parts: Parts) -> str:
    properties = parts.columns[name]
    collation, default = properties.get("collation"), properties.get("default")
    storage, foreign = (
        properties["storage"],
        options(properties.get("foreign_options"), equals=" "),
    )
    compression = properties.get("compression")
    return words(
        column,
        properties["type"],
        f"OPTIONS ({foreign})" if foreign else None,
        words("STORAGE", str(storage).upper()) if storage != "default" else None,
        words("COMPRESSION", compression) if compression else None,
        words("COLLATE", collation) if collation else None,
        words("DEFAULT", default) if default else None,
        _generated(properties),
        _identity(name, properties, parts),
        "NOT NULL" if properties["not_null"] else None,
    )


def _generated(properties: Properties) -> str | None:
    expression = properties.get("generated")
    if expression is None:
        return None
    how = str(properties["generation"]).upper()
    return words("GENERATED ALWAYS AS", f"({expression})", how)


def _identity(name: str, properties: Properties, parts: Parts) -> str | None:
    identity = properties.get("identity")
    if identity is None:
        return None
    settings = []
    if name in parts.identities:
        sequence, of_sequence = parts.identities[name]
        settings = sequence_options(of_sequence)
        # The sequence takes the column's type.
        settings = [each for each in settings if not each.startswith("AS ")]
        column, owner = last_part(name)
        if sequence != f"{owner}_{column}_seq":
            settings.insert(0, words("SEQUENCE NAME", sequence))
    return words(
        "GENERATED",
        str(identity).upper(),
        "AS IDENTITY",
        f"({' '.join(settings)})" if settings else None,
    )


def _is_plain_not_null(name: str, constraint: str, properties: Properties) -> bool:
    """Tell whether the column's NOT NULL says it all, as up to PostgreSQL 17."""
    definition = str(properties["definition"])
    column = definition.removeprefix("NOT NULL ")
    return (
        properties["type"] == "not null"
        and constraint == f"{last_part(name)[0]}_{column}_not_null"
        and definition == f"NOT NULL {column}"
    )


def _clauses(properties: Properties) -> list[str]:
    """Return what follows the closing parenthesis."""
    key, method = properties.get("partition_key"), properties.get("access_method")
    storage = ", ".join(
        part
        for part in (
            options(properties.get("options")),
            options(_prefixed(properties.get("toast_options"))),
        )
        if part
    )
    server, bound = properties.get("server"), properties.get("partition_bound")
    parents = texts(properties.get("inherits"))
    tablespace = properties.get("tablespace")
    clauses = [
        f"INHERITS ({', '.join(parents)})" if parents and not bound else "",
        words("PARTITION BY", key) if key else "",
        words("USING", method) if method not in (None, "heap") else "",
        words("SERVER", server) if server else "",
        f"WITH ({storage})" if storage and not server else "",
        words("TABLESPACE", tablespace) if tablespace else "",
    ]
    if server and storage:
        foreign = options(properties.get("options"), equals=" ")
        clauses.append(f"OPTIONS ({foreign})")
    return [clause for clause in clauses if clause]


def _prefixed(values: object) -> object:
    if not isinstance(values, Mapping):
        return None
    return {f"toast.{name}": value for name, value in values.items()}


def _attached(name: str, properties: Properties) -> Rendered:
    bound = properties.get("partition_bound")
    return [
        words("ALTER TABLE ONLY", parent, "ATTACH PARTITION", name, bound) + ";"
        for parent in texts(properties.get("inherits"))
        if bound
    ]


def _row_security(name: str, properties: Properties) -> Rendered:
    return [
        words("ALTER TABLE", name, how, "ROW LEVEL SECURITY") + ";"
        for how, given in (
            ("ENABLE", properties.get("row_security")),
            ("FORCE", properties.get("force_row_security")),
        )
        if given
    ]


def _replica_identity(name: str, properties: Properties) -> Rendered:
    identity = str(properties.get("replica_identity", "default"))
    if identity == "default":
        return []
    word, _, index_name = identity.partition(" ")
    what = words("USING INDEX", index_name) if index_name else word.upper()
    return [words("ALTER TABLE ONLY", name, "REPLICA IDENTITY", what) + ";"]


def _column_settings(name: str, column: str, parts: Parts) -> Rendered:
    properties = parts.columns[f"{name}.{column}"]
    change = words("ALTER TABLE ONLY", name, "ALTER COLUMN", column)
    given = options(properties.get("options"))
    statistics = properties["statistics"]
    return [
        *([words(change, "SET", f"({given})") + ";"] if given else []),
        *(
            [words(change, "SET STATISTICS", str(statistics)) + ";"]
            if statistics != -1
            else []
        ),
    ]


def _rest(
    name: str,
    properties: Properties,
    constraints: list[tuple[str, Properties]],
    parts: Parts,
) -> dict[str, object]:
    """Collect what the statements do not say: types, inheritance, disabled triggers."""
    rest: dict[str, object] = {}
    inherited: dict[str, list[str]] = {}
    if properties.get("of_type"):
        rest["of type"] = properties["of_type"]
    members = [
        *(
            (column, parts.columns[f"{name}.{column}"])
            for column in texts(properties.get("columns"))
        ),
        *constraints,
    ]
    for member, each in members:
        if "inherited" in each:
            inherited.setdefault(f"inherited {each['inherited']}", []).append(member)
        if "triggers" in each:
            rest[f"triggers of {member}"] = each["triggers"]
    return {**rest, **inherited}
