"""Explain every query of a project on a database made for it, with data like real."""

from __future__ import annotations

import time
from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from psycopg import Connection

from drystone.database.session import prepare
from drystone.migrations.files import Migration
from drystone.migrations.proof import migrated_scratch
from drystone.queries.describing.described import DescribedQuery, describe_areas
from drystone.queries.describing.description import Describer
from drystone.queries.reading.files import Area
from drystone.review.lint.sizes import Sizes
from drystone.review.plans.explaining import Explainer, writes
from drystone.review.plans.filling import fill, tables_with_rows
from drystone.review.plans.flags import Tables
from drystone.review.plans.plan import QueryPlan
from drystone.review.plans.tables import find_tables
from drystone.settings import Settings
from drystone.systems import seeding

# What the planner decides by, as PostgreSQL has it by default, whatever the server's
# own configuration says; without parallel workers, of which there are some at times.
PINNED = {
    "jit": "off",
    "max_parallel_workers_per_gather": "0",
    "random_page_cost": "4",
    "seq_page_cost": "1",
    "cpu_tuple_cost": "0.01",
    "cpu_index_tuple_cost": "0.005",
    "cpu_operator_cost": "0.0025",
    "effective_cache_size": "4GB",
    "work_mem": "4MB",
    "hash_mem_multiplier": "2",
    "default_statistics_target": "100",
    "plan_cache_mode": "auto",
    "maintenance_work_mem": "64MB",
}

_STAGES = ("demo", "dev")

# Where few pages have dead rows, a plain VACUUM leaves these pages as they are.
_VACUUM = "VACUUM (ANALYZE, INDEX_CLEANUP ON)"

_ATTEMPTS, _PAUSE = 20, 0.2

_HAS_UNMARKED = """
SELECT EXISTS (
    SELECT
    FROM pg_catalog.pg_class AS c
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r'
        AND c.relallvisible < c.relpages
        AND n.nspname !~ '^(pg_|information_schema$)'
)
"""

_ROWS = """
SELECT n.nspname || '.' || c.relname, c.reltuples
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm')
    AND c.reltuples >= 0
"""


@dataclass(frozen=True, slots=True)
class Representative:
    """A scratch database with data like real, and the queries to ask of it.

    ``seeds`` are those that were loaded, by system; ``empty`` names the tables for
    which no rows could be made.
    """

    connection: Connection[Any]
    explainer: Explainer
    queries: Sequence[DescribedQuery]
    seeds: Mapping[str, seeding.Seed]
    empty: Collection[str]


@contextmanager
def represented(
    conninfo: str,
    settings: Settings,
    areas: Sequence[Area],
    migrations: Sequence[Migration],
    *,
    repeatables: Sequence[Migration] = (),
    seeds: Iterable[Path] = (),
    sizes: Sizes | None = None,
    names: Collection[str] = (),
) -> Iterator[Representative]:
    """Lend a database for the queries of the areas, or those with the full ``names``.

    ``seeds`` are the folders that hold seed data; ``sizes`` of production's tables, if
    known, make flags as bad as they are there. Raises what a migration or a seed
    raises.
    """
    pinned = settings.model_copy(update={"session": {**PINNED, **settings.session}})
    with migrated_scratch(conninfo, pinned, migrations, repeatables) as connection:
        described = [
            each
            for each in describe_areas(Describer(connection), areas)
            if not names or each.name in names
        ]
        systems = {each.system for each in migrations}
        chosen = _seeds(list(seeds), systems)
        empty = make_representative(connection, list(chosen.values()))
        tables = Tables(dict(connection.execute(_ROWS).fetchall()), sizes or Sizes())
        explainer = Explainer(connection, tables)
        yield Representative(connection, explainer, described, chosen, empty)


def explain(
    database: Representative, *, told: Callable[[QueryPlan], None] = lambda _: None
) -> list[QueryPlan]:
    """Explain the queries, in their order; ``told`` hears of each plan when made."""
    plans = {}
    # What a write leaves behind, though rolled back, makes tables larger: so all
    # is planned before, and what only reads is executed before.
    planned = [database.explainer.plan(each) for each in database.queries]
    for one in sorted(planned, key=lambda each: writes(each.query)):
        query = one.query
        seed = database.seeds.get(query.area.names[0])
        plan = database.explainer.execute(one)
        plans[query.name] = replace(
            plan,
            server=database.connection.info.server_version // 10_000,
            data=seed.stage if seed else "generated",
            empty=tuple(sorted(relations(plan) & set(database.empty))),
        )
        told(plans[query.name])
    return [plans[query.name] for query in database.queries]


def make_representative(
    connection: Connection[Any], seeds: Collection[seeding.Seed]
) -> set[str]:
    """Load the seed data, fill what is still empty, and take statistics.

    A seed for development is a handful of rows, in tables that systems share too: all
    tables get more, but for those of a system with demo data, and those that the
    migrations themselves have filled. Returns the names of the tables that stay empty.
    """
    prepare(connection)  # for the types that the migrations have brought
    whole = tables_with_rows(connection)
    for seed in seeds:
        seeding.load(connection, seed)
    rich = {seed.system for seed in seeds if seed.stage == _STAGES[0]}
    sparse = {table.schema for table in find_tables(connection)} - rich
    empty = set(fill(connection, sparse=sparse, whole=whole))
    _vacuum(connection)
    return empty


def _vacuum(connection: Connection[Any]) -> None:
    """Take statistics, and mark every page as visible to all.

    While the server's own vacuum looks at the database, pages with new rows cannot be
    marked; the planner would then avoid reading an index alone.
    """
    connection.execute(_VACUUM)
    for _ in range(_ATTEMPTS):
        if connection.execute(_HAS_UNMARKED).fetchone() == (False,):
            return
        time.sleep(_PAUSE)
        connection.execute("VACUUM (INDEX_CLEANUP ON)")


def relations(plan: QueryPlan) -> set[str]:
    """Return the names of the tables that a plan reads or writes."""
    nodes = plan.root.walk() if plan.root else ()
    return {node.relation for node in nodes if node.relation}


def _seeds(
    folders: Sequence[Path], systems: Collection[str]
) -> dict[str, seeding.Seed]:
    """Return the richest seed of each system."""
    chosen: dict[str, seeding.Seed] = {}
    for stage in _STAGES:
        for seed in seeding.find_seeds(folders, stage=stage):
            if seed.system in systems:
                chosen.setdefault(seed.system, seed)
    return chosen
