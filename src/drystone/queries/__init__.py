"""Named queries in aiosql's format as Python functions."""

from __future__ import annotations

from drystone.queries.loader import load_queries

__all__ = ["load_queries"]
