"""Every query that ships with the mark runs where nobody may write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from drystone.database.session import connect
from drystone.migrations.files import read_migrations
from drystone.queries.describing.described import describe_areas
from drystone.queries.describing.description import Describer
from drystone.queries.reading.annotations import read_annotations
from drystone.queries.reading.files import read_areas
from drystone.queries.runtime.binding import BoundCursor
from drystone.replicas.marks import is_marked
from drystone.review.plans.explaining import Explainer, Planned
from drystone.review.plans.flags import Tables
from drystone.review.plans.representative import represented
from drystone.settings import Settings
from drystone.systems import shipped
from tests.clusters import opened_cluster
from tests.replicas.conftest import Pair, caught_up

AREAS = read_areas([shipped("sql")])
FIT = [
    replace(area, queries=tuple(q for q in area.queries if read_annotations(q).replica))
    for area in AREAS
]
MARKED = {f"{area.name}.{query.name}" for area in FIT for query in area.queries}


def test_the_mark_of_a_query_is_found_at_its_function(queries: SimpleNamespace) -> None:
    found = {
        f"{system}.{area}.{name}"
        for system, areas in vars(queries).items()
        for area, module in vars(areas).items()
        for name, value in vars(module).items()
        if callable(value) and value.__module__ == module.__name__ and is_marked(value)
    }
    assert found == MARKED


def test_every_marked_query_runs_in_a_read_only_transaction(
    own_seeded: Connection[Any],
) -> None:
    explainer = Explainer(own_seeded, Tables())
    described = describe_areas(Describer(own_seeded), FIT)
    planned = [explainer.plan(each) for each in described]
    own_seeded.execute("SET default_transaction_read_only = on")
    assert asked(own_seeded, planned) == dict.fromkeys(MARKED)


@pytest.mark.long
def test_every_marked_query_runs_on_a_standby() -> None:
    """With typical values, on what the migrations made, with rows in every table."""
    migrations = read_migrations([shipped("migrations")])
    with opened_cluster(fsync="off") as primary:
        standby = primary.follow("standby")
        with represented(primary.url(), Settings(), AREAS, migrations) as database:
            planned = [database.explainer.plan(each) for each in database.queries]
            caught_up(Pair(primary, standby))
            url = standby.url(database.connection.info.dbname)
            with connect(url, Settings()) as connection:
                found = asked(connection, planned)
    fit = {name for name, refusal in found.items() if refusal is None}
    print("would run, and has no mark:", *sorted(fit - MARKED), sep="\n")  # noqa: T201
    assert {name: found[name] for name in MARKED} == dict.fromkeys(MARKED)


def asked(
    connection: Connection[Any], planned: Sequence[Planned]
) -> dict[str, str | None]:
    """Run queries with the values they were planned for; return what is refused."""
    refused: dict[str, str | None] = {}
    for one in planned:
        if one.asked is not None:
            values, *types = one.asked.bound
            typical = [
                b"UTC" if name in {"time_zone", "tz"} else value
                for name, value in zip(one.asked.names, values, strict=True)
            ]
            try:
                BoundCursor(connection).execute(one.asked.sql, (typical, *types))
                refused[one.query.name] = None
            except psycopg.Error as error:
                refused[one.query.name] = str(error)
    return refused
