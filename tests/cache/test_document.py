"""What docs/cache.md says, done."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection
from psycopg.conninfo import make_conninfo

from drystone.cache import DAY, LONG, MEDIUM, SHORT, leases

PAGE = Path(__file__).parents[2] / "docs" / "cache.md"


def blocks(language: str) -> list[str]:
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_programs_run(
    own_seeded: Connection[Any],
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    info = own_seeded.info
    url = make_conninfo(
        host=info.host, port=info.port, user=info.user, dbname=info.dbname
    )
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    found = own_seeded.execute(
        "SELECT id FROM ideas.business_ideas WHERE deleted_at IS NULL LIMIT 1"
    ).fetchone()
    assert found is not None
    names: dict[str, Any] = {"idea_id": found[0]}

    for program in blocks("python"):
        exec(compile(program, str(PAGE), "exec"), names)  # noqa: S102

    assert capsys.readouterr().out.splitlines() == [
        "Counts(hits=1, fills=2, waits=0, bypasses=0)",
        "{'user': '7'}",
        "True",
        "True",
    ]
    for statement in blocks("sql"):
        own_seeded.execute(statement.encode())


def test_the_numbers_are_those_of_the_code() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert f"{SHORT}, {MEDIUM}, {LONG} and {DAY}" in text
    assert (leases.LEASE, leases.LEASE + leases.MARGIN) == (5, 6)
    assert "five seconds" in text
    assert "six seconds" in text
