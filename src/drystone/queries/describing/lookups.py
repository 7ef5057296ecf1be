"""What the catalog says of the objects that a parse tree names by number, kept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from psycopg import Connection

from drystone.queries.describing.nodes import Node, read_nodes

# Objects below this number came with PostgreSQL itself: its FirstNormalObjectId.
FIRST_NORMAL = 16384

_FUNCTION = """
SELECT
    p.proisstrict AS strict,
    p.proretset AS returns_set,
    coalesce(e.extname || ': ', '')
        || CASE WHEN n.nspname = 'pg_catalog' THEN '' ELSE n.nspname || '.' END
        || p.proname
        || '('
        || pg_catalog.array_to_string(
            ARRAY(
                SELECT pg_catalog.format_type(argument.type, NULL)
                FROM pg_catalog.unnest(p.proargtypes) WITH ORDINALITY
                    AS argument (type, number)
                ORDER BY argument.number
            ),
            ', '
        )
        || ')' AS signature
FROM pg_catalog.pg_proc AS p
JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace
LEFT JOIN pg_catalog.pg_depend AS d
    ON d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
    AND d.objid = p.oid
    AND d.deptype = 'e'
LEFT JOIN pg_catalog.pg_extension AS e ON e.oid = d.refobjid
WHERE p.oid = %s
"""

_OPERATOR = """
SELECT
    o.oprname AS name,
    o.oprcode::oid AS function,
    pg_catalog.format_type(nullif(o.oprleft, 0), NULL) AS left_type,
    pg_catalog.format_type(o.oprright, NULL) AS right_type
FROM pg_catalog.pg_operator AS o
WHERE o.oid = %s
"""

# A constraint that was not validated holds for new rows only, and a parent's need not
# hold for its children. Foreign tables are not held to theirs.
_NOT_NULL = """
WITH RECURSIVE family AS (
    SELECT %(relation)s::oid AS oid
    UNION
    SELECT i.inhrelid
    FROM family
    JOIN pg_catalog.pg_inherits AS i ON i.inhparent = family.oid
)
SELECT
    bool_and(
        a.attnotnull
        AND c.relkind IN ('r', 'p')
        AND NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_constraint AS n
            WHERE n.conrelid = a.attrelid
                AND n.contype = 'n'
                AND n.conkey[1] = a.attnum
                AND NOT n.convalidated
        )
    )
FROM family
JOIN pg_catalog.pg_class AS c ON c.oid = family.oid
JOIN pg_catalog.pg_attribute AS own
    ON own.attrelid = %(relation)s::oid
    AND own.attnum = %(number)s
JOIN pg_catalog.pg_attribute AS a
    ON a.attrelid = family.oid
    AND a.attname = own.attname
"""

_DOMAIN_NOT_NULL = """
WITH RECURSIVE domain AS (
    SELECT t.oid, t.typbasetype, t.typnotnull, t.typtype
    FROM pg_catalog.pg_type AS t
    WHERE t.oid = %s
    UNION ALL
    SELECT t.oid, t.typbasetype, t.typnotnull, t.typtype
    FROM domain
    JOIN pg_catalog.pg_type AS t ON t.oid = domain.typbasetype
)
SELECT coalesce(bool_or(domain.typnotnull), false)
FROM domain
WHERE domain.typtype = 'd'
"""

_VIEW = """
SELECT r.ev_action::text
FROM pg_catalog.pg_rewrite AS r
WHERE r.ev_class = %s
    AND r.rulename = '_RETURN'
"""

_RULES = """
SELECT EXISTS (
    SELECT
    FROM pg_catalog.pg_rewrite AS r
    WHERE r.ev_class = %s
        AND r.rulename <> '_RETURN'
)
"""

# A table's own key does not hold for the tables that inherit from it.
_UNIQUE = """
SELECT i.indkey::int2[]
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indrelid
WHERE i.indrelid = %s
    AND (
        c.relkind = 'p'
        OR NOT EXISTS (
            SELECT
            FROM pg_catalog.pg_inherits AS h
            WHERE h.inhparent = c.oid
        )
    )
    AND i.indisunique
    AND i.indisvalid
    AND i.indimmediate
    AND i.indpred IS NULL
    AND i.indexprs IS NULL
"""


@dataclass(frozen=True, slots=True)
class Function:
    """A function; ``signature`` names its extension, schema and argument types."""

    strict: bool
    returns_set: bool
    signature: str
    builtin: bool


@dataclass(frozen=True, slots=True)
class Operator:
    """An operator, with the number of its function."""

    name: str
    function: int
    left_type: str | None
    right_type: str
    builtin: bool


class Lookups:
    """The catalog of one database, which must not change meanwhile."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self.function = cache(self._function)
        self.operator = cache(self._operator)
        self.is_not_null = cache(self._is_not_null)
        self.domain_is_not_null = cache(self._domain_is_not_null)
        self.has_rules = cache(self._has_rules)
        self.view = cache(self._view)
        self.unique_keys = cache(self._unique_keys)

    def _function(self, oid: int) -> Function | None:
        row = self._row(_FUNCTION, oid)
        if row is None:
            return None
        strict, returns_set, signature = row
        return Function(strict, returns_set, signature, oid < FIRST_NORMAL)

    def _operator(self, oid: int) -> Operator | None:
        row = self._row(_OPERATOR, oid)
        if row is None:
            return None
        name, function, left, right = row
        return Operator(name, function, left, right, oid < FIRST_NORMAL)

    def _is_not_null(self, relation: int, number: int) -> bool:
        """Tell whether no row of a table, or of its children, has NULL in a column."""
        row = self._row(_NOT_NULL, {"relation": relation, "number": number})
        return bool(row and row[0])

    def _domain_is_not_null(self, oid: int) -> bool:
        row = self._row(_DOMAIN_NOT_NULL, oid)
        return bool(row and row[0])

    def _has_rules(self, relation: int) -> bool:
        """Tell whether something else may be done than what is written."""
        row = self._row(_RULES, relation)
        return bool(row and row[0])

    def _view(self, relation: int) -> Node | None:
        """Return the query of a view; None for a relation that is none."""
        row = self._row(_VIEW, relation)
        return None if row is None else read_nodes(row[0])[0]

    def _unique_keys(self, relation: int) -> list[frozenset[int]]:
        """Return the columns of each key that no two rows of a table share."""
        rows = self._connection.execute(_UNIQUE, [relation]).fetchall()
        return [frozenset(columns) for (columns,) in rows]

    def _row(self, query: str, key: Any) -> Any:
        values = key if isinstance(key, dict) else [key]
        return self._connection.execute(query.encode(), values).fetchone()
