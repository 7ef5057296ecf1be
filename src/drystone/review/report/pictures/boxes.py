"""A table as a box: which rows it shows, how large it is, where its lines start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from drystone.review.report.pictures.entities import Entity, EntityColumn
from drystone.review.report.pictures.markup import bold, mono, sans

HEAD, ROW, FOOT = 30.0, 20.0, 6.0
PADDING, MARK, BETWEEN = 10.0, 26.0, 14.0
NAME, TYPE, TITLE = mono(11.5), mono(11), bold(13)
STRONG = mono(11.5, strong=True)
SMALL = sans(10.5)

_NARROWEST, _WIDEST = 130.0, 290.0

# A table with more columns shows its keys and this many others: fewer in a crowd.
_OTHERS, _IN_CROWD, _CROWD = 8, 4, 30

# Long names of types that have a short one, which PostgreSQL accepts as well.
_SHORT = {
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
    "time with time zone": "timetz",
    "time without time zone": "time",
    "double precision": "float8",
    "character varying": "varchar",
    "character": "char",
    "bit varying": "varbit",
}


@dataclass(frozen=True, slots=True)
class Box:
    """A table's box, measured but not placed; entity is None for a table elsewhere."""

    name: str
    entity: Entity | None
    rows: Sequence[EntityColumn]
    hidden: int
    width: float
    height: float

    def offset(self, column: str | None) -> float:
        """Return the middle of a column's row below the top, or of the heading."""
        for index, row in enumerate(self.rows):
            if row.name == column:
                return HEAD + ROW * index + ROW / 2
        return HEAD / 2

    @property
    def key(self) -> str | None:
        """The column at which references end: the first of the primary key."""
        keys = [row.name for row in self.rows if row.key == "primary"]
        return keys[0] if keys else None


def box(entity: Entity, among: int = 1) -> Box:
    """Measure a table: keys, referencing columns, and some of the others.

    ``among`` is how many tables the picture holds.
    """
    rows = _shown(entity, _OTHERS if among < _CROWD else _IN_CROWD)
    hidden = len(entity.columns) - len(rows)
    wanted = [
        PADDING * 2 + TITLE.width(entity.name),
        *(
            PADDING * 2
            + MARK
            + STRONG.width(row.name)
            + BETWEEN
            + TYPE.width(type_of(row))
            for row in rows
        ),
    ]
    return Box(
        name=entity.name,
        entity=entity,
        rows=rows,
        hidden=hidden,
        # Whole pixels, and one more, so that rounding cuts no text.
        width=min(_WIDEST, max(_NARROWEST, ceil(max(wanted)) + 1)),
        height=HEAD + ROW * (len(rows) + bool(hidden)) + FOOT,
    )


def absent(name: str) -> Box:
    """Measure the place of a table that is referenced but not in the picture."""
    width = ceil(PADDING * 2 + TITLE.width(name)) + 1
    return Box(name, None, (), 0, min(_WIDEST, max(_NARROWEST, width)), HEAD + 18)


def type_of(column: EntityColumn) -> str:
    """Return a column's type, short, with ? where it may be null."""
    for long, short in _SHORT.items():
        if column.type == long or column.type.startswith((f"{long}[", f"{long}(")):
            return short + column.type.removeprefix(long) + "?" * column.nullable
    return column.type + "?" * column.nullable


def _shown(entity: Entity, limit: int) -> Sequence[EntityColumn]:
    referencing = {name for each in entity.references for name in each.columns}
    keys = [
        each
        for each in entity.columns
        if each.key in {"primary", "foreign"} or each.name in referencing
    ]
    # A row that says "1 more" is as tall as the column it hides.
    if len(entity.columns) <= len(keys) + limit + 1:
        return entity.columns
    others = [each for each in entity.columns if each not in keys][:limit]
    return [each for each in entity.columns if each in keys or each in others]
