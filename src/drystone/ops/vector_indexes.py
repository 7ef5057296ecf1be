"""The indexes that find the nearest vectors, as the catalog describes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import Connection
from psycopg.rows import class_row

_INDEXES = """
SELECT
    pg_catalog.format('%I.%I', index_space.nspname, relation.relname) AS name,
    pg_catalog.format('%I.%I', table_space.nspname, indexed.relname) AS table,
    method.amname AS method,
    pg_catalog.pg_get_indexdef(index.indexrelid, 1, false) AS value,
    coalesce(pg_catalog.pg_get_expr(index.indpred, index.indrelid), 'TRUE')
        AS condition,
    pg_catalog.format('OPERATOR(%I.%s)', operator_space.nspname, operator.oprname)
        AS operator,
    greatest(relation.reltuples, 0)::bigint AS rows,
    pg_catalog.pg_relation_size(relation.oid) AS bytes
FROM pg_catalog.pg_index AS index
INNER JOIN pg_catalog.pg_class AS relation
    ON relation.oid = index.indexrelid
INNER JOIN pg_catalog.pg_namespace AS index_space
    ON index_space.oid = relation.relnamespace
INNER JOIN pg_catalog.pg_am AS method
    ON method.oid = relation.relam
INNER JOIN pg_catalog.pg_class AS indexed
    ON indexed.oid = index.indrelid
INNER JOIN pg_catalog.pg_namespace AS table_space
    ON table_space.oid = indexed.relnamespace
INNER JOIN pg_catalog.pg_opclass AS class
    ON class.oid = index.indclass[0]
INNER JOIN pg_catalog.pg_amop AS strategy
    ON strategy.amopfamily = class.opcfamily
    AND strategy.amoplefttype = class.opcintype
    AND strategy.amoppurpose = 'o'
INNER JOIN pg_catalog.pg_operator AS operator
    ON operator.oid = strategy.amopopr
INNER JOIN pg_catalog.pg_namespace AS operator_space
    ON operator_space.oid = operator.oprnamespace
WHERE
    method.amname IN ('hnsw', 'ivfflat')
    AND relation.relkind = 'i'
    AND relation.relpersistence <> 't'
    AND index.indisvalid
ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class VectorIndex:
    """A valid index by which rows are put in the order of a distance.

    All text is SQL that the catalog wrote, names with their schemas. ``value`` is what
    is indexed where ``condition`` holds; ``operator`` gives the distance. ``rows`` is
    the planner's estimate.
    """

    name: str
    table: LiteralString
    method: str
    value: LiteralString
    condition: LiteralString
    operator: LiteralString
    rows: int
    bytes: int


def read_vector_indexes(connection: Connection[Any]) -> list[VectorIndex]:
    """Return the vector indexes by name; of partitions, not of partitioned tables."""
    with connection.cursor(row_factory=class_row(VectorIndex)) as cursor:
        return cursor.execute(_INDEXES).fetchall()
