"""Every form traced once, on one scratch database."""

from __future__ import annotations

from pathlib import Path

import pytest

from drystone.migrations.files import Migration, SqlFile
from drystone.review.trace.traces import MigrationTrace
from drystone.review.trace.tracing import trace
from drystone.settings import Settings
from drystone.testing import embedded_server
from tests.review.trace.forms import BASE, FORMS, ROWS


def migration(name: str, up: str, down: str | None = None) -> Migration:
    """A migration that no folder holds."""
    path = Path(f"{name}.sql")
    way_back = None if down is None else SqlFile(path, down)
    return Migration(name, "forms", SqlFile(path, up), way_back)


@pytest.fixture(scope="session")
def traced_forms() -> dict[str, MigrationTrace]:
    """What was seen of each form, by its schema; the setting of a path comes first."""
    files = []
    for number, form in enumerate(FORMS):
        schema = f"form_{number}"
        path = f"SET search_path = {schema}, public;\n"
        prepared = f"CREATE SCHEMA {schema};\n{path}{BASE}{form.setup}"
        files.append(migration(f"{schema}_before", prepared))
        files.append(migration(schema, path + form.statement.format(schema=schema)))
    traces = trace(
        embedded_server().start(),
        Settings(),
        files,
        only=[f"form_{number}" for number in range(len(FORMS))],
        rows=ROWS,
    )
    return {each.id: each for each in traces}
