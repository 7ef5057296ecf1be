"""Run the benchmarks: all of them, or those named on the command line."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import (
    backup_restore,
    bulk_load,
    cache_hits,
    dining_scale,
    generation,
    ideas_scale,
    lint_speed,
    lock_safety,
    migration_speed,
    nullability,
    observation_overhead,
    promo_scale,
    query_latency,
    query_overhead,
    replica_routing,
    shop_orders,
    shop_oversell,
    shop_scale,
    vector_indexes,
)
from drystone.cli.output import line
from drystone.database.session import connect
from drystone.embedded import EmbeddedServer
from drystone.migrations import runner
from drystone.migrations.files import read_migrations
from drystone.settings import Settings
from drystone.systems import seeding, shipped

BENCHMARKS = {
    "vector_indexes": vector_indexes.run,
    "nullability": nullability.run,
    "query_latency": query_latency.run,
    "query_overhead": query_overhead.run,
    "replica_routing": replica_routing.run,
    "observation_overhead": observation_overhead.run,
    "bulk_load": bulk_load.run,
    "backup_restore": backup_restore.run,
    "cache_hits": cache_hits.run,
    "dining_scale": dining_scale.run,
    "generation": generation.run,
    "migration_speed": migration_speed.run,
    "lock_safety": lock_safety.run,
    "ideas_scale": ideas_scale.run,
    "promo_scale": promo_scale.run,
    "lint_speed": lint_speed.run,
    "shop_orders": shop_orders.run,
    "shop_oversell": shop_oversell.run,
    "shop_scale": shop_scale.run,
}

PROJECT = Path(__file__).parents[1]


def main() -> None:
    """Measure on an embedded server of its own, with the demo data in it."""
    chosen = sys.argv[1:] or list(BENCHMARKS)
    unknown = [name for name in chosen if name not in BENCHMARKS]
    if unknown:
        sys.exit(
            f"no benchmark is called {', '.join(unknown)}: {', '.join(BENCHMARKS)}"
        )
    settings = Settings(statement_timeout=0)
    server = EmbeddedServer(PROJECT / ".drystone" / "bench")
    try:
        url = server.start()
        runner.migrate(url, settings, read_migrations([shipped("migrations")]))
        with connect(url, settings) as connection:
            for seed in seeding.find_seeds([shipped("sql")], stage="demo"):
                seeding.load(connection, seed)
            for name in chosen:
                line(f"\n{name}", style="bold")
                BENCHMARKS[name](connection)
    finally:
        server.reset()


if __name__ == "__main__":
    main()
