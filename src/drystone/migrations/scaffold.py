"""New migrations: an up and a rollback file with their headers filled in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from drystone.errors import BadInput
from drystone.migrations.files import ROLLBACK_SUFFIX, Migration

_SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")

_UP = """\
{depends}-- What this does, and why.
--
-- Locks: the strongest lock that it takes on a live table.
-- Rewrites: none.
-- Its rollback loses: nothing.

"""

_DOWN = """\
-- Undoes {id}.
--
-- Locks: the strongest lock that it takes on a live table.
-- Loses: nothing.

"""


def create(
    folder: Path, migrations: Sequence[Migration], system: str, slug: str
) -> tuple[Path, Path]:
    """Write the two files of the system's next migration and return their paths.

    ``slug`` says what it does, as in ``add-venue``. Raises BadInput for names that
    cannot be part of an id; never overwrites a file.
    """
    for name in (system, slug):
        if not _SLUG.fullmatch(name):
            raise BadInput(
                f"{name!r} cannot be part of a migration's name",
                hint="Use lower-case letters, digits and single hyphens: add-venue.",
            )
    earlier = [m for m in migrations if m.system == system]
    last = earlier[-1] if earlier else None
    target = last.up.path.parent if last else folder / system
    number = _next_number(system, earlier)
    name = f"{system}-{number:04d}-{slug}"
    up, down = target / f"{name}.sql", target / f"{name}{ROLLBACK_SUFFIX}"
    target.mkdir(parents=True, exist_ok=True)
    depends = f"-- depends: {last.id}\n" if last else ""
    for path, text in ((up, _UP), (down, _DOWN)):
        with path.open("x", encoding="utf-8") as file:
            file.write(text.format(depends=depends, id=name))
    return up, down


def _next_number(system: str, earlier: Sequence[Migration]) -> int:
    pattern = re.compile(rf"{re.escape(system)}-(\d+)-")
    numbers = [int(m[1]) for e in earlier if (m := pattern.match(e.id))]
    return max(numbers, default=0) + 1
