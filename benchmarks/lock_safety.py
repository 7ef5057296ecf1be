"""What clients feel while a migration waits for a table that a long reader holds.

Fifty clients read single rows at a fixed rate, so that what is not answered in time is
counted from when it was due. Meanwhile a reader keeps its transaction open, and a
column is added: by Drystone, and then, as a control, by an ALTER TABLE that just waits.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo

from benchmarks.timing import percentile
from drystone.cli.output import table
from drystone.database.session import connect
from drystone.embedded import EmbeddedServer
from drystone.migrations import runner
from drystone.migrations.files import read_migrations
from drystone.settings import Settings

PROJECT = Path(__file__).parents[1]

_SECONDS = 60
_CLIENTS = 50
_PER_SECOND = 500
_ROWS = 100_000
_LEAD = 2.0  # between the clients' start and the reader's, and at the end
_DATABASE = "drystone_benchmark"
_GRACE = 200.0  # milliseconds beyond the lock timeout
_AFTER = 5.0  # seconds from the reader's end to the migration's

_TABLE = """
CREATE TABLE public.accounts (id integer PRIMARY KEY, balance integer NOT NULL);
INSERT INTO public.accounts SELECT n, n FROM generate_series(1, {rows}) AS n;
"""
_ASK = r"""
\set id random(1, {rows})
SELECT balance FROM public.accounts WHERE id = :id;
"""
_ALTER = "ALTER TABLE public.accounts ADD COLUMN {column} text;\n"


@dataclass(frozen=True, slots=True)
class _Felt:
    """Latencies in milliseconds, and when the change was done after the reader left."""

    latencies: list[float]
    after: float | None


def run(connection: Connection[Any], seconds: float = _SECONDS) -> None:
    """Print the clients' latencies without, with, and with a careless migration."""
    with _scratch(connection) as conninfo:
        quiet = _measure(conninfo, seconds, None)
        ours = _measure(conninfo, seconds, _drystone)
        careless = _measure(conninfo, seconds, _alter)
    limit = Settings().migration_lock_timeout * 1000 + _GRACE
    base = percentile(quiet.latencies, 99)
    rows = []
    for name, felt in (("none", quiet), ("drystone", ours), ("bare ALTER", careless)):
        p99 = percentile(felt.latencies, 99)
        waited = sum(each > _GRACE for each in felt.latencies) / len(felt.latencies)
        rows.append(
            (
                name,
                f"{len(felt.latencies):,}",
                f"{percentile(felt.latencies, 50):.1f}",
                f"{p99:,.0f}",
                f"{p99 - base:,.0f}",
                f"{max(felt.latencies):,.0f}",
                f"{waited:.0%}",
                "" if felt.after is None else f"{felt.after:.1f}",
            )
        )
    headers = (
        *("migration", "answers", "p50 ms", "p99 ms", "added p99", "longest"),
        *(f"over {_GRACE:.0f} ms", "done after s"),
    )
    table(headers, rows, right=headers[1:])
    added = percentile(ours.latencies, 99) - base
    kept = added <= limit and ours.after is not None and ours.after <= _AFTER
    print(
        f"the limits, {limit:,.0f} ms added and {_AFTER:.0f} s after the reader, are "
        + ("kept" if kept else "not kept")
    )


@contextmanager
def _scratch(connection: Connection[Any]) -> Iterator[str]:
    name = sql.Identifier(_DATABASE)
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} (FORCE)").format(name))
    connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(name))
    info = connection.info
    conninfo = make_conninfo(
        "", host=info.host, port=info.port, user=info.user, dbname=_DATABASE
    )
    try:
        with connect(conninfo, Settings()) as opened:
            opened.execute(_TABLE.format(rows=_ROWS).encode())
            opened.execute("VACUUM ANALYZE public.accounts")
        yield conninfo
    finally:
        connection.execute(sql.SQL("DROP DATABASE {} (FORCE)").format(name))


def _measure(
    conninfo: str, seconds: float, change: Callable[[str], None] | None
) -> _Felt:
    """Run the clients, a reader among them, and a change while it holds the table."""
    whole = seconds + 2 * _LEAD
    after: float | None = None
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "ask.sql")
        script.write_text(_ASK.format(rows=_ROWS))
        clients = subprocess.Popen(
            [
                *(EmbeddedServer(PROJECT).binary("pgbench"), "--no-vacuum"),
                *(f"--file={script}", f"--time={whole:.0f}", f"--rate={_PER_SECOND}"),
                *(f"--client={_CLIENTS}", "--jobs=2", "--log"),
                *(f"--log-prefix={folder}/log", conninfo),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        time.sleep(_LEAD)
        if change is not None:
            after = _held(conninfo, seconds, change)
        _, said = clients.communicate(timeout=whole + 60)
        if clients.returncode != 0:
            raise RuntimeError(f"pgbench failed: {said}")
        return _Felt(_latencies(Path(folder)), after)


def _held(conninfo: str, seconds: float, change: Callable[[str], None]) -> float:
    """Hold the table, begin the change; return when it was done after the release."""
    done: list[float] = []

    def work() -> None:
        change(conninfo)
        done.append(time.monotonic())

    thread = threading.Thread(target=work)
    patient = Settings(idle_in_transaction_timeout=0)
    with connect(conninfo, patient, application_name="report") as reader:
        reader.execute("BEGIN; SELECT count(*) FROM public.accounts")
        thread.start()
        time.sleep(seconds)
        reader.execute("ROLLBACK")
        released = time.monotonic()
    thread.join()
    return done[0] - released


def _latencies(folder: Path) -> list[float]:
    """Read pgbench's logs: the third column holds microseconds since it was due."""
    return [
        int(line.split()[2]) / 1000
        for log in folder.glob("log*")
        for line in log.read_text().splitlines()
    ]


def _drystone(conninfo: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "bench-0001.sql").write_text(_ALTER.format(column="by_drystone"))
        runner.migrate(conninfo, Settings(), read_migrations([Path(folder)]))


def _alter(conninfo: str) -> None:
    with connect(conninfo, Settings(statement_timeout=0)) as connection:
        connection.execute(_ALTER.format(column="by_hand").encode())


def main() -> None:
    """Measure on an embedded server of its own, for as long as one asks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=_SECONDS)
    seconds = parser.parse_args().seconds
    server = EmbeddedServer(PROJECT / ".drystone" / "lock_safety")
    try:
        with connect(server.start(), Settings(statement_timeout=0)) as connection:
            run(connection, seconds)
    finally:
        server.reset()


if __name__ == "__main__":
    main()
