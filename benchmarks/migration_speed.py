"""The runner against yoyo and dbmate: many small migrations, none at all, a large one.

And the proof of many small migrations against their plain application.

Each round gives every tool a database of its own, one tool after the other, so that all
of them meet the same load of the machine. dbmate comes from npm, into a folder that is
deleted afterwards; without npm it is left out.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo
from yoyo import get_backend
from yoyo import read_migrations as read_yoyo_migrations

from benchmarks.timing import milliseconds
from drystone.cli.output import line, table
from drystone.migrations import runner
from drystone.migrations.files import read_migrations
from drystone.migrations.proof import verify
from drystone.settings import Settings

_ROUNDS = 5
_SMALL = 200
_STATEMENTS = 10_001
_PROVEN = 250
_INSTALL_TIMEOUT = 120.0
_DATABASE = "drystone_benchmark"

_UP = """\
CREATE TABLE public.t{number} (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner_id bigint NOT NULL,
    note text NOT NULL
);

CREATE INDEX t{number}_owner_id_idx ON public.t{number} (owner_id);
"""
_DOWN = "DROP TABLE public.t{number};\n"


@dataclass(frozen=True, slots=True)
class _Place:
    """A database, and the folders of migrations in each tool's form."""

    connection: Connection[Any]
    folder: Path

    @property
    def conninfo(self) -> str:
        info = self.connection.info
        return make_conninfo(
            "", host=info.host, port=info.port, user=info.user, dbname=_DATABASE
        )

    def url(self, scheme: str, host: str) -> str:
        """Return a URL; ``host`` is the parameter that names the socket's folder."""
        info = self.connection.info
        socket = quote(info.host, safe="/")
        if host == "host":
            socket += f"&port={info.port}"
        return f"{scheme}://{info.user}@/{_DATABASE}?{host}={socket}"


_Tool = Callable[[_Place], None]


def run(connection: Connection[Any]) -> None:
    """Print each tool's median milliseconds, and how many times Drystone's."""
    with tempfile.TemporaryDirectory() as folder, _dbmate() as dbmate:
        small, large = Path(folder, "small"), Path(folder, "large")
        proven = Path(folder, "proven")
        _write_small(small, _SMALL)
        _write_small(proven, _PROVEN)
        _write_large(large)
        tools: dict[str, _Tool] = {
            "drystone": _drystone,
            "drystone, command": _drystone_command,
            "yoyo": _yoyo,
            "yoyo, command": _yoyo_command,
        }
        if dbmate is None:
            line("dbmate is not available: npm could not install it")
        else:
            tools["dbmate, command"] = _dbmate_command(dbmate)
        place = _Place(connection, small)
        applied = _measure(place, tools, again=False)
        nothing = _measure(place, tools, again=True)
        few = {name: tools[name] for name in ("drystone", "yoyo")}
        inserts = _measure(_Place(connection, large), few, again=False)
        both = {"migrate": _drystone, "verify": _verify}
        proof = _measure(_Place(connection, proven), both, again=False)
    headers = ("tool", f"{_SMALL} files ms", "times", "nothing ms", "times")
    rows = [(name, *_cells(applied, name), *_cells(nothing, name)) for name in applied]
    table(headers, rows, right=headers[1:])
    line()
    few_headers = ("tool", f"{_STATEMENTS:,} INSERTs ms", "times")
    table(
        few_headers,
        [(name, *_cells(inserts, name)) for name in few],
        right=few_headers[1:],
    )
    line()
    line(
        f"verify of {_PROVEN} files: {proof['verify']:,.0f} ms,"
        f" {proof['verify'] / proof['migrate']:.1f} times their migrate"
    )


def _cells(medians: dict[str, float], name: str) -> tuple[str, str]:
    base = "drystone, command" if name.endswith("command") else "drystone"
    return f"{medians[name]:,.0f}", f"{medians[name] / medians[base]:.1f}"


def _measure(
    place: _Place, tools: dict[str, _Tool], *, again: bool
) -> dict[str, float]:
    """Return medians in milliseconds; ``again`` measures a second run."""
    taken: dict[str, list[float]] = {name: [] for name in tools}
    for _ in range(_ROUNDS):
        for name, tool in tools.items():
            with _scratch(place.connection):
                if again:
                    tool(place)
                taken[name] += milliseconds(tool, [place])
    return {name: statistics.median(values) for name, values in taken.items()}


