"""A cache of query results in Redis that is never stale after a committed change.

A query says how long its result may be served and which tags it has; a transaction
that changes something names the tags; the cache does the rest::

    PAGE = CachedQuery(get_product, ttl=SHORT, tags_of=lambda p: [f"product:{p.id}"])

    with open_cache(pool, settings) as cache:
        page = cache.read(PAGE, slug="wireless-headphones")

docs/cache.md says what is guaranteed, and what is not.
"""

from __future__ import annotations

from drystone.cache.caches import (
    AsyncCache,
    Cache,
    invalidate,
    open_async_cache,
    open_cache,
)
from drystone.cache.flows import Counts
from drystone.cache.queries import (
    DAY,
    EVERYTHING,
    LONG,
    MEDIUM,
    SHORT,
    CachedQuery,
)

__all__ = [
    "DAY",
    "EVERYTHING",
    "LONG",
    "MEDIUM",
    "SHORT",
    "AsyncCache",
    "Cache",
    "CachedQuery",
    "Counts",
    "invalidate",
    "open_async_cache",
    "open_cache",
]
