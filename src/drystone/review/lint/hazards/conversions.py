"""Which columns PostgreSQL fills or changes without touching the rows.

A change of type is free where the old value is a valid new one, bit by bit, and every
old value fits: a longer varchar, text, a numeric of more digits and the same scale.
Source: the pages of ALTER TABLE for PostgreSQL 18, and the support functions of
varchar, numeric, varbit and the types of time.
"""

from __future__ import annotations

from typing import Any

import postgast

from drystone.review.lint.schema import columns, names
from drystone.review.lint.schema.model import Column, Schema, Table
from drystone.review.lint.schema.names import pb

_TEXT, _VARCHAR = "text", "character varying"

# The same bits, read by another type. Indexes of the first group need no rebuilding.
_SAME_ORDER = {(_VARCHAR, _TEXT), (_TEXT, _VARCHAR), ("cidr", "inet")}
_OTHER_ORDER = {
    ("citext", _TEXT),
    ("citext", _VARCHAR),
    ("integer", "oid"),
    ("oid", "integer"),
    (_TEXT, "citext"),
    (_VARCHAR, "citext"),
    ("xml", _TEXT),
    ("xml", _VARCHAR),
}
_LENGTHS = {_VARCHAR, "bit varying"}
_TIMES = {
    "interval",
    "time with time zone",
    "time without time zone",
    "timestamp with time zone",
    "timestamp without time zone",
}
_FINEST = 6  # digits of a second

# What may stand in a default and gives one value for all rows that are there already.
_STEADY = """
    abs array_fill array_to_string btrim ceil char_length chr concat concat_ws
    current_database current_schema current_setting current_user daterange date_part
    date_trunc decode encode floor format int4range int8range json_build_array
    json_build_object jsonb_build_array jsonb_build_object left length lower lpad ltrim
    make_date make_interval make_time make_timestamp make_timestamptz md5 mod now
    numrange position power regexp_replace repeat replace right round rpad rtrim sha256
    split_part statement_timestamp string_to_array strpos substr substring timezone
    to_char to_date to_json to_jsonb to_number to_timestamp to_tsquery to_tsvector
    transaction_timestamp translate trunc tsrange tstzrange upper
"""


def fills(definition: Any, schema: Schema) -> bool:
    """Tell whether a new column makes PostgreSQL write every row of the table anew."""
    generated = columns.inline_constraints(definition, pb.CONSTR_GENERATED)
    defaults = columns.inline_constraints(definition, pb.CONSTR_DEFAULT)
    domain = names.dotted(names.parts(definition.type_name.names))
    return (
        columns.is_serial(definition)
        or bool(columns.inline_constraints(definition, pb.CONSTR_IDENTITY))
        or any(each.generated_kind != "v" for each in generated)
        or any(is_volatile(each.raw_expr, schema) for each in defaults)
        or domain in schema.checked_domains
    )


def is_volatile(expression: Any, schema: Schema) -> bool:
    """Tell whether an expression may differ from row to row: it calls what may."""
    for _, node in postgast.walk(expression):
        if isinstance(node, pb.FuncCall):
            path = names.parts(node.funcname)
            own = len(path) == 1 or path[0] == "pg_catalog"
            builtin = own and path[-1] in _STEADY.split()
            if not builtin and names.dotted(path) not in schema.steady:
                return True
    return False


def unchanged(column: Column, definition: Any) -> bool:
    """Tell whether a column is to get the type and the collation that it has."""
    new = columns.read_column(definition)
    return (new.type, new.modifiers, new.array, new.collation) == (
        column.type,
        column.modifiers,
        column.array,
        column.collation,
    )


def rewrites(column: Column, definition: Any) -> bool:
    """Tell whether a change of type rewrites the table."""
    if _computed(column, definition):
        return True
    new = columns.read_column(definition)
    if column.array != new.array:
        return True
    if column.type == new.type:
        longer = not column.array and _fits(column, new)
        return column.modifiers != new.modifiers and not longer
    if column.array or (column.type, new.type) not in _SAME_ORDER | _OTHER_ORDER:
        return True
    return bool(new.modifiers) and not (
        {column.type, new.type} == {_VARCHAR} and _fits(column, new)
    )


def rebuilt(table: Table, column: Column, definition: Any) -> bool:
    """Tell whether a change of type that rewrites no row still rebuilds an index."""
    new = columns.read_column(definition)
    using = [index for index in table.indexes.values() if column.name in index.uses]
    reordered = (
        column.collation != new.collation or (column.type, new.type) in _OTHER_ORDER
    )
    return any(
        reordered or index.predicate is not None or index.expressions for index in using
    )


def _fits(old: Column, new: Column) -> bool:
    """Tell whether every value of one modifier is one of another, of the same type."""
    if not new.modifiers:
        return True
    if old.type in _TIMES:
        return new.modifiers[-1] >= (old.modifiers or (_FINEST,))[-1]
    if not old.modifiers:
        return False
    if old.type in _LENGTHS:
        return new.modifiers[0] >= old.modifiers[0]
    if old.type == "numeric":
        precision, scale = (*old.modifiers, 0)[:2]
        wider, same = (*new.modifiers, 0)[:2]
        return scale == same and wider >= precision
    return False


def _computed(column: Column, definition: Any) -> bool:
    """Tell whether USING says more than the column, cast to its new type."""
    if not definition.HasField("raw_default"):
        return False
    value = definition.raw_default
    if value.HasField("type_cast"):
        if names.type_name(value.type_cast.type_name) != names.type_name(
            definition.type_name
        ):
            return True
        value = value.type_cast.arg
    return names.parts(value.column_ref.fields)[-1:] != [column.name]
