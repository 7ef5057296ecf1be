"""A server that is restarted under its clients, and that has no room for more."""

from __future__ import annotations

import time

import pytest

from drystone.settings import Settings
from tests.clusters import Cluster

from .ledger import Ledger


@pytest.mark.parametrize(
    ("clients", "restarts"),
    [(8, 1), pytest.param(20, 20, marks=pytest.mark.long)],
)
def test_no_write_is_lost_or_doubled_by_a_crash(
    cluster: Cluster, clients: int, restarts: int
) -> None:
    """The first success comes within 5 s of the server's readiness."""
    settings = Settings(pool_min_size=2, pool_timeout=30.0, pool_max_size=10)
    recoveries = []
    with Ledger(cluster.url(), cluster.url(), settings, clients=clients) as ledger:
        for _ in range(restarts):
            time.sleep(0.3)
            cluster.stop("immediate")
            cluster.start()
            ready = time.monotonic()
            recoveries.append(ledger.recovered_within(5, since=ready))
        deadline = time.monotonic() + 30
        while ledger.pool.get_stats()["pool_size"] < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert ledger.violations() == []
    assert None not in recoveries
    print(  # noqa: T201 -- the figures, with -s or -rP
        f"{restarts} restarts, {ledger.acknowledged} acknowledged, none lost, none"
        f" doubled; errors met: {dict(ledger.errors)}; first success at most"
        f" {max(each or 0 for each in recoveries):.2f} s after readiness"
    )
