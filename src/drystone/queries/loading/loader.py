"""Folders of named queries as Python functions.

``sql/events/search.sql`` becomes ``queries.events.search``, and each query in it a
function of that: a connection first, then the parameters as keywords.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from aiosql.queries import Queries
from aiosql.types import QueryDataTree, QueryDatum, SQLOperationType

from drystone.errors import QueryError
from drystone.queries.loading.adapter import PsycopgAdapter, Statement
from drystone.queries.reading.files import read_areas
from drystone.queries.reading.lexer import Query

_OPERATIONS = {
    "": SQLOperationType.SELECT,
    "^": SQLOperationType.SELECT_ONE,
    "$": SQLOperationType.SELECT_VALUE,
    "!": SQLOperationType.INSERT_UPDATE_DELETE,
    "<!": SQLOperationType.INSERT_RETURNING,
    "*!": SQLOperationType.INSERT_UPDATE_DELETE_MANY,
    "#": SQLOperationType.SCRIPT,
}


def load_queries(folders: Iterable[Path]) -> Any:
    """Load every named query of the folders.

    The result's attributes follow the folders: ``queries.events.search.search_text``.
    Raises QueryError with the place of what cannot be loaded.
    """
    tree: QueryDataTree = {}
    for found in read_areas(folders):
        area = tree
        for name in found.names:
            below = area.setdefault(name, {})
            if isinstance(below, QueryDatum):
                clash = below.query_name
                raise QueryError(f"{clash} is a query and a folder at once")
            area = below
        area.update({q.name: _datum(q, found.names) for q in found.queries})
    adapter: Any = PsycopgAdapter()  # aiosql's protocol knows one world at a time
    return Queries(adapter).load_from_tree(tree)


def _datum(query: Query, names: tuple[str, ...]) -> QueryDatum:
    full_name = ".".join([*names, query.name])
    parameters = [
        inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY),
        *(
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY)
            for name in query.declared
        ),
    ]
    return QueryDatum(
        query_name=full_name,
        doc_comments=query.documentation,
        operation_type=_OPERATIONS[query.operator],
        sql=Statement.of(query, full_name),
        record_class=None,
        signature=inspect.Signature(parameters),
        floc=(query.location.file, query.location.line),
        attributes=None,
        parameters=list(query.declared),
    )
