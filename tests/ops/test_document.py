"""What docs/observability.md says, done."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.clusters import free_port
from tests.ops.conftest import samples

DOCUMENT = Path(__file__).parents[2] / "docs" / "observability.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_its_commands_work(database_url: str, tmp_path: Path) -> None:
    commands = "".join(blocks("sh")).replace("8000", str(free_port()))
    programs = Path(sys.executable).parent
    done = subprocess.run(
        ["sh", "-eu", "-c", commands],
        cwd=tmp_path,
        env={
            **os.environ,
            "DATABASE_URL": database_url,
            "PATH": f"{programs}:{os.environ['PATH']}",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '"status":"ok"' in done.stdout
    assert "drystone_database_up 1.0" in done.stdout
    assert "migrations" in done.stdout


def test_its_service_observes_its_queries(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("DRYSTONE_RECALL_INTERVAL", "0")
    monkeypatch.chdir(tmp_path)
    service, observer, _ = blocks("python")
    names: dict[str, Any] = {}
    exec(observer, {})  # noqa: S102 -- it is what the document shows
    # Handlers of the tests' own logging stay.
    exec(service.replace("configure_logging()", "None"), names)  # noqa: S102

    async def ask() -> tuple[httpx.Response, str]:
        app = names["app"]
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://own") as client,
        ):
            answer = await client.get("/uptime")
            return answer, (await client.get("/metrics")).text

    answer, text = asyncio.run(ask())
    assert answer.json()["uptime_s"] > 0
    assert answer.headers["x-request-id"]
    found = samples(text)
    query = (("query", "core.health.db_health"),)
    assert found["drystone_query_seconds_count", query] == 1
    assert found["drystone_pool_size", (("pool", "drystone"),)] >= 1
    assert found["drystone_pool_size", (("pool", "monitor"),)] >= 0
    assert found["drystone_database_up", ()] == 1
