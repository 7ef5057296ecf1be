"""A backup with its manifest against pg_dump alone, and where a restore's time goes."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from psycopg import Connection
from psycopg.conninfo import make_conninfo

from drystone.cli.output import duration, line, table
from drystone.ops.backup import back_up, verify
from drystone.ops.backup.programs import find_programs
from drystone.settings import Settings

_JOBS = 2


def run(connection: Connection[Any]) -> None:
    """Back the demo data up and restore it, as a drill does."""
    info = connection.info
    conninfo = make_conninfo(
        "", host=info.host, port=info.port, user=info.user, dbname=info.dbname
    )
    programs = find_programs(info.server_version // 10_000)
    with tempfile.TemporaryDirectory() as folder:
        begin = time.monotonic()
        programs.run(
            "pg_dump",
            ["--format=directory", f"--file={folder}/bare", f"--jobs={_JOBS}"],
            conninfo=conninfo,
        )
        bare = time.monotonic() - begin
        settings = Settings()
        root = Path(folder, "backups")
        made = back_up(conninfo, settings, root=root, jobs=_JOBS)
        drill = verify(made.path, conninfo, settings, jobs=_JOBS)
    facts = made.manifest.facts
    rows = sum(each.count for each in facts.tables.values()) if facts else 0
    line(f"{rows:,} rows, {made.manifest.size / 1e6:.1f} MB, {_JOBS} jobs")
    table(
        ("step", "time"),
        [
            ("pg_dump alone", duration(bare)),
            ("drystone backup", duration(made.seconds)),
            *((f"verify: {name}", duration(s)) for name, s in drill.steps.items()),
            ("drystone backup verify", duration(drill.seconds)),
        ],
        right=["time"],
    )
    line(f"{len(drill.differences or ())} differences")
