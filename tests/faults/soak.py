"""Clients at work for half an hour, and a fault every 30 seconds: make soak.

    python -m tests.faults.soak [--minutes 30] [--every 30] [--clients 8] [--seed N]

Exits with 1 if a write was lost or doubled, a client died, the clients did not recover
from a fault, memory or connections grew.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from statistics import median
from typing import Any, LiteralString

import psutil
import psycopg

from drystone.database.session import connect
from drystone.errors import DrystoneError
from drystone.settings import Settings
from tests.clusters import Cluster, opened_cluster
from tests.proxy import Proxy

from .ledger import ACCOUNTS, Ledger

SETTINGS = Settings(
    application_name="soak",
    connect_timeout=2,
    statement_timeout=3.0,
    idle_in_transaction_timeout=5.0,
    answer_timeout=5.0,
    pool_min_size=1,
    pool_max_size=4,
    pool_timeout=10.0,
)
PATIENCE = 30.0
WARM_UP = 0.2
_TOUCH = "UPDATE ledger.accounts SET balance = balance WHERE id = %s"


class Soak:
    """The scene, and what can go wrong in it."""

    def __init__(
        self, cluster: Cluster, proxy: Proxy, ledger: Ledger, chance: random.Random
    ) -> None:
        self.cluster = cluster
        self.proxy = proxy
        self.ledger = ledger
        self.chance = chance
        self.faults: list[Callable[[], None]] = [
            self.restart,
            self.crash,
            self.end_sessions,
            self.cut,
            self.go_deaf,
            self.refuse,
            self.lose_commits,
            self.exhaust_pool,
            self.lock_table,
            self.cross_locks,
            self.fill_connections,
        ]

    def restart(self) -> None:
        """Stop the server as a crash would, and start it."""
        self.cluster.stop("immediate")
        time.sleep(self.chance.uniform(0, 8))
        self.cluster.start()

    def crash(self) -> None:
        """Kill a process of the server: it takes all sessions down and recovers."""
        pids = self._ask(
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'soak'"
        )
        if pids:
            os.kill(self.chance.choice(pids)[0], signal.SIGKILL)
            time.sleep(0.5)

    def end_sessions(self) -> None:
        """End half of the clients' sessions."""
        self._ask(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'soak' AND random() < 0.5"
        )

    def cut(self) -> None:
        """Cut every connection."""
        self.proxy.cut()

    def go_deaf(self) -> None:
        """Let the network swallow everything for some seconds."""
        self.proxy.go_deaf()
        time.sleep(self.chance.uniform(1, 8))
        if self.chance.random() < 0.5:
            self.proxy.cut()
        self.proxy.hear()

    def refuse(self) -> None:
        """Let nobody connect for some seconds."""
        self.proxy.stop()
        time.sleep(self.chance.uniform(1, 8))
        self.proxy.start()

    def lose_commits(self) -> None:
        """Lose COMMITs on their way there, on their way back, and unnoticed."""
        for loss in ("before", "after", "unnoticed") * 2:
            self.proxy.lose_commit(loss)
            time.sleep(0.3)
        self.proxy.loss = None

    def exhaust_pool(self) -> None:
        """Hold every connection of the threads' pool for some seconds."""
        size = SETTINGS.pool_max_size
        held = [self.ledger.pool.getconn(30) for _ in range(size)]
        time.sleep(self.chance.uniform(1, 4))
        for connection in held:
            self.ledger.pool.putconn(connection)

    def lock_table(self) -> None:
        """Hold the lock that all clients need, for some seconds."""
        with connect(self.cluster.url(), Settings(), autocommit=False) as holder:
            holder.execute("LOCK TABLE ledger.accounts IN ACCESS EXCLUSIVE MODE")
            time.sleep(self.chance.uniform(1, 5))

    def cross_locks(self) -> None:
        """Lock accounts in an order that clients are bound to meet."""
        for _ in range(10):
            with connect(self.cluster.url(), Settings(), autocommit=False) as holder:
                try:
                    for _ in range(4):
                        holder.execute(_TOUCH, [self.chance.randint(1, ACCOUNTS)])
                        time.sleep(0.1)
                except psycopg.errors.DeadlockDetected:
                    continue

    def fill_connections(self) -> None:
        """Take every connection that the server has left, and end the clients' own."""
        with ExitStack() as taken:
            try:
                while True:
                    taken.enter_context(connect(self.cluster.url(), Settings()))
            except DrystoneError:
                self.proxy.cut()
            time.sleep(self.chance.uniform(1, 4))

    def sessions(self) -> int:
        """Return how many sessions the server has for the clients."""
        return len(
            self._ask("SELECT 1 FROM pg_stat_activity WHERE application_name = 'soak'")
        )

    def _ask(self, statement: LiteralString) -> list[Any]:
        """Ask the server, once it is there."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with connect(self.cluster.url(), Settings()) as connection:
                    return connection.execute(statement).fetchall()
            except DrystoneError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)


def run(arguments: argparse.Namespace) -> list[str]:
    """Run the soak and return what was violated."""
    chance = random.Random(arguments.seed)
    process = psutil.Process()
    found: list[str] = []
    memory: list[float] = []
    worst: dict[str, float] = {}
    counts: Counter[str] = Counter()
    with (
        opened_cluster(deadlock_timeout="200ms") as cluster,
        Proxy(cluster.url()) as proxy,
    ):
        with Ledger(
            proxy.url,
            cluster.url(),
            SETTINGS,
            clients=arguments.clients,
            pause=arguments.pause,
        ) as ledger:
            soak = Soak(cluster, proxy, ledger, chance)
            began = time.monotonic()
            end = began + arguments.minutes * 60
            left: list[Callable[[], None]] = []
            while time.monotonic() + arguments.every < end:
                time.sleep(arguments.every)
                if not left:
                    left = chance.sample(soak.faults, len(soak.faults))
                fault = left.pop()
                name = fault.__name__
                fault()
                counts[name] += 1
                recovery = ledger.recovered_within(PATIENCE, since=time.monotonic())
                if recovery is None:
                    found.append(f"no success within {PATIENCE:.0f} s of {name}")
                else:
                    worst[name] = max(worst.get(name, 0.0), recovery)
                gc.collect()
                megabytes = process.memory_info().rss / 2**20
                elapsed = time.monotonic() - began
                if elapsed > WARM_UP * arguments.minutes * 60:
                    memory.append(megabytes)
                _say(
                    f"{elapsed:6.0f} s  {name:17} {_seconds(recovery)}"
                    f"  {ledger.acknowledged:8,} acknowledged"
                    f"  {ledger.errors.total():5,} errors"
                    f"  {megabytes:4.0f} MB  {soak.sessions():2} sessions"
                )
            found += _grown(memory) + _surplus(soak)
        found += ledger.violations()
    _say(f"acknowledged: {ledger.acknowledged:,}; seed {arguments.seed}")
    _say(f"errors that clients met: {dict(ledger.errors)}")
    for name, times in sorted(counts.items()):
        _say(f"{name:17} {times:3} times, slowest recovery {_seconds(worst.get(name))}")
    if memory:
        _say(f"memory after warm-up: {min(memory):.1f} to {max(memory):.1f} MB")
    return found


def _grown(memory: list[float]) -> list[str]:
    """Compare the end of the run with the end of the warm-up, by medians of three."""
    if len(memory) < 6:
        return []
    first, last = median(memory[:3]), median(memory[-3:])
    if abs(last - first) <= 0.1 * first:
        return []
    return [f"memory went from {first:.1f} to {last:.1f} MB"]


def _surplus(soak: Soak) -> list[str]:
    """Tell of sessions that no pool has; those of lost clients end by themselves."""
    deadline = time.monotonic() + PATIENCE
    while (found := soak.sessions()) > 2 * SETTINGS.pool_max_size:
        if time.monotonic() > deadline:
            return [f"{found} sessions, of {2 * SETTINGS.pool_max_size} configured"]
        time.sleep(0.5)
    return []


def _seconds(value: float | None) -> str:
    return "  none" if value is None else f"{value:4.1f} s"


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 -- this is a command


def main() -> int:
    """Read the command line, run, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--every", type=float, default=30, help="seconds")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--pause", type=float, default=0.05, help="seconds")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    # The pools tell of every connection that is lost; here that is the plan.
    logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)
    violations = run(parser.parse_args())
    for violation in violations:
        _say(f"VIOLATED: {violation}")
    _say(f"{len(violations)} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
