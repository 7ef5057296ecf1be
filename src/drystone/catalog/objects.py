"""Objects as the statements that make them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from drystone.catalog.comparison import shown
from drystone.catalog.names import schema_and_rest
from drystone.catalog.rendering import (
    Rendered,
    block,
    enabled,
    literal,
    notes,
    options,
    owner_of,
    sequence_options,
    terminated,
    texts,
    words,
)
from drystone.catalog.snapshot import Properties


def _schema(name: str, properties: Properties) -> Rendered:
    # Every new database has this one.
    there = "IF NOT EXISTS" if name == "public" else None
    return [
        words("CREATE SCHEMA", there, name) + ";",
        *owner_of("SCHEMA", name, properties),
    ]


def _extension(name: str, properties: Properties) -> Rendered:
    schema, version = properties["schema"], literal(properties["version"])
    return [words("CREATE EXTENSION", name, "SCHEMA", schema, "VERSION", version) + ";"]


def _enum(name: str, properties: Properties) -> Rendered:
    labels = [f"    {literal(label)}" for label in texts(properties.get("labels"))]
    return [
        words("CREATE TYPE", name, "AS ENUM") + block(labels) + ";",
        *owner_of("TYPE", name, properties),
    ]


def _composite(name: str, properties: Properties) -> Rendered:
    attributes = [f"    {each}" for each in texts(properties.get("attributes"))]
    return [
        words("CREATE TYPE", name, "AS") + block(attributes) + ";",
        *owner_of("TYPE", name, properties),
    ]


def _type(name: str, properties: Properties) -> Rendered:
    return [terminated(properties, "definition"), *owner_of("TYPE", name, properties)]


def _function(name: str, properties: Properties) -> Rendered:
    # The other properties are parts of the definition.
    return [
        terminated(properties, "definition"),
        *owner_of("ROUTINE", name, properties),
    ]


def _aggregate(name: str, properties: Properties) -> Rendered:
    values = properties["options"]
    lines = [
        f"    {option} = {shown(value)}"
        for option, value in (values.items() if isinstance(values, Mapping) else [])
    ]
    if properties.get("kind") == "hypothetical-set":
        lines.append("    hypothetical")
    schema, plain = schema_and_rest(name)
    plain = plain.partition("(")[0]
    arguments = properties["arguments"]
    return [
        f"{words('CREATE AGGREGATE', schema)}.{plain}({arguments}){block(lines)};",
        *owner_of("AGGREGATE", name, properties),
    ]


def _sequence(name: str, properties: Properties) -> Rendered:
    owned = properties.get("owned_by")
    if properties.get("identity"):
        return []
    kept = properties.get("persistence") == "unlogged"
    made = words(
        "CREATE",
        "UNLOGGED" if kept else None,
        "SEQUENCE",
        name,
        *sequence_options(properties),
    )
    return [
        made + ";",
        *([words("ALTER SEQUENCE", name, "OWNED BY", owned) + ";"] if owned else []),
        *owner_of("SEQUENCE", name, properties),
    ]


def _view(name: str, properties: Properties) -> Rendered:
    return _viewed(
        "VIEW", name, properties, said={"columns", "definition", "options", "owner"}
    )


def _materialized_view(name: str, properties: Properties) -> Rendered:
    said = {"columns", "definition", "options", "owner", "populated"}
    if properties.get("access_method") == "heap":
        said.add("access_method")
    return _viewed("MATERIALIZED VIEW", name, properties, said=said)


def _viewed(
    thing: str, name: str, properties: Properties, *, said: set[str]
) -> Rendered:
    storage = options(properties.get("options"))
    query = str(properties["definition"]).rstrip().rstrip(";")
    parts = [
        words("CREATE", thing, name, f"WITH ({storage})" if storage else None, "AS"),
        query,
    ]
    if properties.get("populated") is False:
        parts.append("WITH NO DATA")
    return [
        "\n".join(parts) + ";",
        *owner_of(thing, name, properties),
        *notes(thing.lower(), name, properties, said),
    ]


def _trigger(name: str, properties: Properties) -> Rendered:
    table, own = properties["table"], _before_on(name, properties)
    if properties.get("inherited"):
        said = {"definition", "table", "enabled"}
        return [
            *notes("trigger", name, properties, said),
            *enabled("TABLE", table, "TRIGGER", own, properties),
        ]
    return [
        terminated(properties, "definition"),
        *enabled("TABLE", table, "TRIGGER", own, properties),
    ]


def _rule(name: str, properties: Properties) -> Rendered:
    own = _before_on(name, properties)
    return [
        terminated(properties, "definition"),
        *enabled("TABLE", properties["table"], "RULE", own, properties),
    ]


def _policy(name: str, properties: Properties) -> Rendered:
    using, check = properties.get("using"), properties.get("check")
    lines = [
        words("CREATE POLICY", name),
        words("AS", "PERMISSIVE" if properties["permissive"] else "RESTRICTIVE"),
        words("FOR", properties["command"]),
        words("TO", ", ".join(texts(properties.get("roles")))),
        f"USING ({using})" if using else "",
        f"WITH CHECK ({check})" if check else "",
    ]
    return ["\n    ".join(line for line in lines if line) + ";"]


def _publication(name: str, properties: Properties) -> Rendered:
    tables = properties.get("tables")
    listed = [
        words("TABLE", table) + str(rest)
        for table, rest in (
            sorted(tables.items()) if isinstance(tables, Mapping) else []
        )
    ]
    listed += [f"TABLES IN SCHEMA {each}" for each in texts(properties.get("schemas"))]
    if properties["all_tables"]:
        listed = ["ALL TABLES"]
    publish = literal(", ".join(texts(properties.get("operations"))))
    said = {"tables", "schemas", "all_tables", "operations", "owner"}
    return [
        "\n    ".join(
            [
                words("CREATE PUBLICATION", name),
                *(["FOR " + ", ".join(listed)] if listed else []),
                f"WITH (publish = {publish})",
            ]
        )
        + ";",
        *owner_of("PUBLICATION", name, properties),
        *notes("publication", name, properties, said),
    ]


def _text_search_configuration(name: str, properties: Properties) -> Rendered:
    mappings = properties.get("mappings")
    thing = "TEXT SEARCH CONFIGURATION"
    return [
        words("CREATE", thing, name, f"(PARSER = {properties['parser']})") + ";",
        *(
            words("ALTER", thing, name, "ADD MAPPING FOR", token, "WITH", through) + ";"
            for token, through in (
                sorted(mappings.items()) if isinstance(mappings, Mapping) else []
            )
        ),
        *owner_of(thing, name, properties),
    ]


def _event_trigger(name: str, properties: Properties) -> Rendered:
    return [
        terminated(properties, "definition"),
        *enabled("EVENT TRIGGER", name, "", "", properties),
        *owner_of("EVENT TRIGGER", name, properties),
    ]


def _foreign_data_wrapper(name: str, properties: Properties) -> Rendered:
    thing = "FOREIGN DATA WRAPPER"
    handler, validator = properties.get("handler"), properties.get("validator")
    return [
        words(
            "CREATE",
            thing,
            name,
            words("HANDLER", handler) if handler else None,
            words("VALIDATOR", validator) if validator else None,
            _foreign_options(properties),
        )
        + ";",
        *owner_of(thing, name, properties),
    ]


def _server(name: str, properties: Properties) -> Rendered:
    kind, version = properties.get("type"), properties.get("version")
    return [
        words(
            "CREATE SERVER",
            name,
            words("TYPE", literal(kind)) if kind else None,
            words("VERSION", literal(version)) if version else None,
            words("FOREIGN DATA WRAPPER", properties["wrapper"]),
            _foreign_options(properties),
        )
        + ";",
        *owner_of("SERVER", name, properties),
    ]


def _user_mapping(_name: str, properties: Properties) -> Rendered:
    user, server = properties["user"], properties["server"]
    return [
        words(
            "CREATE USER MAPPING FOR",
            user,
            "SERVER",
            server,
            _foreign_options(properties),
        )
        + ";"
    ]


def _foreign_options(properties: Properties) -> str:
    given = options(properties.get("options"), equals=" ")
    return f"OPTIONS ({given})" if given else ""


def _before_on(name: str, properties: Properties) -> str:
    """Return a trigger's or rule's own name."""
    return name.removesuffix(f" on {properties['table']}")


WRITERS: Mapping[str, Callable[[str, Properties], Rendered]] = {
    "aggregate": _aggregate,
    "base type": _type,
    "composite type": _composite,
    "enum": _enum,
    "event trigger": _event_trigger,
    "extension": _extension,
    "foreign data wrapper": _foreign_data_wrapper,
    "function": _function,
    "materialized view": _materialized_view,
    "policy": _policy,
    "procedure": _function,
    "publication": _publication,
    "range type": _type,
    "rule": _rule,
    "schema": _schema,
    "sequence": _sequence,
    "server": _server,
    "text search configuration": _text_search_configuration,
    "trigger": _trigger,
    "user mapping": _user_mapping,
    "view": _view,
}
