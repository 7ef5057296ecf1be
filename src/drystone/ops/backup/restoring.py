"""A restore: into an empty database, mended, and compared with the backup."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg import Connection

from drystone.catalog import Difference, read_snapshot
from drystone.database.session import connect
from drystone.database.sqlstates import translated
from drystone.errors import BackupError
from drystone.ops.backup import manifest as manifests
from drystone.ops.backup.comparison import compare_catalogs, compare_facts
from drystone.ops.backup.dumping import read_catalog
from drystone.ops.backup.graphs import probe_graphs, repair_graphs
from drystone.ops.backup.manifest import Facts, Manifest
from drystone.ops.backup.programs import Programs, find_programs
from drystone.ops.backup.reading import read_facts
from drystone.ops.backup.sessions import snapshot_sessions
from drystone.ops.backup.settling import apply_settings
from drystone.ops.backup.targets import Target, prepare_target
from drystone.settings import Settings

_GRAPH_ROWS = re.compile(r"^\d+; \d+ \d+ TABLE DATA ag_catalog ag_(graph|label) ")

_DEFAULTS = re.compile(r"^\d+; \d+ \d+ DEFAULT ACL ")

_MEGABYTE = 1 << 20
_LEAST_MEMORY = 64

Told = Callable[[str, float], None]


@dataclass(slots=True)
class Restored:
    """What a restore did. ``differences`` are None where none were looked for.

    ``notes`` are sentences on what could not be restored, or was made on the way.
    """

    manifest: Manifest
    seconds: float = 0.0
    steps: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    differences: list[Difference] | None = None


def restore(
    path: Path,
    into: str,
    settings: Settings,
    *,
    jobs: int,
    verify: bool = False,
    told: Told = lambda _step, _seconds: None,
) -> Restored:
    """Restore a backup into an empty database, with ``jobs`` at a time.

    ``told`` hears of each step when it is done. Raises RestoreRefused before anything
    is in the database, BackupError for files that are not what was written, and when
    pg_restore fails: then the database holds a part and is to be made anew.
    """
    begin = time.monotonic()
    restored = Restored(manifests.read_manifest(path))
    facts = restored.manifest.facts
    if facts is None:
        raise BackupError(
            f"{path} is a physical backup: a server is started on it, not restored to",
            hint="docs/backup.md, 'A physical backup', has the commands.",
        )

    @contextmanager
    def step(name: str) -> Iterator[None]:
        since = time.monotonic()
        yield
        restored.steps[name] = time.monotonic() - since
        told(name, restored.steps[name])

    # An index of a large table takes longer than any statement of a service.
    unhurried = settings.model_copy(update={"statement_timeout": 0.0})
    with step("checksums"):
        manifests.require_whole(path)
    programs = find_programs(int(restored.manifest.program), program="pg_restore")
    with step("target"):
        catalog = read_catalog(path)
        with connect(into, unhurried) as connection, translated():
            target = prepare_target(connection, restored.manifest, catalog)
        restored.notes += target.notes
    with step("rows and indexes"):
        restored.notes += _load(programs, path, into, settings, facts, target, jobs)
    with connect(into, unhurried) as connection, translated():
        with step("settings"):
            restored.notes += apply_settings(connection, facts.settings)
        with step("graphs"):
            repair_graphs(connection)
        with step("statistics"):
            connection.execute("ANALYZE")
    if verify:
        with step("comparison"):
            found = differences(path, into, unhurried, facts, jobs=jobs)
            restored.differences = [each for each in found if not target.leaves(each)]
    restored.seconds = time.monotonic() - begin
    return restored


def differences(
    path: Path, conninfo: str, settings: Settings, facts: Facts, *, jobs: int
) -> list[Difference]:
    """Compare a database with a backup; graphs are read and written by openCypher."""
    with snapshot_sessions(conninfo, settings, jobs) as (sessions, tables, _):
        found = read_facts(sessions, tables)
        catalog = read_snapshot(sessions[0])
    different = compare_catalogs(read_catalog(path), catalog)
    different += compare_facts(facts, found)
    with connect(conninfo, settings) as connection:
        different += probe_graphs(connection, facts.graphs)
    return different


def _load(
    programs: Programs,
    path: Path,
    into: str,
    settings: Settings,
    facts: Facts,
    target: Target,
    jobs: int,
) -> list[str]:
    """Run pg_restore; return what it noted about memory.

    AGE's two tables come before the others' rows and one after the other: the second
    refers to the first, which pg_restore does not know of when it works in parallel.
    """
    data = path / manifests.DATA
    listed = programs.run("pg_restore", ["--list", data]).splitlines(keepends=True)
    lines = list(target.wanted(listed))
    graphs = [line for line in lines if _GRAPH_ROWS.match(line)]
    defaults = [line for line in lines if target.as_owner and _DEFAULTS.match(line)]
    others = [line for line in lines if line not in {*graphs, *defaults}]
    memory = f"-c maintenance_work_mem={_memory(settings, facts, jobs)}MB"
    said = ""

    def run(chosen: list[str], *arguments: str, into: str | None = into) -> str:
        with tempfile.NamedTemporaryFile("w", suffix=".list") as file:
            file.writelines(chosen)
            file.flush()
            return programs.run(
                "pg_restore",
                [
                    "--exit-on-error",
                    *(["--no-owner"] if target.as_owner else []),
                    f"--use-list={file.name}",
                    *arguments,
                    data,
                ],
                conninfo=into,
                options=memory,
            )

    try:
        said += run(others, "--section=pre-data")
        said += run(graphs) if graphs else ""
        said += run(others, "--section=data", "--section=post-data", f"--jobs={jobs}")
    except BackupError as error:
        error.hint = (
            "The database now holds a part: drop it, create it anew, and correct"
            f" what pg_restore says. {error.hint or ''}"
        ).strip()
        raise
    if defaults:
        with connect(into, settings) as connection, translated():
            script = run(defaults, "--file=-", into=None)
            _set_default_privileges(connection, script, owner=facts.owner)
    return re.findall(r"NOTICE:\s+(hnsw graph no longer fits.*)", said)


def _set_default_privileges(
    connection: Connection[Any], script: str, *, owner: str
) -> None:
    """Set for the role that restores what the dump's script sets for the owner."""
    quoted = connection.execute("SELECT pg_catalog.quote_ident(%s)", [owner]).fetchone()
    words = "ALTER DEFAULT PRIVILEGES "
    for line in script.splitlines():
        if line.startswith(words):
            whose = "".join(["FOR ROLE ", *(quoted or ()), " "])
            statement = words + line.removeprefix(words).removeprefix(whose)
            connection.execute(statement.encode())


def _memory(settings: Settings, facts: Facts, jobs: int) -> int:
    """Return the megabytes that each job may build an index in.

    An HNSW index is built fast only while its graph fits, which is about as large as
    the index itself.
    """
    largest = max((each.index_bytes for each in facts.probes.values()), default=0)
    wanted = largest * 3 // 2 // _MEGABYTE
    return max(min(wanted, settings.restore_memory_mb // jobs), _LEAST_MEMORY)