@contextmanager
def _scratch(connection: Connection[Any]) -> Iterator[None]:
    name = sql.Identifier(_DATABASE)
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} (FORCE)").format(name))
    connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(name))
    # No waiting for the disk, for any of them: it would hide what the tools cost.
    connection.execute(
        sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(name)
    )
    try:
        yield
    finally:
        connection.execute(sql.SQL("DROP DATABASE {} (FORCE)").format(name))


def _drystone(place: _Place) -> None:
    runner.migrate(
        place.conninfo, Settings(), read_migrations([place.folder / "bench"])
    )


def _verify(place: _Place) -> None:
    migrations = read_migrations([place.folder / "bench"])
    if any(each.failed for each in verify(place.conninfo, Settings(), migrations)):
        raise RuntimeError("a rollback of the benchmark does not restore everything")


def _drystone_command(place: _Place) -> None:
    program = Path(sys.executable).with_name("drystone")
    url = ["--database-url", place.conninfo]
    _call(program, *url, "--migrations", place.folder / "bench", "migrate")


def _yoyo(place: _Place) -> None:
    migrations = read_yoyo_migrations(str(place.folder / "bench"))
    url = place.url("postgresql+psycopg", "host")
    with get_backend(url) as backend, backend.lock():
        backend.apply_migrations(backend.to_apply(migrations))


def _yoyo_command(place: _Place) -> None:
    program = Path(sys.executable).with_name("yoyo")
    url = ["--database", place.url("postgresql+psycopg", "host")]
    _call(program, "apply", "--batch", "--no-config-file", *url, place.folder / "bench")


def _dbmate_command(program: Path) -> _Tool:
    def tool(place: _Place) -> None:
        _call(
            program,
            *("--url", place.url("postgres", "socket")),
            *("--migrations-dir", place.folder / "dbmate"),
            "--no-dump-schema",
            "migrate",
        )

    return tool


def _call(*arguments: str | Path) -> None:
    done = subprocess.run(arguments, capture_output=True, check=False, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{arguments[0]} failed: {done.stdout}{done.stderr}")


def _write_small(folder: Path, count: int) -> None:
    for number in range(1, count + 1):
        up, down = _UP.format(number=number), _DOWN.format(number=number)
        _write(folder, number, up, down)


def _write_large(folder: Path) -> None:
    insert = (
        "INSERT INTO public.t (id, note) VALUES ({number}, 'the note of {number}');"
    )
    inserts = (insert.format(number=number) for number in range(1, _STATEMENTS))
    up = "CREATE TABLE public.t (id integer PRIMARY KEY, note text NOT NULL);\n"
    _write(folder, 1, up + "\n".join(inserts), "DROP TABLE public.t;\n")


def _write(folder: Path, number: int, up: str, down: str) -> None:
    ours, dbmates = folder / "bench", folder / "dbmate"
    ours.mkdir(parents=True, exist_ok=True)
    dbmates.mkdir(exist_ok=True)
    name = f"bench-{number:04d}-create-t"
    (ours / f"{name}.sql").write_text(up)
    (ours / f"{name}.rollback.sql").write_text(down)
    both = f"-- migrate:up\n{up}\n-- migrate:down\n{down}"
    (dbmates / f"{20_200_101_000_000 + number}_create_t.sql").write_text(both)


@contextmanager
def _dbmate() -> Iterator[Path | None]:
    """Install dbmate for the block, and lend its program."""
    npm = shutil.which("npm")
    with tempfile.TemporaryDirectory() as folder:
        if npm is None:
            yield None
            return
        install = [npm, "install", "--no-audit", "--no-fund", "--prefix", folder]
        try:
            subprocess.run(
                [*install, "dbmate"],
                capture_output=True,
                check=True,
                timeout=_INSTALL_TIMEOUT,
            )
        except subprocess.SubprocessError:
            yield None
            return
        # The program itself: the script around it would add the start of Node.
        found = list(Path(folder).glob("node_modules/@dbmate/*/bin/dbmate"))
        yield found[0] if found else None
