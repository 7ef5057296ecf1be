"""What docs/replicas.md says, done."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import psycopg
import pytest

from drystone.settings import Settings
from tests.replicas.conftest import Pair, caught_up

PAGE = Path(__file__).parents[2] / "docs" / "replicas.md"
TEXT = PAGE.read_text(encoding="utf-8")

CREATE = """
CREATE SCHEMA IF NOT EXISTS shop;
CREATE TABLE IF NOT EXISTS shop.settings (
    key text PRIMARY KEY,
    value jsonb NOT NULL
);
"""

pytestmark = pytest.mark.xdist_group("replicas")


def test_the_program_runs(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(pair.primary.url(), autocommit=True) as connection:
        connection.execute(CREATE.encode())
    caught_up(pair)
    monkeypatch.setenv("DATABASE_URL", pair.primary.url())
    monkeypatch.setenv("DRYSTONE_REPLICA_URLS", uri(pair))
    (program,) = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(program, str(PAGE), "exec"), names)  # noqa: S102
    assert capsys.readouterr().out == f"127.0.0.1:{pair.standby.port} ready\n"
    stats = names["router"].stats()
    assert (stats.replicas[0].reads, stats.primary_reads) == (3, 0)


def test_the_urls_are_read_as_they_are_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in re.findall(r"^export (\w+)='([^']+)'$", TEXT, re.MULTILINE):
        monkeypatch.setenv(name, value)
    settings = Settings.load(tmp_path)
    assert settings.conninfo() is not None
    assert len(settings.replicas()) == 2


def test_the_numbers_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| `(replica_\w+)` \| ([\d.]+) \|", TEXT, re.MULTILINE)
    assert len(rows) == 3
    for name, default in rows:
        assert float(default) == Settings.model_fields[name].default


def uri(pair: Pair) -> str:
    return f"postgresql://postgres@127.0.0.1:{pair.standby.port}/postgres"
