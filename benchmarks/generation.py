"""How long it takes from 500 queries to the modules of their functions."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from psycopg import Connection
from psycopg.conninfo import make_conninfo
from tests.queries.many_queries import schema, write_queries

from drystone.cli.output import table
from drystone.database.session import connect
from drystone.queries.generation.project import Package, generate
from drystone.queries.reading.files import read_areas
from drystone.settings import Settings

_FILES, _EACH = 20, 25
_RUNS = 3
_BUDGET = 5.0  # seconds


def run(connection: Connection[Any]) -> None:
    """Print the seconds for reading, describing and writing them in memory."""
    info = connection.info
    conninfo = make_conninfo(
        "", host=info.host, port=info.port, user=info.user, dbname=info.dbname
    )
    connection.execute(schema())
    try:
        with TemporaryDirectory() as name:
            folder = Path(name)
            write_queries(folder / "sql", files=_FILES, each=_EACH)
            taken = [_seconds(conninfo, folder) for _ in range(_RUNS)]
    finally:
        connection.execute("DROP SCHEMA shop CASCADE")
    headers = ("queries", "files", "best s", "worst s", "budget s")
    row = (_FILES * _EACH, _FILES, min(taken), max(taken), _BUDGET)
    shown = [f"{each:.1f}" if isinstance(each, float) else str(each) for each in row]
    table(headers, [shown], right=headers)


def _seconds(conninfo: str, folder: Path) -> float:
    begin = time.perf_counter()
    with connect(conninfo, Settings()) as connection:
        areas = read_areas([folder / "sql"])
        made = generate(connection, areas, [], Package("made", folder / "made"))
    assert not made.failed
    return time.perf_counter() - begin
