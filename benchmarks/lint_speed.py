"""How long it takes to lint 300 files of SQL, as the command does it: from nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from psycopg import Connection

from drystone.cli.output import table

_TABLES, _AREAS = 120, 60  # two migrations for each table: 240 and 60 are 300 files
_RUNS = 5
_BUDGET = 3.0  # seconds

_CREATE = """\
CREATE TABLE shop.t{number} (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner_id bigint NOT NULL,
    state text NOT NULL DEFAULT 'new',
    note varchar(50),
    CONSTRAINT t{number}_state_check CHECK (state IN ('new', 'sent', 'paid'))
);

CREATE INDEX t{number}_owner_id_idx ON shop.t{number} (owner_id);
"""
_ALTER = """\
ALTER TABLE shop.t{number}
    ADD COLUMN price numeric,
    ALTER COLUMN note TYPE varchar(80);

CREATE INDEX t{number}_state_idx ON shop.t{number} (state);
"""
_QUERY = """\
-- name: owned_{number}(owner_id, limit_rows)
-- What somebody owns, latest first.
SELECT
    t.id,
    t.note
FROM shop.t{number} AS t
WHERE t.owner_id = :owner_id
ORDER BY t.id DESC
LIMIT :limit_rows;

"""
_QUERIES = 8  # in each area


def run(_: Connection[Any]) -> None:
    """Print the seconds of the whole command; no database is asked."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        files = _write(folder)
        taken = [_seconds(folder) for _ in range(_RUNS)]
    headers = ("files", "queries", "best s", "worst s", "budget s")
    row = (files, _AREAS * _QUERIES, min(taken), max(taken), _BUDGET)
    shown = [f"{each:.1f}" if isinstance(each, float) else str(each) for each in row]
    table(headers, [shown], right=headers)


def _write(folder: Path) -> int:
    migrations, queries = folder / "migrations", folder / "sql"
    migrations.mkdir()
    queries.mkdir()
    for number in range(_TABLES):
        for step, text in enumerate((_CREATE, _ALTER)):
            path = migrations / f"shop-{step}{number:03}-change.sql"
            path.write_text(text.format(number=number), encoding="utf-8")
    for area in range(_AREAS):
        texts = (
            _QUERY.format(number=(area + each) % _TABLES) for each in range(_QUERIES)
        )
        path = queries / f"area_{area}.sql"
        path.write_text("".join(texts), encoding="utf-8")
    return len(list(folder.rglob("*.sql")))


def _seconds(folder: Path) -> float:
    program = Path(sys.executable).with_name("drystone")
    folders = ["--migrations", "migrations", "--queries", "sql"]
    command = [program, *folders, "lint", "--json"]
    begin = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    assert b"index-blocks-writes" in done.stdout
    return time.perf_counter() - begin
