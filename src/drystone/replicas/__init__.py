"""Routing of marked queries to replicas, so that each user sees what they wrote.

A query with ``-- replica: ok`` goes to a replica, everything else to the primary::

    with open_router(pool, settings) as router:
        session = router.session(token)
        session.run(add_review, product_id=7, …)
        page = session.run(product_page, slug="…")
        token = session.token

docs/replicas.md says what is guaranteed, and what is not.
"""

from __future__ import annotations

from drystone.replicas.fleet import ReplicaStats, RouterStats, State
from drystone.replicas.positions import Position
from drystone.replicas.routers import (
    AsyncRouter,
    AsyncSession,
    Router,
    Session,
    open_async_router,
    open_router,
)

__all__ = [
    "AsyncRouter",
    "AsyncSession",
    "Position",
    "ReplicaStats",
    "Router",
    "RouterStats",
    "Session",
    "State",
    "open_async_router",
    "open_router",
]
