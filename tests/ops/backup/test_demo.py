"""The five systems with their demo data, backed up and restored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from drystone.ops.backup import find_backups
from drystone.systems import seeding, shipped
from tests.cli.conftest import Drystone

SYSTEMS = ("dining", "ideas", "promo", "shop")  # events has more in its demo data


@pytest.mark.xdist_group("demo")
def test_the_five_systems_are_restored_as_they_were_graph_and_vectors_included(
    own_demo: Connection[Any],
    demo_url: str,
    drystone: Drystone,
    tmp_path: Path,
) -> None:
    for seed in seeding.find_seeds([shipped("sql")], stage="dev", systems=SYSTEMS):
        seeding.load(own_demo, seed)
    out = str(tmp_path / "backups")

    made = drystone("--database-url", demo_url, "backup", "--out", out)
    assert made.code == 0, made.err
    path = made.out.splitlines()[0]
    run = drystone("--database-url", demo_url, "backup", "verify", path)

    assert run.code == 0, run.out + run.err
    assert run.out.splitlines()[-1].startswith("verified in ")
    assert run.out.splitlines()[-1].endswith(", 0 differences")
    (found,) = find_backups(tmp_path / "backups")
    facts = found.manifest.facts
    assert facts is not None
    rows = facts.tables
    assert found.verified
    assert sum(label.rows for label in facts.graphs["event_network"].values()) > 20_000
    assert len(facts.probes["events.idx_events_embedding"].neighbours) == 10
    assert all(
        any(rows[name].count for name in rows if name.startswith(f"{system}."))
        for system in ("core", "events", *SYSTEMS)
    )
    (entry,) = own_demo.execute("SELECT verified, notes FROM core.backups").fetchall()
    assert entry[0] == "verified"
    assert entry[1].startswith("restored in ")
