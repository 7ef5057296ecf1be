"""What a database's catalog holds, as text to compare."""

from __future__ import annotations

import subprocess
from typing import Any

from psycopg import Connection

from drystone.testing import embedded_server

_LABELS = """
SELECT coalesce(string_agg(
    concat_ws(' ', g.name, l.name, l.kind, l.relation), E'\\n'
    ORDER BY g.name, l.name
), '')
FROM ag_catalog.ag_label AS l
JOIN ag_catalog.ag_graph AS g ON g.graphid = l.graph
"""


def schema_of(url: str, connection: Connection[Any]) -> str:
    """Return the schema, and the graphs' labels, which a dump keeps as rows."""
    dump = subprocess.run(
        [embedded_server().binary("pg_dump"), "--schema-only", "--dbname", url],
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    # Each dump carries a new random token in these.
    lines = [line for line in dump.splitlines() if not line.startswith("\\")]
    if connection.execute("SELECT to_regclass('ag_catalog.ag_label')").fetchone() != (
        None,
    ):
        row = connection.execute(_LABELS).fetchone()
        lines.append(row[0] if row else "")
    return "\n".join(lines)
