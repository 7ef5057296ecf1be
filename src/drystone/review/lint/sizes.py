"""How big the tables of production are, and what that does to a finding.

A lock that is held while a table is read is over at once on a small table, and an
outage on a big one. The sizes come from the database, or from a file that ``drystone
statistics`` wrote beside it:

``{"tables": {"shop.orders": {"rows": 12000000, "bytes": 3400000000}}}``
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from psycopg import Connection

from drystone.database.sqlstates import translated
from drystone.errors import BadInput, Location
from drystone.review.lint.findings import Finding, Severity

# PostgreSQL reads about a million rows a second, so ten thousand take some ten
# milliseconds, which no client notices, unless the rows are fat; a million take a
# second or more, for which requests pile up behind the lock.
SMALL_ROWS = 10_000
SMALL_BYTES = 100_000_000
BIG_ROWS = 1_000_000

_LEVELS = (Severity.NOTICE, Severity.WARNING, Severity.ERROR)

# The planner's own estimate: nothing is counted. A partitioned table has no rows of its
# own; a table that was never analysed has -1, which is left out.
_SIZES = """
SELECT
    n.nspname || '.' || c.relname,
    pg_catalog.sum(leaf.reltuples)::bigint,
    pg_catalog.sum(pg_catalog.pg_total_relation_size(leaf.oid))::bigint
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (
    SELECT tree.relid
    FROM pg_catalog.pg_partition_tree(c.oid) AS tree
    WHERE c.relkind = 'p' AND tree.isleaf
    UNION ALL
    SELECT c.oid
    WHERE c.relkind <> 'p'
) AS part (relid)
JOIN pg_catalog.pg_class AS leaf ON leaf.oid = part.relid
WHERE
    c.relkind IN ('r', 'p', 'm')
    AND leaf.reltuples >= 0
    AND n.nspname !~ '^pg_'
    AND n.nspname <> 'information_schema'
GROUP BY
    n.nspname,
    c.relname
ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Size:
    """A table's rows, as estimated, and its bytes with indexes and TOAST."""

    rows: int
    bytes: int | None = None

    @property
    def small(self) -> bool:
        """Whether reading it all is over before a client notices."""
        return self.rows < SMALL_ROWS and (self.bytes or 0) < SMALL_BYTES

    @property
    def big(self) -> bool:
        """Whether reading it all takes long enough for clients to pile up."""
        return self.rows >= BIG_ROWS

    def __str__(self) -> str:
        return f"about {_rounded(self.rows)} {'row' if self.rows == 1 else 'rows'}"


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of tables by their qualified names; of others nothing is known."""

    tables: Mapping[str, Size] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file of sizes; raises BadInput for one that is malformed."""
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise BadInput(
                f"the statistics cannot be read: {error.strerror}",
                location=Location(path, 1),
            ) from None
        except UnicodeDecodeError:
            raise BadInput(
                "the statistics are not UTF-8", location=Location(path, 1)
            ) from None
        except json.JSONDecodeError as error:
            raise BadInput(
                f"the statistics are not JSON: {error.msg}",
                location=Location(path, error.lineno, error.colno),
            ) from None
        tables = document.get("tables") if isinstance(document, dict) else None
        if not isinstance(tables, dict):
            raise BadInput(
                'the statistics have no "tables"',
                location=Location(path, 1),
                hint="drystone statistics --out FILE writes such a file.",
            )
        return cls({name: _size(name, tables[name], path) for name in tables})

    @classmethod
    def of(cls, connection: Connection[Any]) -> Self:
        """Ask a database for the estimates that its planner works with."""
        with translated():
            rows = connection.execute(_SIZES).fetchall()
        return cls({name: Size(count, size) for name, count, size in rows})

    def get(self, table: str | None) -> Size | None:
        """Return a table's size, if it is known."""
        return self.tables.get(table) if table else None

    def rows(self, table: str | None) -> int | None:
        """Return about how many rows a table has, if that is known."""
        size = self.get(table)
        return size.rows if size else None

    def export(self) -> dict[str, Any]:
        """Return the document that :meth:`read` reads."""
        return {
            "tables": {
                name: {"rows": size.rows, "bytes": size.bytes}
                for name, size in sorted(self.tables.items())
            }
        }


def adjusted(finding: Finding, sizes: Sizes) -> Finding:
    """Return a finding as bad as it is on a table of that size.

    A small table makes it one level milder, a big one harsher; the message tells the
    size. Where the size is not known, it stays as it is.
    """
    size = sizes.get(finding.table)
    if size is None:
        return finding
    level = _LEVELS.index(finding.severity) + size.big - size.small
    return replace(
        finding,
        severity=_LEVELS[min(max(level, 0), len(_LEVELS) - 1)],
        message=f"{finding.message} ({finding.table} has {size})",
    )


def _size(name: str, values: object, path: Path) -> Size:
    rows, size = (
        (values.get("rows"), values.get("bytes"))
        if isinstance(values, dict)
        else (None, None)
    )
    if not _is_count(rows) or not (size is None or _is_count(size)):
        raise BadInput(
            f"the statistics of {name} are not numbers of rows and bytes",
            location=Location(path, 1),
            hint='It looks like {"rows": 12000000, "bytes": 3400000000}.',
        )
    return Size(rows, size)  # type: ignore[arg-type]


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _rounded(count: int) -> str:
    """Write a number with two digits that count, and a word for its size."""
    for unit, word in ((10**9, "billion"), (10**6, "million")):
        if count >= unit:
            return (
                f"{count / unit:.2g} {word}"
                if count < 100 * unit
                else (f"{count / unit:,.0f} {word}")
            )
    return f"{count:,}"
