"""Which functions are generated of queries that are marked ``-- replica: ok``."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from drystone.queries.runtime import Choice, Statement


@lru_cache(maxsize=4096)
def is_marked(function: Callable[..., Any]) -> bool:
    """Tell whether a function runs one query that may be asked of a replica.

    Nothing is run to find out: a generated function's statement stands beside it in
    its module. What somebody wrote by hand around such queries is not marked.
    """
    beside = getattr(function, "__globals__", {})
    found = beside.get(f"_{getattr(function, '__name__', '').upper()}")
    return isinstance(found, Statement | Choice) and found.replica
