"""Processes that are killed, and a Redis that is killed or emptied.

What runs for minutes is marked `long` and left to `make test-faults`.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clusters import Cluster, opened_cluster
from tests.proxy import Proxy
from tests.redis_faults import MortalRedis

PROJECT = Path(__file__).parents[2]
DRYSTONE = Path(sys.executable).with_name("drystone")

Launch = Callable[..., "Process"]


class Process:
    """A ``drystone`` command in a process of its own, that comes back when killed."""

    def __init__(self, arguments: list[str], environment: dict[str, str], log: Path):
        self._arguments = arguments
        self._environment = environment
        self._log = log
        self._running = self._launch()

    def _launch(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            self._began = log.tell()
            return subprocess.Popen(
                [DRYSTONE, *self._arguments],
                cwd=PROJECT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """Kill it without a warning, and start another one."""
        assert self._running.poll() is None, self.told()
        self._running.kill()
        self._running.wait()
        self._running = self._launch()

    def end(self) -> int:
        """Ask it to end once it has begun, and return its exit code."""
        deadline = time.monotonic() + 60
        while self._running.poll() is None and not self._has_begun():
            assert time.monotonic() < deadline, self.told()
            time.sleep(0.05)
        self._running.send_signal(signal.SIGTERM)
        try:
            return self._running.wait(60)
        except subprocess.TimeoutExpired:
            self._running.kill()
            self._running.wait()
            raise

    def _has_begun(self) -> bool:
        """Whether it has said so: then it also hears when it is asked to end."""
        told = self._log.read_bytes()[self._began :]
        return b"working on " in told or b"sending jobs" in told

    def told(self) -> str:
        """Return all that it has written."""
        return self._log.read_text(encoding="utf-8")


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    """Start commands; what still runs when the test ends is killed."""
    launched: list[Process] = []

    def start(*arguments: str, **environment: str) -> Process:
        log = tmp_path / f"{len(launched)}-{arguments[0]}.log"
        launched.append(Process([*arguments], {**os.environ, **environment}, log))
        return launched[-1]

    yield start
    for process in launched:
        process._running.kill()
        process._running.wait()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[MortalRedis]:
    server = MortalRedis(tmp_path / "redis")
    yield server
    server.forget()


@pytest.fixture
def chance() -> random.Random:
    """Chance with a seed that a failure shows."""
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 -- pytest shows it with a failure
    return random.Random(seed)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A server that tests may restart, as long as they leave it running.

    It keeps in memory what was not committed, until it crashes.
    """
    with opened_cluster(wal_writer_delay="10s") as opened:
        yield opened


@pytest.fixture
def proxy(cluster: Cluster) -> Iterator[Proxy]:
    """A network before that server."""
    with Proxy(cluster.url()) as opened:
        yield opened
