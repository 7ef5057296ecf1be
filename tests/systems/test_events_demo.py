"""The events system on the generated demo data: measures that need its size."""

from __future__ import annotations

import random
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection

from drystone.systems import seeding, shipped
from drystone.systems.events import tour
from drystone.systems.events.demo.loading import load

pytestmark = pytest.mark.xdist_group("demo")

SAMPLES = 12

EXACT = """
SELECT id
FROM events.events
WHERE embedding IS NOT NULL
ORDER BY embedding <=> %s, id
LIMIT 10
"""


def sample(connection: Connection[Any], table: str, number: int) -> list[UUID]:
    """Some ids, the same in every run."""
    found = connection.execute(f"TABLE events.{table}".encode()).fetchall()
    ids: list[UUID] = sorted(row[0] for row in found)
    return random.Random(number).sample(ids, number)


def test_the_demo_data_is_big_enough_to_mean_something(
    demo: Connection[Any], queries: Any
) -> None:
    """001-12"""
    held = tour.census(demo)
    assert held.events >= 2000
    assert held.speakers >= 1500
    assert held.companies >= 300
    assert held.topics >= 120
    assert held.links >= 10_000


def test_loading_it_again_changes_nothing(demo: Connection[Any]) -> None:
    before = tour.census(demo)
    assert load(demo) == 0
    assert tour.census(demo) == before


def linked_topics(connection: Connection[Any]) -> dict[tuple[UUID, str], float]:
    found = connection.execute(
        "SELECT link.event_id, lower(topic.name), link.relevance_score"
        " FROM events.event_topics AS link"
        " JOIN events.topics AS topic ON topic.id = link.topic_id"
    )
    return {(event, topic): score for event, topic, score in found}


def load_seed(connection: Connection[Any], stage: str) -> None:
    for seed in seeding.find_seeds([shipped("sql")], stage=stage, systems=["events"]):
        seeding.load(connection, seed)


def test_the_development_seed_can_join_it_and_it_the_development_seed(
    demo: Connection[Any], own_seeded: Connection[Any]
) -> None:
    """Both have topics of the same names."""
    links = linked_topics(demo) | linked_topics(own_seeded)
    load_seed(demo, "dev")
    assert linked_topics(demo) == links
    load_seed(own_seeded, "demo")
    assert linked_topics(own_seeded) == links
    assert tour.census(own_seeded) == tour.census(demo)


def test_what_was_deleted_of_it_does_not_come_back(demo: Connection[Any]) -> None:
    demo.execute(
        "DELETE FROM events.events"
        " WHERE id = (SELECT id FROM events.events ORDER BY id LIMIT 1)"
    )
    assert load(demo) == 0


def test_the_graph_is_in_step(demo: Connection[Any], queries: Any) -> None:
    """001-07"""
    labels = queries.events.graph.graph_drift(demo)
    assert len(labels) == 8
    for label in labels:
        assert label.relational == label.graph > 0
        assert label.missing == label.extra == label.stale == 0


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_speaker_networks_equal_their_twins(
    demo: Connection[Any], queries: Any, depth: int
) -> None:
    """001-07"""
    graph, found = queries.events.graph, 0
    for speaker in sample(demo, "speakers", SAMPLES):
        params = {"speaker_id": str(speaker), "depth": depth}
        rows = graph.speaker_network(demo, params=params, limit_rows=5000)
        twin = graph.speaker_network_relational(
            demo, speaker_id=speaker, depth=depth, limit_rows=5000
        )
        assert values(rows) == values(twin)
        found += len(rows)
    assert found > SAMPLES


def test_company_events_equal_their_twins(demo: Connection[Any], queries: Any) -> None:
    """001-07"""
    graph, found = queries.events.graph, 0
    for company in sample(demo, "companies", SAMPLES):
        rows = graph.company_events(demo, params={"company_id": str(company)})
        twin = graph.company_events_relational(demo, company_id=company)
        assert values(rows) == values(twin)
        found += len(rows)
    assert found > SAMPLES


@pytest.mark.parametrize("depth", [1, 2])
def test_event_connections_equal_their_twins(
    demo: Connection[Any], queries: Any, depth: int
) -> None:
    """001-07"""
    graph, found = queries.events.graph, 0
    for event in sample(demo, "events", SAMPLES):
        params = {"event_id": str(event), "depth": depth}
        rows = graph.event_connections(demo, params=params, limit_rows=5000)
        twin = graph.event_connections_relational(
            demo, event_id=event, depth=depth, limit_rows=5000
        )
        assert values(rows) == values(twin)
        found += len(rows)
    assert found > SAMPLES


def test_shortest_paths_equal_their_twins(demo: Connection[Any], queries: Any) -> None:
    """001-07"""
    graph, lengths = queries.events.graph, set()
    speakers = sample(demo, "speakers", 2 * SAMPLES)
    for here, there in zip(speakers[::2], speakers[1::2], strict=True):
        ends = {"from_id": str(here), "to_id": str(there)}
        rows = graph.shortest_path(demo, params={**ends, "max_hops": 4})
        twin = graph.shortest_path_relational(
            demo, from_id=here, to_id=there, max_hops=4
        )
        assert values(rows) == values(twin)
        lengths.add(len(rows))
    assert len(lengths) > 2


def test_the_hnsw_index_finds_the_nearest_events(
    demo: Connection[Any], queries: Any
) -> None:
    """001-07: recall@10 against an exact scan, of 200 embeddings from the data."""
    vectors = demo.execute(
        "SELECT embedding FROM events.events WHERE embedding IS NOT NULL"
        " ORDER BY id LIMIT 200"
    ).fetchall()
    plan = demo.execute(
        "EXPLAIN SELECT id FROM events.events ORDER BY embedding <=> %s LIMIT 10",
        vectors[0],
    ).fetchall()
    assert "idx_events_embedding" in str(plan)
    hits = 0
    for (vector,) in vectors:
        near = queries.events.search.nearest_events(
            demo, embedding=vector, limit_rows=10
        )
        with demo.transaction():
            demo.execute("SET LOCAL enable_indexscan = off")
            exact = {row[0] for row in demo.execute(EXACT, [vector])}
        assert len(near) == len(exact) == 10
        hits += len(exact & {row.id for row in near})
    assert hits / (10 * len(vectors)) >= 0.95


def test_a_filter_does_not_cost_rows(demo: Connection[Any], queries: Any) -> None:
    """001-07: iterative scans go on until enough rows pass the filter."""
    (vector,) = demo.execute(
        "SELECT embedding FROM events.events WHERE embedding IS NOT NULL"
        " ORDER BY id LIMIT 1"
    ).fetchone() or (None,)
    found = queries.events.search.search_vector(
        demo,
        embedding=vector,
        location=None,
        date_from=date(2026, 6, 1),
        date_to=date(2026, 6, 30),
        min_quality=None,
        min_similarity=None,
        limit_rows=10,
    )
    assert len(found) == 10
    assert all(row.date.month == 6 for row in found)


def test_the_tour_answers_every_question(demo: Connection[Any]) -> None:
    stops = list(tour.stops(demo))
    assert len(stops) == 4
    assert all(stop.rows for stop in stops)
    assert "vector search" in stops[0].rows[0][0].lower()
    assert "language models" in stops[1].rows[0][0].lower()
    assert "events_luma_url_check" in tour.refused(demo).message


def values(rows: list[Any]) -> list[tuple[Any, ...]]:
    return [tuple(getattr(row, name) for name in row.__slots__) for row in rows]
