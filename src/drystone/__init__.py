"""Drystone: a raw-SQL, migration-first data platform for PostgreSQL."""

from __future__ import annotations

from importlib.metadata import version

__version__ = version("drystone")
