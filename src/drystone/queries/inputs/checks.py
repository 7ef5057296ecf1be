"""What the CHECKs of a table or a domain say of single columns, as far as known.

A CHECK is read from its tree, as PostgreSQL prints it back: implicit casts are written
out, BETWEEN has become two comparisons, IN has become = ANY. It is taken apart into
conditions that must all hold; one that names a single column becomes rules for the
values of that column which are not NULL. A condition that is NULL holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import postgast

from drystone.queries.inputs.conditions import ConditionReader, result_for_null
from drystone.queries.inputs.rules import Family, Rule

pb = postgast.pg_query_pb2

# Only whole statements can be parsed.
_TABLE = "CREATE TABLE t (CONSTRAINT c {})"


@dataclass(slots=True)
class CheckRules:
    """The rules of a CHECK by column, and the columns in which it refuses NULL.

    ``whole`` tells whether the rules are all that the CHECK says.
    """

    rules: list[tuple[str, Rule]] = field(default_factory=list)
    not_null: set[str] = field(default_factory=set)
    whole: bool = True


def read_check(definition: str, families: Mapping[str, Family | None]) -> CheckRules:
    """Read a definition by ``pg_get_constraintdef`` under an empty search path.

    ``families`` has the columns that rules can be made for; ``value`` is a domain's.
    Those without a family can only be refused NULL.
    """
    found = CheckRules()
    try:
        tree = postgast.parse(_TABLE.format(definition))
    except postgast.PgQueryError:  # the server is newer than the parser
        found.whole = False
        return found
    constraint = tree.stmts[0].stmt.create_stmt.table_elts[0].constraint
    if not constraint.is_enforced:
        return found
    for condition, holds in _conditions(constraint.raw_expr, True):
        columns = {
            node.fields[-1].string.sval
            for _, node in postgast.walk(condition)
            if isinstance(node, pb.ColumnRef)
        }
        column = min(columns, default="")
        if len(columns) != 1 or column not in families:
            found.whole = False
            continue
        if result_for_null(condition) is (not holds):
            found.not_null.add(column)
        reader = ConditionReader(families[column])
        rules = reader.read(condition, holds)
        found.rules += [(column, rule) for rule in rules or []]
        found.whole = found.whole and rules is not None and reader.exact
    return found


def _conditions(node: Any, holds: bool) -> Iterator[tuple[Any, bool]]:
    """Take apart what must hold, or must not, into conditions that all must."""
    expression = node.bool_expr if node.HasField("bool_expr") else None
    if expression is None:
        yield node, holds
    elif expression.boolop == pb.NOT_EXPR:
        yield from _conditions(expression.args[0], not holds)
    elif expression.boolop == (pb.AND_EXPR if holds else pb.OR_EXPR):
        for part in expression.args:
            yield from _conditions(part, holds)
    else:
        yield node, holds
