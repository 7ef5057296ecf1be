"""Values of composite types: each attribute's from the column that it meets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from psycopg import sql

from drystone.review.plans.sources import AT, MIDDLE, Source, Type
from drystone.review.plans.targets import Target, Use

# Two columns with bounds on both sides then hold about a tenth of the rows.
_LOW, _HIGH = 0.34, 0.66


def composite(
    source: Source,
    type_: Type,
    targets: Sequence[Target],
    plain: Callable[[Type], str | None],
) -> str:
    """Return a value of a composite type, as PostgreSQL writes it.

    Attributes that are compared with columns of a table are from the row in the middle
    of its list. Others hold a column that their name ends with between them. What
    meets nothing is ``plain``.
    """
    attributes = source.attributes(type_.based_on)
    values = {number: plain(source.type(oid)) for number, _, oid in attributes}
    values |= _bounds(source, attributes, targets)
    values |= _middle(source, targets)
    return "({})".format(",".join(map(_quoted, values.values())))


def _bounds(
    source: Source,
    attributes: Sequence[tuple[int, str, int]],
    targets: Iterable[Target],
) -> Mapping[int, str]:
    """Take the bounds of columns that the whole is used beside."""
    found: dict[int, str] = {}
    for target in targets:
        if target.field or target.use is not Use.NEAR or not target.relation:
            continue
        column = source.column(target.relation, target.column)
        named = [number for number, name, _ in attributes if name.endswith(column.name)]
        for place, number in enumerate(named):
            part = sql.Literal(_LOW if place == 0 else _HIGH)
            value = source.ask(AT, column, part=part, given=sql.SQL("true"))
            if value is not None:
                found[number] = value
    return found


def _middle(source: Source, targets: Iterable[Target]) -> Mapping[int, str]:
    """Take the attributes that are compared from one row."""
    met: dict[int, Target] = {}
    for target in targets:
        if target.field and target.relation:
            met.setdefault(target.field, target)
    relation = next((target.relation for target in met.values()), 0)
    columns = {
        field: source.column(relation, target.column)
        for field, target in met.items()
        if target.relation == relation
    }
    if not columns:
        return {}
    names = [
        sql.Identifier(column.schema, column.table, column.name)
        for column in columns.values()
    ]
    row = source.one(
        sql.SQL(MIDDLE).format(
            texts=sql.SQL(", ").join(sql.SQL("{}::text").format(n) for n in names),
            columns=sql.SQL(", ").join(names),
            known=sql.SQL(" AND ").join(
                sql.SQL("{} IS NOT NULL").format(n) for n in names
            ),
            table=next(iter(columns.values())).of,
        )
    )
    return dict(zip(columns, row, strict=True)) if row else {}


def _quoted(value: str | None) -> str:
    if value is None:
        return ""
    return '"{}"'.format(value.replace("\\", "\\\\").replace('"', '""'))
