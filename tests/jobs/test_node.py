"""Node's BullMQ and Drystone share queues: each takes the other's jobs."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from drystone.jobs import Registry

from .conftest import Shop

# One worker of xdist installs the package.
pytestmark = pytest.mark.xdist_group("node")

HERE = Path(__file__).parent / "node"

# What npm says where there is no way to its registry.
_NO_DOWNLOAD = {"ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT"}


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the program and BullMQ's package, as the lock file says."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("node and npm are not installed here")
    folder = tmp_path_factory.mktemp("node")
    for name in ("package.json", "package-lock.json", "interop.mjs"):
        shutil.copy(HERE / name, folder)
    # Not `npm ci`: it wants an entry for the native add-on of every platform there is.
    installed = subprocess.run(
        ["npm", "install", "--omit=optional", "--ignore-scripts", "--loglevel=error"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    unreachable = re.search(r"code (E\w+)", installed.stderr)
    if unreachable and unreachable[1] in _NO_DOWNLOAD:
        pytest.skip(f"npm cannot download here: {unreachable[1]}")
    assert installed.returncode == 0, installed.stderr
    return folder


async def run(
    node: Path,
    shop: Shop,
    *arguments: str,
    lines: list[Any] | None = None,
    environment: dict[str, str] | None = None,
) -> list[Any]:
    """Run the program to its end and return what it tells."""
    role, *rest = arguments
    socket = shop.redis_url.removeprefix("unix://")
    program = await asyncio.create_subprocess_exec(
        *("node", "interop.mjs", role, socket, shop.settings.redis_prefix, *rest),
        cwd=node,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **(environment or {})},
    )
    sent = "\n".join(map(json.dumps, lines or []))
    out, _ = await asyncio.wait_for(program.communicate(sent.encode()), 60)
    assert program.returncode == 0
    return [json.loads(line) for line in out.splitlines()]


async def test_a_node_worker_takes_the_jobs_of_the_outbox(
    shop: Shop, node: Path
) -> None:
    """003-14: in order of priority, with their options; the queue keeps no receipts."""
    shop.rows("UPDATE core.queues SET receipts = false, backoff_ms = 2000")
    shop.enqueue(3, priority=5)
    shop.enqueue(2, priority=1)
    shop.enqueue(1, priority=0)
    ids = shop.rows("SELECT id::text FROM core.outbox ORDER BY priority, position")
    await shop.relay().drain()
    assert shop.rows("SELECT count(*) FROM core.outbox") == [(0,)]
    taken = await run(node, shop, "work", "email", "6")
    assert [(job["id"],) for job in taken] == ids
    assert [job["data"]["number"] for job in taken] == [1, 1, 2, 1, 2, 3]
    assert [job["priority"] for job in taken] == [0, 1, 1, 5, 5, 5]
    assert {key: taken[0][key] for key in taken[0].keys() - {"id", "priority"}} == {
        "name": "note",
        "data": {"number": 1},
        "attempts": 5,
        "backoff": {"type": "exponential", "delay": 2000},
        "removeOnComplete": {"count": 10, "age": 24 * 3600},
        "removeOnFail": {"count": 50, "age": 7 * 24 * 3600},
    }
    counts = await shop.count()
    assert (counts.completed, counts.prioritized, counts.waiting) == (6, 0, 0)


async def test_a_python_worker_takes_the_jobs_of_a_node_queue(
    shop: Shop, node: Path, notes: Registry
) -> None:
    """003-14: also those with ids that are no UUIDs, and each of them once."""
    options = [{}, {"jobId": "mine"}, {"priority": 2, "attempts": 3}, {"jobId": "mine"}]
    added = await run(
        node,
        shop,
        *("add", "email"),
        lines=[
            {"name": "note", "data": {"number": n, "fail": n // 3}, "options": each}
            for n, each in enumerate(options, start=1)
        ],
    )
    assert [job["id"] for job in added] == ["1", "mine", "3", "mine"]
    async with shop.working(notes):
        await shop.until(lambda: len(shop.done()) == 3, "three jobs")
    assert sorted(shop.rows("SELECT job_id, number, attempt FROM effects")) == [
        ("1", 1, 1),
        ("3", 3, 2),
        ("mine", 2, 1),
    ]
    receipts = "SELECT split_part(job_id, '@', 1) FROM core.job_receipts ORDER BY 1"
    assert shop.rows(receipts) == [("1",), ("3",), ("mine",)]


async def test_an_id_that_a_node_queue_gives_again_is_another_job(
    shop: Shop, node: Path, notes: Registry
) -> None:
    """As after Redis was emptied, or when a job with an id of its own is gone."""
    shop.rows("UPDATE core.queues SET keep_completed = 0")
    for number in (1, 2):
        await run(
            node,
            shop,
            *("add", "email"),
            lines=[
                {"name": "note", "data": {"number": number}, "options": options}
                for options in ({}, {"jobId": "mine"})
            ],
        )
        async with shop.working(notes):
            await shop.until(lambda n=number: len(shop.done()) == 2 * n, "both jobs")  # type: ignore[misc]
        async with shop.client() as client:
            await client.flushdb()
    assert sorted(shop.rows("SELECT job_id, number FROM effects")) == [
        ("1", 1),
        ("1", 2),
        ("mine", 1),
        ("mine", 2),
    ]


async def test_node_and_python_work_on_one_queue_together(
    shop: Shop, node: Path, notes: Registry
) -> None:
    """A Node worker writes receipts as well, by core.begin_job; some are there."""
    info = shop.connection.info
    database = {
        "PGHOST": info.host,
        "PGPORT": str(info.port),
        "PGUSER": info.user,
        "PGDATABASE": info.dbname,
    }
    shop.rows("UPDATE core.queues SET max_active = 2")
    shop.enqueue(200)
    shop.rows(
        "INSERT INTO core.job_receipts (queue, job_id)"
        " SELECT queue, id::text FROM core.outbox ORDER BY position LIMIT 5"
    )
    shop.enqueue(5, priority=0)
    shop.rows(
        "INSERT INTO core.job_receipts (queue, job_id) SELECT queue, id::text"
        " FROM core.outbox WHERE priority = 0"
    )
    await shop.relay().drain()
    numbers = asyncio.create_task(
        run(node, shop, "work", "email", "20", environment=database)
    )
    await shop.until_counted(lambda counts: counts.completed + counts.active > 0)
    async with shop.working(notes):
        taken = await numbers
        await shop.settled()
    assert len(taken) >= 20
    assert sorted(shop.done()) == list(range(6, 201))
    assert shop.rows("SELECT DISTINCT state::text FROM core.job_receipts") == [
        ("completed",)
    ]
