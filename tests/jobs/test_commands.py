"""drystone relay, worker and queues, as they are called."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from drystone.cli import main
from tests.redis_faults import MortalRedis

from .conftest import DEADLINE, Shop

DRYSTONE = Path(sys.executable).with_name("drystone")

HANDLERS = """
import time
from pydantic import BaseModel
from drystone.jobs import Registry

registry = Registry()
other = "no registry"

class Note(BaseModel):
    number: int

@registry.handler("email", "note")
def note(connection, payload: Note) -> None:
    connection.execute("INSERT INTO effects VALUES (DEFAULT, %s)", [payload.number])
    time.sleep(0.3)
"""


class Run(NamedTuple):
    code: int
    out: str
    err: str


class Commands:
    """The command line, in a folder that has a module with handlers."""

    def __init__(
        self,
        shop: Shop,
        folder: Path,
        patch: pytest.MonkeyPatch,
        capture: pytest.CaptureFixture[str],
    ) -> None:
        self.shop = shop
        self._folder = folder
        self._patch = patch
        self._capture = capture
        (folder / "handlers.py").write_text(HANDLERS)
        (folder / "broken.py").write_text("1 / 0\n")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Run a command in a process of its own."""
        return subprocess.Popen(
            [DRYSTONE, *arguments],
            cwd=self._folder,
            env={
                **os.environ,
                "DATABASE_URL": self.shop.database_url,
                "REDIS_URL": self.shop.redis_url,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *arguments: str) -> Run:
        """Run a command in this process."""
        self._patch.chdir(self._folder)
        self._patch.setenv("DATABASE_URL", self.shop.database_url)
        self._patch.setenv("REDIS_URL", self.shop.redis_url)
        self._patch.setattr(sys, "argv", ["drystone", *arguments])
        self._patch.setattr(sys, "path", [*sys.path])
        for module in ("handlers", "broken"):
            sys.modules.pop(module, None)
        with pytest.raises(SystemExit) as caught:
            main()
        return Run(int(caught.value.code or 0), *self._capture.readouterr())


@pytest.fixture
def drystone(
    shop: Shop,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Commands:
    return Commands(shop, tmp_path, monkeypatch, capfd)


def test_relay_once_sends_what_there_is(shop: Shop, drystone: Commands) -> None:
    shop.enqueue(3)
    assert drystone("relay", "--once") == Run(0, "3 jobs sent\n", "")
    run = drystone("relay", "--once", "--again", "--json")
    assert json.loads(run.out) == {"sent": 3}
    assert run.err == "sending again what Redis may have lost: 3 jobs\n"


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_is_asked_to_end_finishes_its_job_and_exits_with_0(
    shop: Shop, drystone: Commands, asked: signal.Signals
) -> None:
    """003-14"""
    shop.rows("UPDATE core.queues SET max_active = 1")
    shop.enqueue(3)
    drystone("relay", "--once")
    worker = drystone.start("worker", "handlers:registry")
    receipts = "SELECT 1 FROM core.job_receipts"
    deadline = time.monotonic() + DEADLINE
    while not shop.rows(receipts):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    worker.send_signal(asked)
    _, err = worker.communicate(timeout=DEADLINE)
    assert worker.returncode == 0, err
    done = len(shop.rows(receipts))
    assert 1 <= done < 3
    assert shop.rows("SELECT count(*) FROM core.outbox") == [(3 - done,)]
    assert err.splitlines()[0] == "working on email"


def test_queues_tells_what_waits_and_what_is_done(
    shop: Shop, drystone: Commands
) -> None:
    """003-14: health monitoring."""
    shop.enqueue(2, priority=7)
    shop.enqueue(1, priority=0)
    drystone("relay", "--once")
    shop.enqueue(4, queue="analytics")
    run = drystone("queues", "--json")
    assert run.code == 0
    document = json.loads(run.out)
    assert (document["status"], document["reason"]) == ("ok", None)
    queues: dict[str, Any] = {each["queue"]: each for each in document["queues"]}
    assert queues.keys() == {
        "analytics",
        "content-generation",
        "email",
        "publishing",
        "strategy-generation",
    }
    assert queues["analytics"]["outbox"]["unsent"] == 4
    assert queues["email"]["outbox"]["sent"] == 3
    waited = queues["email"]["redis"].pop("oldest_wait_s")
    assert 0 < waited < 60
    assert queues["email"]["redis"] == {
        "waiting": 1,
        "prioritized": 2,
        "delayed": 0,
        "active": 0,
        "completed": 0,
        "failed": 0,
        "paused": False,
    }
    table = drystone("queues").out.splitlines()
    assert table[0].split()[:4] == ["queue", "unsent", "in", "Redis"]
    assert table[3].split()[:4] == ["email", "0", "3", "3"]


def test_queues_are_degraded_while_redis_is_away(
    shop: Shop, drystone: Commands, mortal: MortalRedis
) -> None:
    """003-14"""
    shop.redis_url = mortal.url
    mortal.kill()
    shop.enqueue(4)
    run = drystone("queues")
    assert run.code == 1
    assert run.err.startswith("degraded: Redis is away: ")
    assert run.err.endswith("jobs wait in the outbox meanwhile\n")
    (email,) = (line for line in run.out.splitlines() if line.startswith("email"))
    assert email.split()[:4] == ["email", "4", "0", "?"]
    relay = drystone("relay", "--once")
    assert relay.code == 4
    assert relay.err.startswith("error: Redis is away: ")


def test_queues_are_degraded_when_nobody_sends(shop: Shop, drystone: Commands) -> None:
    shop.enqueue()
    shop.rows("UPDATE core.outbox SET created_at = now() - interval '100 s'")
    run = drystone("queues", "--json")
    assert run.code == 1
    assert json.loads(run.out)["status"] == "degraded"
    assert "as if no relay sent it; see that drystone relay runs" in run.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["handlers"], "handlers does not name a registry"),
        (["nowhere:registry"], "there is no module nowhere"),
        (["handlers:other"], "handlers:other is not a drystone.jobs.Registry"),
        (["broken:registry"], "ZeroDivisionError at"),
        (["handlers:registry", "--queue", "nope"], "no handler for the queue nope"),
        (["handlers:registry", "handlers:registry"], "two handlers for the job 'note'"),
    ],
)
def test_a_worker_that_cannot_begin_says_why(
    drystone: Commands, arguments: list[str], told: str
) -> None:
    run = drystone("worker", *arguments)
    assert (run.code, run.out) == (2, "")
    assert told in run.err


def test_a_worker_without_a_database_says_so(shop: Shop, drystone: Commands) -> None:
    shop.database_url = "postgresql:///nowhere?host=/nowhere"
    for command in (["worker", "handlers:registry"], ["relay", "--once"], ["queues"]):
        assert drystone(*command).code == 4
