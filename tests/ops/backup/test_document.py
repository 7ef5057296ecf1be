"""docs/backup.md, done. Its recovery is done in test_physical.py."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection
from psycopg.conninfo import make_conninfo

from drystone.embedded.wheel import find_wheel
from drystone.settings import Settings

PAGE = Path(__file__).parents[3] / "docs" / "backup.md"


def blocks(language: str) -> list[str]:
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.mark.long
def test_the_commands_and_the_program_of_the_page_work(
    own: Connection[Any],
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    backup, restore, prune, drill, _physical, _recover = blocks("sh")
    own.execute("DROP DATABASE IF EXISTS restored")
    restored = make_conninfo(database_url, dbname="restored")
    paths = [Path(sys.executable).parent, find_wheel().binary("psql").parent]
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([*map(str, paths), os.environ["PATH"]]),
        "DATABASE_URL": database_url,
    }
    try:
        for block in (backup, restore, drill, prune):
            commands = (
                block.replace("/srv/backups/events-", f"{tmp_path}/b/migrated")
                .replace("/srv/backups", f"{tmp_path}/b")
                .replace("postgresql://app@localhost:5432/restored", f"'{restored}'")
            )
            subprocess.run(
                ["sh", "-euc", commands], cwd=tmp_path, env=environment, check=True
            )
    finally:
        own.execute("DROP DATABASE IF EXISTS restored")
    verdicts = own.execute("SELECT verified FROM core.backups").fetchall()
    assert verdicts == [("verified",)]
    (program,) = blocks("python")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    exec(compile(program, str(PAGE), "exec"), {})  # noqa: S102
    assert len(list((tmp_path / "backups").iterdir())) == 1


def test_the_page_names_the_settings_and_their_defaults() -> None:
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    for name, field in Settings.model_fields.items():
        if name.startswith(("backup_keep", "restore_")):
            assert re.search(rf"`{name}`[a-z ]*\({field.default}\)", text), name
