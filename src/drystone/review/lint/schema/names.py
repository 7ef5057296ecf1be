"""The names that PostgreSQL gives: qualified ones, types, and those nobody wrote."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import postgast

pb = postgast.pg_query_pb2

PUBLIC = "public"
_LONGEST = 63

_PRINTED = {
    "bigserial": "bigint",
    "bit": "bit",
    "bool": "boolean",
    "bpchar": "character",
    "decimal": "numeric",
    "float4": "real",
    "float8": "double precision",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "serial": "integer",
    "serial2": "smallint",
    "serial4": "integer",
    "serial8": "bigint",
    "smallserial": "smallint",
    "time": "time without time zone",
    "timestamp": "timestamp without time zone",
    "timestamptz": "timestamp with time zone",
    "timetz": "time with time zone",
    "varbit": "bit varying",
    "varchar": "character varying",
}
SERIALS = frozenset(name for name in _PRINTED if "serial" in name)

_CALLED = {
    "coalesce_expr": "coalesce",
    "a_array_expr": "array",
    "case_expr": "case",
    "row_expr": "row",
}


def qualified(relation: Any) -> str:
    """Return a relation's name with its schema."""
    return f"{relation.schemaname or PUBLIC}.{relation.relname}"


def parts(names: Iterable[Any]) -> list[str]:
    """Return the strings of a list of name nodes."""
    return [str(node.string.sval) for node in names]


def dotted(names: Sequence[str]) -> str:
    """Return a name that was written in parts, with its schema."""
    return f"{names[-2] if len(names) > 1 else PUBLIC}.{names[-1]}"


def sibling(name: str, of: str) -> str:
    """Return a name in the schema of another."""
    return f"{of.partition('.')[0]}.{name}"


def local(name: str) -> str:
    """Return a name without its schema."""
    return name.rpartition(".")[2]


def type_name(node: Any) -> str:
    """Return a type as PostgreSQL prints it, without its modifier."""
    written = [part for part in parts(node.names) if part != "pg_catalog"]
    if len(written) == 1:
        return _PRINTED.get(written[0], written[0])
    return ".".join(written)


def modifiers(node: Any) -> tuple[int, ...]:
    """Return a type's modifiers; those that are not numbers are left out."""
    return tuple(
        each.a_const.ival.ival
        for each in node.typmods
        if each.HasField("a_const") and each.a_const.HasField("ival")
    )


def expression(node: Any) -> str:
    """Return an expression as SQL; empty for one that cannot be written again."""
    tree = pb.ParseResult(version=180000)
    target = tree.stmts.add().stmt.select_stmt.target_list.add().res_target
    target.val.CopyFrom(node)
    try:
        return str(postgast.deparse(tree)).removeprefix("SELECT ")
    except postgast.PgQueryError:
        return ""


def column_references(node: Any) -> list[str]:
    """Return the columns that an expression names, each once."""
    names = [
        ref.fields[-1].string.sval
        for _, ref in postgast.walk(node)
        if isinstance(ref, pb.ColumnRef)
    ]
    return list(dict.fromkeys(names))


def proven_not_null(node: Any) -> frozenset[str]:
    """Return the columns that are not null wherever a condition is true."""
    if node.HasField("null_test") and node.null_test.nulltesttype == pb.IS_NOT_NULL:
        tested = node.null_test.arg
        return frozenset(parts(tested.column_ref.fields)[-1:])
    if node.HasField("bool_expr") and node.bool_expr.boolop == pb.AND_EXPR:
        return frozenset().union(*map(proven_not_null, node.bool_expr.args))
    return frozenset()


def column_label(node: Any) -> str:
    """Return what PostgreSQL calls an expression among an index's columns."""
    kind = node.WhichOneof("node")
    value = getattr(node, kind)
    match kind:
        case "column_ref":
            return parts(value.fields)[-1]
        case "func_call":
            return parts(value.funcname)[-1]
        case "type_cast":
            inner = column_label(value.arg)
            return parts(value.type_name.names)[-1] if inner == "expr" else inner
        case "collate_clause":
            return column_label(value.arg)
    return _CALLED.get(kind, "expr")


def index_label(labels: Sequence[str]) -> str:
    """Join the columns of an index's name; a label that comes again gets a number."""
    taken: list[str] = []
    for label in labels:
        taken.append(free(label, taken))
    return "_".join(taken)


def made_up(table: str, columns: str, label: str, taken: Iterable[str]) -> str:
    """Return the name that PostgreSQL makes for an index or a constraint."""
    used = set(taken)
    tail = ""
    while (name := _fit(local(table), columns, label + tail)) in used:
        tail = str(int(tail or 0) + 1)
    return name


def free(name: str, taken: Iterable[str]) -> str:
    """Return a name, with the first number behind it that makes it unique."""
    used, found, number = set(taken), name, 0
    while found in used:
        number += 1
        found = f"{name}{number}"
    return found


def _fit(first: str, second: str, label: str) -> str:
    room = _LONGEST - len(label.encode()) - 1 - bool(second)
    one, two = first.encode(), second.encode()
    while len(one) + len(two) > room:
        if len(one) > len(two):
            one = one[:-1]
        else:
            two = two[:-1]
    kept = [part.decode(errors="ignore") for part in (one, two)]
    return "_".join([*filter(None, kept), label])
