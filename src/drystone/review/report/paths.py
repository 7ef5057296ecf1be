"""Paths as a report shows them: from the project on, never the machine's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Paths:
    """Folders that paths are shown from: the project, and those around its SQL."""

    roots: tuple[Path, ...]

    @classmethod
    def of(cls, project: Path, folders: Iterable[Path]) -> Paths:
        """Show paths from the project on, or from the folder around one of SQL."""
        around = (each.absolute().parent for each in folders)
        roots = dict.fromkeys([project.absolute(), *around])
        resolved = dict.fromkeys(each.resolve() for each in roots)
        return cls(tuple({**roots, **resolved}))

    def shown(self, path: Path) -> str:
        """Return a path from the first root that it lies below, or its name alone."""
        absolute = path.absolute()
        for root in self.roots:
            if absolute.is_relative_to(root):
                return absolute.relative_to(root).as_posix()
        return path.name

    def cleaned(self, text: str) -> str:
        """Return a text in which no path begins outside the project."""
        for root in self.roots:
            text = text.replace(f"{root}/", "").replace(str(root), ".")
        return text
