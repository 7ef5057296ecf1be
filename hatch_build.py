"""Carry the SQL in the wheel.

It lives at the top of the project, where developers and DBAs look for it; an
installed package has it inside. An editable installation reads it in place.
"""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class SqlFiles(BuildHookInterface):  # type: ignore[type-arg]
    """Add ``migrations/`` and ``sql/`` to a wheel that will leave the checkout."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name the folders, unless the build is an editable one."""
        if version == "standard":
            inside = "drystone/systems/_files"
            for folder in ("migrations", "sql"):
                build_data["force_include"][folder] = f"{inside}/{folder}"
