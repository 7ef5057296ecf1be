"""docs/jobs.md, done."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

from .conftest import DEADLINE, Shop

PROJECT = Path(__file__).parents[2]
TEXT = (PROJECT / "docs" / "jobs.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def test_what_the_document_shows_works(shop: Shop, tmp_path: Path) -> None:
    (program,) = blocks("python")
    (statements,) = blocks("sql")
    (processes, look) = blocks("sh")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "jobs.py").write_text(program)
    shop.connection.execute(statements.encode())
    shop.enqueue(queue="analytics", name="collect-analytics")
    shop.rows("""UPDATE core.outbox SET payload = payload || '{"post": "x"}'""")
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "DATABASE_URL": shop.database_url,
        "REDIS_URL": shop.redis_url,
    }
    *lasting, queues = processes.splitlines()
    running = [
        subprocess.Popen(shlex.split(line), cwd=tmp_path, env=environment)
        for line in lasting
    ]
    try:
        deadline = time.monotonic() + DEADLINE
        while shop.rows("SELECT 1 FROM core.outbox"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        for line in (queues, look):
            subprocess.run(shlex.split(line), cwd=tmp_path, env=environment, check=True)
        for each in running:
            each.send_signal(signal.SIGTERM)
        assert [each.wait(DEADLINE) for each in running] == [0, 0]
    finally:
        for each in running:
            each.kill()
            each.wait()
    assert shop.rows("SELECT queue, state::text FROM core.job_receipts ORDER BY 1") == [
        ("analytics", "completed"),
        ("email", "completed"),
    ]


def test_the_document_names_every_column_of_the_queues(shop: Shop) -> None:
    columns = shop.rows(
        "SELECT attname FROM pg_attribute WHERE attnum > 0 AND attname <> 'queue'"
        " AND attrelid = 'core.queues'::regclass"
    )
    for (column,) in columns:
        assert f"`{column}`" in TEXT
