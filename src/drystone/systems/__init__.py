"""The systems that ship with Drystone, and where their SQL lies."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from drystone.settings import Settings

_PACKAGED = Path(__file__).parent / "_files"
_CHECKOUT = Path(__file__).parents[3]


def shipped(folder: Literal["migrations", "sql"]) -> Path:
    """Return the folder of the shipped migrations or named queries.

    An installed package has it inside, a checkout at its top.
    """
    return (_PACKAGED if _PACKAGED.is_dir() else _CHECKOUT) / folder


def migration_folders(settings: Settings) -> tuple[Path, ...]:
    """Return where migrations lie: the configured folders, or the shipped one."""
    return settings.migrations or (shipped("migrations"),)


def query_folders(settings: Settings) -> tuple[Path, ...]:
    """Return where named queries lie: the configured folders, or the shipped one."""
    return settings.queries or (shipped("sql"),)
