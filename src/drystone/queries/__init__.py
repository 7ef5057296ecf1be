"""Named queries in aiosql's format as Python functions."""

from __future__ import annotations

from drystone.queries.loading.loader import load_queries

__all__ = ["load_queries"]
