"""The named queries of `events`, each on the development seed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray
from psycopg.types.json import Jsonb

from drystone.errors import (
    CheckViolation,
    ForeignKeyViolation,
    InvalidValue,
    NotNullViolation,
)
from tests.systems.events_seed import company, event, speaker, topic
from tests.systems.rows import value
from tests.systems.sessions import at_once

Connection: TypeAlias = psycopg.Connection[Any]
Vector: TypeAlias = NDArray[np.float32]

DIMENSIONS = 1536
PAGE = "<html>" + "x" * 100 + "</html>"


def ids(rows: list[Any]) -> list[UUID]:
    return [row.id for row in rows]


def embedding_of(connection: Connection, number: int) -> Any:
    return value(
        connection, "SELECT embedding FROM events.events WHERE id = %s", event(number)
    )


def direction(*axes: int) -> Vector:
    """A vector that points along some axes, equally."""
    vector = np.zeros(DIMENSIONS, dtype=np.float32)
    vector[list(axes)] = 1
    return vector


def add_event(connection: Connection, name: str, **columns: Any) -> Any:
    return value(
        connection,
        """
        INSERT INTO events.events (name, date, location, embedding)
        VALUES (%s, %s, %s, %s)
        RETURNING id
        """,
        name,
        columns.get("date"),
        columns.get("location"),
        columns.get("embedding"),
    )


def add_speaker(connection: Connection, name: str, employer: str | None = None) -> Any:
    return value(
        connection,
        "INSERT INTO events.speakers (name, company) VALUES (%s, %s) RETURNING id",
        name,
        employer,
    )


# --- ingest ---------------------------------------------------------------------------


def scrape(queries: Any, connection: Connection, **given: Any) -> Any:
    page = {
        "luma_url": "https://lu.ma/new",
        "name": "New",
        "raw_html": PAGE,
        "scraped_at": datetime(2026, 3, 3, tzinfo=UTC),
    }
    return queries.events.ingest.upsert_scraped_event(connection, **{**page, **given})


def test_a_page_is_stored_once_under_its_address(
    queries: Any, connection: Connection
) -> None:
    """001-02"""
    first = scrape(queries, connection)
    again = scrape(queries, connection, name="Renamed")
    assert (first.is_new, again.is_new) == (True, False)
    assert again.id == first.id
    # The same page tells nothing new, so what was extracted from it stands.
    assert value(connection, "SELECT name FROM events.events") == "New"


def test_a_changed_page_is_processed_again(queries: Any, seeded: Connection) -> None:
    """001-02"""
    url = "https://lu.ma/climate-hack-weekend"
    row = scrape(queries, seeded, luma_url=url, name="Climate Hack Week")
    stored = seeded.execute(
        "SELECT name, raw_html, processed_at FROM events.events WHERE id = %s", [row.id]
    ).fetchone()
    assert row.id == event(6)
    assert stored == ("Climate Hack Week", PAGE, None)


def test_a_page_from_elsewhere_is_refused(queries: Any, own: Connection) -> None:
    """001-07"""
    with pytest.raises(CheckViolation) as caught:
        scrape(queries, own, luma_url="https://example.org/new")
    assert caught.value.constraint == "events_luma_url_check"
    with pytest.raises(NotNullViolation):
        scrape(queries, own, name=None)


def test_workers_claim_different_events_until_their_leases_end(
    queries: Any, own: Connection, database_url: str
) -> None:
    """001-13"""
    expected = {
        scrape(queries, own, luma_url=f"https://lu.ma/{number}").id
        for number in range(40)
    }

    def claim(worker: str, lease: float) -> Callable[[Connection], list[Any]]:
        def run(session: Connection) -> list[Any]:
            rows = queries.events.ingest.claim_unprocessed(
                session, worker=worker, lease_seconds=lease, limit_rows=10
            )
            return list(rows)

        return run

    batches = at_once(database_url, [claim(f"w{n}", 600) for n in range(4)])
    claimed = [row.id for batch in batches for row in batch]
    assert len(claimed) == len(set(claimed))
    claimed += ids(claim("late", 600)(own))
    assert set(claimed) <= expected
    rest = ids(
        queries.events.ingest.claim_unprocessed(
            own, worker="rest", lease_seconds=0, limit_rows=100
        )
    )
    assert sorted([*claimed, *rest]) == sorted(expected)
    # A lease of no time is over at once.
    assert sorted(ids(claim("next", 600)(own))) == sorted(rest)[:10]


def test_what_was_extracted_is_stored_and_ends_the_lease(
    queries: Any, seeded: Connection
) -> None:
    """001-02"""
    ingest = queries.events.ingest
    (claimed,) = ingest.claim_unprocessed(
        seeded, worker="w1", lease_seconds=60, limit_rows=5
    )
    assert claimed.id == event(13)
    stored = ingest.store_processed(
        seeded,
        event_id=event(13),
        fields=Jsonb({"date": "2026-06-11", "location": "Boston"}),
        extracted_data=Jsonb({"model": "stub"}),
        embedding=direction(3),
        quality=None,
    )
    assert stored.name == "Panel: Robots at the Bedside"
    assert (stored.date, stored.location) == (date(2026, 6, 11), "Boston")
    assert stored.data_quality_score == 10 + 15 + 15 + 10
    assert stored.processed_at is not None
    left = value(
        seeded,
        "SELECT count(*) FROM events.events WHERE claimed_by IS NOT NULL",
    )
    assert left == 0
    again = ingest.store_processed(
        seeded,
        event_id=event(13),
        fields=Jsonb({"name": "Robots at the Bedside", "location": None}),
        extracted_data=Jsonb({}),
        embedding=None,
        quality=42,
    )
    assert (again.name, again.location) == ("Robots at the Bedside", None)
    assert (again.date, again.data_quality_score) == (date(2026, 6, 11), 42)


def test_nothing_is_stored_for_an_unknown_event(
    queries: Any, connection: Connection
) -> None:
    """001-02"""
    assert (
        queries.events.ingest.store_processed(
            connection,
            event_id=uuid4(),
            fields=Jsonb({}),
            extracted_data=None,
            embedding=None,
            quality=None,
        )
        is None
    )


def test_a_speaker_is_found_by_normalised_name_and_company(
    queries: Any, seeded: Connection
) -> None:
    """001-07"""
    find = queries.events.ingest.find_or_create_speaker
    found = find(
        seeded, name="HANNAH KIM.", company="Blue-Ledger", bio=None, confidence=0.2
    )
    assert found.is_new
    found = find(
        seeded, name=" Hannah  Kim", company="blue ledger", bio="x", confidence=0.99
    )
    assert (found.id, found.is_new) == (speaker(9), False)
    stored = seeded.execute(
        "SELECT bio, confidence_score FROM events.speakers WHERE id = %s", [speaker(9)]
    ).fetchone()
    assert stored == ("Site reliability, PostgreSQL, long nights.", np.float32(0.99))


def test_a_merged_speaker_leads_to_the_one_that_was_kept(
    queries: Any, seeded: Connection
) -> None:
    """001-07"""
    queries.events.dedupe.merge_speakers(
        seeded, keep_id=speaker(1), drop_id=speaker(16)
    )
    found = queries.events.ingest.find_or_create_speaker(
        seeded,
        name="Maya Lindquist",
        company="Northwind Robotics",
        bio=None,
        confidence=0.5,
    )
    assert (found.id, found.is_new) == (speaker(1), False)


def test_a_company_is_found_by_name_and_else_by_domain(
    queries: Any, seeded: Connection
) -> None:
    """001-07"""
    find = queries.events.ingest.find_or_create_company
    by_name = find(seeded, name="HELIO GRID", domain=None, industry="Solar")
    by_domain = find(
        seeded, name="Helio Grid GmbH", domain="HelioGrid.example", industry=None
    )
    # A domain that belongs to another company does not make the two one.
    disputed = find(seeded, name="Open Quay", domain="heliogrid.example", industry=None)
    new = find(seeded, name="Tidewater", domain=None, industry=None)
    filled = find(seeded, name="tidewater", domain="tide.example", industry="Shipping")
    assert [by_name.id, by_domain.id, disputed.id] == [
        company(2),
        company(2),
        company(7),
    ]
    assert (new.is_new, filled.is_new, filled.id) == (True, False, new.id)
    stored = seeded.execute(
        "SELECT domain, industry FROM events.companies WHERE id = %s", [new.id]
    ).fetchone()
    assert stored == ("tide.example", "Shipping")
    with pytest.raises(NotNullViolation):
        find(seeded, name="?", domain=None, industry=None)


def test_a_topic_is_found_in_any_case(queries: Any, seeded: Connection) -> None:
    """001-07"""
    find = queries.events.ingest.find_or_create_topic
    assert find(seeded, name=" postgresql ", category=None).id == topic(2)
    new = find(seeded, name="C++", category=None)
    filled = find(seeded, name="c++", category="technology")
    assert (new.is_new, filled.is_new, filled.id) == (True, False, new.id)
    category = "SELECT category FROM events.topics WHERE id = %s"
    assert value(seeded, category, new.id) == "technology"


def test_an_event_is_linked_to_all_that_was_extracted_at_once(
    queries: Any, seeded: Connection
) -> None:
    """001-02"""
    link = queries.events.ingest.link_event
    people = [
        {"name": "Noor Haddad", "company": "Fathom Health", "confidence": 0.9},
        {"name": "noor haddad", "company": "FATHOM HEALTH", "confidence": 0.4},
        {"name": "Eva Lund", "company": None, "role": "judge", "confidence": 0.6},
    ]
    firms = [
        {"name": "Fathom Health", "relationship": "host"},
        {"name": "Ward Nine", "industry": "Care", "relationship": "venue"},
    ]
    subjects = [
        {"name": "ROBOTICS", "relevance": 0.9},
        {"name": "Nursing", "category": "industry", "relevance": 0.7},
    ]
    for _ in range(2):
        counts = link(
            seeded,
            event_id=event(13),
            speakers=Jsonb(people),
            companies=Jsonb(firms),
            topics=Jsonb(subjects),
        )
        assert (counts.speakers, counts.companies, counts.topics) == (2, 2, 2)
    linked = queries.events.browse.get_event(seeded, event_id=event(13))
    assert [(row["name"], row["role"]) for row in linked.speakers] == [
        ("Noor Haddad", "speaker"),
        ("Eva Lund", "judge"),
    ]
    assert [row["name"] for row in linked.companies] == ["Fathom Health", "Ward Nine"]
    assert [row["name"] for row in linked.topics] == ["Robotics", "Nursing"]
    assert value(seeded, "SELECT count(*) FROM events.speakers") == 17
    nothing = link(
        seeded, event_id=event(13), speakers=None, companies=Jsonb([]), topics=None
    )
    assert (nothing.speakers, nothing.companies, nothing.topics) == (0, 0, 0)


def test_a_link_to_an_unknown_event_stores_nothing(
    queries: Any, own: Connection
) -> None:
    """001-07"""
    with pytest.raises(ForeignKeyViolation) as caught:
        queries.events.ingest.link_event(
            own,
            event_id=uuid4(),
            speakers=Jsonb([{"name": "Ada"}]),
            companies=None,
            topics=None,
        )
    assert caught.value.constraint == "event_speakers_event_id_fkey"
    assert value(own, "SELECT count(*) FROM events.speakers") == 0


# --- browse ---------------------------------------------------------------------------


def listed(queries: Any, connection: Connection, **given: Any) -> list[Any]:
    filters = {
        "location": None,
        "topics": None,
        "date_from": None,
        "date_to": None,
        "min_quality": None,
        "after_listed_on": None,
        "after_id": None,
        "limit_rows": None,
    }
    rows = queries.events.browse.list_events(connection, **{**filters, **given})
    return list(rows)


def test_pages_follow_each_other_without_gap_or_overlap(
    queries: Any, seeded: Connection
) -> None:
    """001-09"""
    everything = listed(queries, seeded)
    assert len(everything) == 13
    assert [row.date for row in everything[-2:]] == [None, None]
    pages: list[Any] = []
    cursor: dict[str, Any] = {}
    while page := listed(queries, seeded, limit_rows=4, **cursor):
        pages += page
        cursor = {"after_listed_on": page[-1].listed_on, "after_id": page[-1].id}
    assert ids(pages) == ids(everything)


def test_a_page_is_twenty_events_unless_told_otherwise(
    queries: Any, connection: Connection
) -> None:
    """001-09"""
    for number in range(25):
        add_event(connection, f"Event {number}")
    assert len(listed(queries, connection)) == 20


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        ({"location": "LONDON"}, [7, 5, 3]),
        ({"topics": ["postgresql", "Fintech"]}, [9, 7, 3]),
        ({"date_from": date(2026, 5, 14)}, [11, 10, 9]),
        ({"date_to": date(2026, 3, 19)}, [2, 1]),
        ({"min_quality": 85, "location": "Berlin"}, [8, 6, 1, 12]),
        ({"topics": []}, []),
    ],
)
def test_filters_narrow_the_list(
    queries: Any, seeded: Connection, filters: dict[str, Any], numbers: list[int]
) -> None:
    """001-09"""
    assert ids(listed(queries, seeded, **filters)) == [event(n) for n in numbers]


def test_one_event_comes_with_everything_it_is_linked_to(
    queries: Any, seeded: Connection
) -> None:
    """001-02"""
    found = queries.events.browse.get_event(seeded, event_id=event(1))
    assert found.name == "Robots That Learn: Perception in the Warehouse"
    assert [(row["name"], row["role"]) for row in found.speakers] == [
        ("Maya Lindqvist", "speaker"),
        ("Samuel Adeyemi", "speaker"),
        ("Kenji Watanabe", "host"),
    ]
    assert [(row["name"], row["relationship"]) for row in found.companies] == [
        ("Northwind Robotics", "host"),
        ("Cedar Ventures", "sponsor"),
        ("The Foundry Hall", "venue"),
    ]
    assert [(row["name"], row["relevance"]) for row in found.topics] == [
        ("Robotics", 0.95),
        ("Machine learning", 0.8),
    ]
    alone = queries.events.browse.get_event(seeded, event_id=event(13))
    assert (alone.speakers, alone.companies, alone.topics) == ([], [], [])
    assert queries.events.browse.get_event(seeded, event_id=uuid4()) is None


# --- search ---------------------------------------------------------------------------


def test_words_find_events_and_are_marked(queries: Any, seeded: Connection) -> None:
    """001-07"""
    search = queries.events.search.search_text
    found = search(seeded, q="robot perception", limit_rows=None)
    assert ids(found) == [event(1)]
    assert "<mark>" in found[0].headline
    assert found[0].rank > 0
    assert event(2) in ids(search(seeded, q="Madrid", limit_rows=5))
    unlike = search(seeded, q="panel -payments", limit_rows=5)
    assert event(7) not in ids(unlike)
    assert event(11) in ids(unlike)
    assert search(seeded, q="the", limit_rows=5) == []


def test_the_nearest_events_come_first(queries: Any, seeded: Connection) -> None:
    """001-07"""
    found = queries.events.search.nearest_events(
        seeded, embedding=embedding_of(seeded, 1), limit_rows=3
    )
    assert ids(found)[:2] == [event(1), event(8)]
    assert found[0].similarity == pytest.approx(1)
    assert found[1].similarity == pytest.approx(0.8, abs=0.05)
    every = queries.events.search.nearest_events(
        seeded, embedding=embedding_of(seeded, 1), limit_rows=50
    )
    assert len(every) == 12


def test_filters_and_a_threshold_restrict_a_vector_search(
    queries: Any, seeded: Connection
) -> None:
    """001-07"""

    def search(**given: Any) -> list[UUID]:
        filters = {
            "location": None,
            "date_from": None,
            "date_to": None,
            "min_quality": None,
            "min_similarity": None,
            "limit_rows": None,
        }
        rows = queries.events.search.search_vector(
            seeded, embedding=embedding_of(seeded, 3), **{**filters, **given}
        )
        return ids(rows)

    assert len(search()) == 10
    assert search(min_similarity=0.5) == [event(3), event(9)]
    assert search(location="amsterdam") == [event(9)]
    assert search(date_from=date(2026, 4, 1), min_similarity=0.5) == [event(9)]
    assert search(date_to=date(2026, 4, 1), min_similarity=0.5) == [event(3)]
    assert event(11) not in search(min_quality=90, limit_rows=50)


def test_hybrid_search_weighs_meaning_and_words(
    queries: Any, seeded: Connection
) -> None:
    """001-07"""

    def search(words: str, **weights: float | None) -> list[Any]:
        given = {"vector_weight": None, "text_weight": None, **weights}
        rows = queries.events.search.search_hybrid(
            seeded, q=words, embedding=embedding_of(seeded, 1), limit_rows=3, **given
        )
        return list(rows)

    first, second, *_ = search("workshop similarity")
    assert first.id == event(1)
    assert first.score == pytest.approx(0.7 * first.vector_score)
    assert second.id == event(8)
    words_only = search("workshop similarity", vector_weight=0.0, text_weight=1.0)
    assert words_only[0].id == event(9)
    assert words_only[0].score == pytest.approx(1)
    both = search("robots perception")
    assert both[0].score == pytest.approx(0.7 * both[0].vector_score + 0.3)


def test_rank_fusion_prefers_what_both_lists_hold(
    queries: Any, seeded: Connection
) -> None:
    """001-07"""
    found = queries.events.search.search_hybrid_rrf(
        seeded,
        q="simulation robots",
        embedding=embedding_of(seeded, 1),
        limit_rows=5,
    )
    best = found[0]
    assert best.id == event(8)
    assert (best.vector_place, best.text_place) == (2, 1)
    assert best.score == pytest.approx(1 / 62 + 1 / 61)
    assert found[1].id == event(1)
    assert (found[1].vector_place, found[1].text_place) == (1, None)


def test_similar_events_leave_the_event_itself_out(
    queries: Any, seeded: Connection
) -> None:
    """001-07"""
    similar = queries.events.search.similar_events
    found = similar(seeded, event_id=event(4), limit_rows=1)
    assert ids(found) == [event(10)]
    assert len(similar(seeded, event_id=event(4), limit_rows=None)) == 10
    assert similar(seeded, event_id=event(13), limit_rows=5) == []


def test_events_are_similar_by_at_least_two_relevant_topics(
    queries: Any, seeded: Connection
) -> None:
    """001-07"""
    similar = queries.events.search.similar_by_topics
    given = {"min_shared": None, "min_relevance": None, "limit_rows": None}
    (found,) = similar(seeded, event_id=event(1), **given)
    assert (found.id, found.shared_topics) == (event(8), 2)
    assert found.strength == pytest.approx(0.95 * 0.95 + 0.8 * 0.55)
    stricter = {**given, "min_relevance": 0.6}
    assert similar(seeded, event_id=event(1), **stricter) == []
    looser = {**given, "min_shared": 1}
    assert ids(similar(seeded, event_id=event(5), **looser)) == [
        event(11),
        event(9),
        event(10),
    ]


def test_a_misspelt_name_finds_the_event(queries: Any, seeded: Connection) -> None:
    """001-07"""
    by_name = queries.events.search.events_by_name
    found = by_name(
        seeded, name="Vektors in Postgresql", min_similarity=None, limit_rows=3
    )
    assert found[0].id == event(9)
    expected = value(
        seeded,
        "SELECT core.similarity('Vectors in PostgreSQL', 'Vektors in Postgresql')",
    )
    assert found[0].similarity == pytest.approx(expected)
    exact = by_name(
        seeded, name="VECTORS in PostgreSQL", min_similarity=1.0, limit_rows=None
    )
    assert [(row.id, row.similarity) for row in exact] == [(event(9), 1.0)]


def test_the_alternative_vector_index_can_be_built_and_dropped(
    queries: Any, own_seeded: Connection
) -> None:
    """001-09"""
    indexes = queries.events.indexes
    assert indexes.ivfflat_lists(own_seeded) == 1
    own_seeded.execute("SET client_min_messages = error")
    indexes.create_ivfflat_index(own_seeded)
    both = indexes.embedding_indexes(own_seeded)
    assert [(row.index_name, row.method, row.valid) for row in both] == [
        ("idx_events_embedding", "hnsw", True),
        ("idx_events_embedding_ivfflat", "ivfflat", True),
    ]
    assert all(row.bytes > 0 and row.scans >= 0 for row in both)
    indexes.drop_ivfflat_index(own_seeded)
    assert [row.method for row in indexes.embedding_indexes(own_seeded)] == ["hnsw"]


# --- duplicates -----------------------------------------------------------------------


def candidates(queries: Any, connection: Connection, **given: Any) -> list[Any]:
    arguments = {"min_confidence": 0.7, "since": None, "limit_rows": 50, **given}
    rows = queries.events.dedupe.dedupe_candidates(connection, **arguments)
    return list(rows)


def test_names_and_companies_make_speakers_candidates(
    queries: Any, connection: Connection
) -> None:
    """001-07"""
    add_speaker(connection, "Maria Sandoval", "Acme")
    add_speaker(connection, "Maria Sandovol", "ACME Inc")
    add_speaker(connection, "Maria Sandovaal", "acme")
    add_speaker(connection, "Jean Petit")
    add_speaker(connection, "Jean Petit", "Globex")
    add_speaker(connection, "Peter Unrelated", "Acme")
    found = candidates(queries, connection, kind="speaker")
    pairs = {
        (frozenset((row.left_name, row.right_name)), row.same_company) for row in found
    }
    assert pairs == {
        # Named alike, and the company of one is unknown: the names alone count.
        (frozenset(("Jean Petit",)), None),
        (frozenset(("Maria Sandoval", "Maria Sandovaal")), True),
    }
    for row in found:
        extra = 0.7 * row.name_similarity + 0.3 if row.same_company else 1.0
        assert row.confidence == pytest.approx(extra)
        assert row.left_id < row.right_id
    assert [row.confidence for row in found] == sorted(
        (row.confidence for row in found), reverse=True
    )


def test_candidates_are_what_comparing_every_pair_would_find(
    queries: Any, connection: Connection
) -> None:
    """001-07"""
    first = ("Anna", "Anne", "Hanna", "Johann", "John", "Jon", "Maria", "Marie")
    last = ("Berg", "Berger", "Bergmann", "Stone", "Stoner", "Steen")
    firms = (None, "Acme", "Globex")
    for number, name in enumerate(f"{one} {two}" for one in first for two in last):
        add_speaker(connection, name, firms[number % 3])
    for confidence in (0.5, 0.7, 0.8):
        found = candidates(
            queries,
            connection,
            kind="speaker",
            min_confidence=confidence,
            limit_rows=5000,
        )
        expected = connection.execute(
            """
            SELECT
                one.id,
                two.id
            FROM events.speakers AS one
            INNER JOIN events.speakers AS two
                ON two.id > one.id
            CROSS JOIN LATERAL (
                SELECT core.similarity(one.normalized_name, two.normalized_name)
            ) AS name (similarity)
            WHERE CASE one.normalized_company = two.normalized_company
                WHEN true THEN 0.7 * name.similarity + 0.3
                WHEN false THEN 0.7 * name.similarity
                ELSE name.similarity
            END::real >= %s::real
            """,
            [confidence],
        ).fetchall()
        assert {(row.left_id, row.right_id) for row in found} == set(expected)
        assert expected


def test_companies_are_candidates_by_name(queries: Any, seeded: Connection) -> None:
    """001-07"""
    find = queries.events.ingest.find_or_create_company
    find(seeded, name="Northwind Robotic", domain=None, industry=None)
    (found,) = candidates(queries, seeded, kind="company")
    assert {found.left_name, found.right_name} == {
        "Northwind Robotics",
        "Northwind Robotic",
    }
    assert found.confidence == found.name_similarity
    assert found.same_company is None


def test_events_of_one_day_are_candidates_by_meaning(
    queries: Any, connection: Connection
) -> None:
    """001-07"""
    day, next_day = date(2026, 5, 1), date(2026, 5, 2)
    one = add_event(connection, "May Day", date=day, embedding=direction(1, 2))
    two = add_event(connection, "Mayday", date=day, embedding=direction(1, 2, 3))
    add_event(connection, "May Day II", date=next_day, embedding=direction(1, 2))
    add_event(connection, "Other", date=day, embedding=direction(900))
    add_event(connection, "No embedding", date=day)
    (found,) = candidates(queries, connection, kind="event")
    assert {found.left_id, found.right_id} == {one, two}
    assert found.confidence == pytest.approx(2 / np.sqrt(2 * 3))


def test_since_restricts_candidates_to_newer_rows(
    queries: Any, seeded: Connection
) -> None:
    """001-07"""
    long_ago = datetime(2000, 1, 1, tzinfo=UTC)
    for kind in ("speaker", "company", "event"):
        everything = candidates(queries, seeded, kind=kind, min_confidence=0.3)
        assert everything == candidates(
            queries, seeded, kind=kind, min_confidence=0.3, since=long_ago
        )
        assert not candidates(
            queries,
            seeded,
            kind=kind,
            min_confidence=0.3,
            since=datetime(2999, 1, 1, tzinfo=UTC),
        )


def test_pairs_between_the_thresholds_are_queued_once(
    queries: Any, connection: Connection
) -> None:
    """001-07"""
    add_speaker(connection, "Maya Lindqvist", "Northwind")
    add_speaker(connection, "Maya Lindquist", "Northwind")
    # 0.9 and more needs no person.
    add_speaker(connection, "Jean Petit")
    add_speaker(connection, "Jean Petit", "Globex")
    queue = queries.events.dedupe.queue_reviews
    assert queue(connection, kind="speaker", since=None) == 1
    assert queue(connection, kind="speaker", since=None) == 0
    assert queue(connection, kind="company", since=None) == 0
    day = date(2026, 5, 1)
    add_event(connection, "May Day", date=day, embedding=direction(1, 2))
    add_event(connection, "Mayday", date=day, embedding=direction(1, 2, 3))
    assert queue(connection, kind="event", since=None) == 1
    rows = connection.execute(
        "SELECT entity_kind, evidence FROM events.dedupe_reviews ORDER BY entity_kind"
    ).fetchall()
    assert [kind for kind, _ in rows] == ["event", "speaker"]
    assert rows[0][1]["cosine_similarity"] == pytest.approx(0.8165, abs=0.0001)
    assert rows[1][1]["same_company"] is True


def test_a_review_is_claimed_by_one_worker_and_decided_once(
    queries: Any, own_seeded: Connection, seeded_url: str
) -> None:
    """001-13"""
    dedupe = queries.events.dedupe

    def claim(session: Connection) -> Any:
        return dedupe.claim_review(session, worker="w", lease_seconds=60)

    claimed = [row for row in at_once(seeded_url, [claim] * 4) if row is not None]
    assert len(claimed) == 1
    review = claimed[0]
    assert (review.left_id, review.right_id) == (speaker(1), speaker(16))
    assert 0.7 <= review.confidence < 0.9
    decide = {"review_id": review.id, "merge": False, "decided_by": "ada"}
    decided = dedupe.decide_review(own_seeded, **decide)
    assert decided.status == "rejected"
    assert dedupe.decide_review(own_seeded, **decide) is None
    assert claim(own_seeded) is None


def test_a_review_of_something_that_is_gone_is_not_claimed(
    queries: Any, seeded: Connection
) -> None:
    """001-07"""
    claim = {"worker": "w", "lease_seconds": 0}
    assert queries.events.dedupe.claim_review(seeded, **claim) is not None
    seeded.execute("DELETE FROM events.speakers WHERE id = %s", [speaker(16)])
    assert queries.events.dedupe.claim_review(seeded, **claim) is None


def test_merging_speakers_moves_their_links_and_decides_the_review(
    queries: Any, seeded: Connection
) -> None:
    """001-07"""
    dedupe = queries.events.dedupe
    pair = {"keep_id": speaker(1), "drop_id": speaker(16)}
    merged = dedupe.merge_speakers(seeded, **pair)
    assert (merged.moved_links, merged.merged_speakers, merged.decided_reviews) == (
        1,
        1,
        1,
    )
    links = seeded.execute(
        """
        SELECT link.event_id
        FROM events.event_speakers AS link
        WHERE link.speaker_id = %s
        ORDER BY link.event_id
        """,
        [speaker(1)],
    ).fetchall()
    assert links == [(event(1),), (event(8),)]
    assert dedupe.merge_speakers(seeded, **pair) is None
    # Who was merged before moves along.
    again = dedupe.merge_speakers(seeded, keep_id=speaker(8), drop_id=speaker(1))
    assert again.merged_speakers == 2
    assert again.moved_links == 2
    roots = "SELECT count(*) FROM events.speakers WHERE merged_into = %s"
    assert value(seeded, roots, speaker(8)) == 2


@pytest.mark.parametrize("merge", ["merge_speakers", "merge_companies", "merge_events"])
def test_nothing_is_merged_with_itself_or_with_nothing(
    queries: Any, seeded: Connection, merge: str
) -> None:
    """001-07"""
    kinds = {
        "merge_speakers": speaker(1),
        "merge_companies": company(1),
        "merge_events": event(1),
    }
    query = getattr(queries.events.dedupe, merge)
    same = kinds[merge]
    assert query(seeded, keep_id=same, drop_id=same) is None
    assert query(seeded, keep_id=same, drop_id=uuid4()) is None


def test_merging_companies_moves_links_and_people(
    queries: Any, seeded: Connection
) -> None:
    """001-07"""
    merged = queries.events.dedupe.merge_companies(
        seeded, keep_id=company(2), drop_id=company(8)
    )
    assert (merged.moved_links, merged.moved_speakers) == (4, 2)
    left = value(
        seeded, "SELECT count(*) FROM events.companies WHERE id = %s", company(8)
    )
    assert left == 0
    employer = "SELECT company FROM events.speakers WHERE id = %s"
    assert value(seeded, employer, speaker(6)) == "Helio Grid"
    parts = seeded.execute(
        """
        SELECT link.relationship_type
        FROM events.event_companies AS link
        WHERE link.event_id = %s AND link.company_id = %s
        ORDER BY link.relationship_type
        """,
        [event(6), company(2)],
    ).fetchall()
    assert parts == [("sponsor",), ("partner",)]


def test_merging_events_moves_links_and_fills_gaps(
    queries: Any, seeded: Connection
) -> None:
    """001-07"""
    merged = queries.events.dedupe.merge_events(
        seeded, keep_id=event(12), drop_id=event(6)
    )
    assert merged.moved_links == 9
    kept = queries.events.browse.get_event(seeded, event_id=event(12))
    assert kept.date == date(2026, 4, 18)
    assert kept.name == "Founders and Funders: Climate"
    assert {row["name"] for row in kept.topics} == {"Climate", "Panel", "Hackathon"}
    assert [row["relevance"] for row in kept.topics if row["name"] == "Climate"] == [
        0.95
    ]
    assert queries.events.browse.get_event(seeded, event_id=event(6)) is None


# --- quality --------------------------------------------------------------------------


def test_quality_is_recalculated_where_it_changed(
    queries: Any, seeded: Connection
) -> None:
    """001-07"""
    recalculate = queries.events.quality.recalculate_quality
    assert recalculate(seeded, event_ids=None) == 0
    seeded.execute(
        "DELETE FROM events.event_topics WHERE event_id IN (%s, %s)",
        [event(1), event(2)],
    )
    assert recalculate(seeded, event_ids=[event(1)]) == 1
    assert recalculate(seeded, event_ids=None) == 1
    score = "SELECT data_quality_score FROM events.events WHERE id = %s"
    assert value(seeded, score, event(2)) == 90


def test_the_quality_report_counts_every_event_once(
    queries: Any, seeded: Connection
) -> None:
    """001-11"""
    report = queries.events.quality.quality_report(seeded)
    assert [(row.from_score, row.to_score) for row in report][-1] == (90, 100)
    assert len(report) == 10
    assert {row.from_score: row.events for row in report if row.events} == {
        10: 1,
        80: 2,
        90: 10,
    }
    best = report[-1]
    assert (best.processed, best.embedded) == (10, 10)
    assert (best.with_speakers, best.with_companies, best.with_topics) == (10, 10, 10)
    summary = queries.events.quality.quality_summary(seeded)
    assert (summary.events, summary.processed, summary.embedded) == (13, 12, 12)
    assert summary.embedding_coverage == pytest.approx(12 / 13)
    assert summary.mean_score == pytest.approx((10 * 100 + 2 * 85 + 10) / 13)
    assert summary.pending_reviews == 1


def test_an_empty_database_has_a_quality_report_too(
    queries: Any, connection: Connection
) -> None:
    """001-11"""
    summary = queries.events.quality.quality_summary(connection)
    assert (summary.events, summary.embedding_coverage, summary.mean_score) == (0, 0, 0)
    report = queries.events.quality.quality_report(connection)
    assert sum(row.events for row in report) == 0


# --- statistics -----------------------------------------------------------------------


def test_a_series_counts_every_bucket_of_the_period(
    queries: Any, seeded: Connection
) -> None:
    """001-11"""

    def series(bucket: str, last: date = date(2026, 6, 30)) -> list[tuple[date, int]]:
        rows = queries.events.stats.events_count_series(
            seeded, bucket=bucket, date_from=date(2026, 3, 15), date_to=last
        )
        return [(row.bucket_start, row.events) for row in rows]

    assert series("month") == [
        (date(2026, 3, 1), 2),
        (date(2026, 4, 1), 4),
        (date(2026, 5, 1), 3),
        (date(2026, 6, 1), 1),
    ]
    assert series("quarter") == [(date(2026, 1, 1), 2), (date(2026, 4, 1), 8)]
    assert series("year") == [(date(2026, 1, 1), 10)]
    weeks = series("week", date(2026, 4, 5))
    assert weeks == [
        (date(2026, 3, 9), 0),
        (date(2026, 3, 16), 1),
        (date(2026, 3, 23), 1),
        (date(2026, 3, 30), 1),
    ]
    days = series("day", date(2026, 3, 20))
    assert [count for _, count in days] == [0, 0, 0, 0, 1, 0]
    with pytest.raises(InvalidValue):
        series("fortnight")


def test_trends_compare_with_the_period_before(
    queries: Any, seeded: Connection
) -> None:
    """001-11"""
    trending = queries.events.stats.trending_topics(
        seeded, date_from=date(2026, 4, 15), date_to=date(2026, 5, 31), limit_rows=None
    )
    numbers = {
        row.name: (row.events, row.events_before, row.growth) for row in trending
    }
    assert numbers["Machine learning"] == (2, 3, pytest.approx(-1 / 3))
    assert numbers["Robotics"] == (1, 1, 0.0)
    assert numbers["Panel"] == (1, 0, None)
    counts = [row.events for row in trending]
    assert counts == sorted(counts, reverse=True)
    assert trending[0].name == "Machine learning"
    assert "Digital health" in numbers


def test_popular_topics_have_most_events(queries: Any, seeded: Connection) -> None:
    """001-11"""
    found = queries.events.stats.popular_topics(seeded, limit_rows=2)
    assert [(row.name, row.events) for row in found] == [
        ("Machine learning", 5),
        ("Application security", 3),
    ]
    assert found[0].mean_relevance == pytest.approx((0.8 + 0.7 + 0.85 + 0.55 + 0.6) / 5)


def test_active_speakers_count_an_event_once(queries: Any, seeded: Connection) -> None:
    """001-11"""
    found = queries.events.stats.active_speakers(
        seeded, date_from=date(2026, 1, 1), date_to=date(2026, 12, 31), limit_rows=2
    )
    assert [(row.name, row.events) for row in found] == [
        ("Hannah Kim", 4),
        ("Oliver Grant", 3),
    ]
    assert (found[0].first_date, found[0].last_date) == (
        date(2026, 3, 26),
        date(2026, 6, 4),
    )


# --- recommendations ------------------------------------------------------------------


def test_events_are_recommended_by_topics_taste_and_acquaintances(
    queries: Any, seeded: Connection
) -> None:
    """001-02"""
    recommend = queries.events.recommend.recommend_events
    found = recommend(
        seeded,
        topics=["robotics"],
        location=None,
        seen=[event(1)],
        limit_rows=5,
    )
    best = found[0]
    assert best.id == event(8)
    assert event(1) not in ids(found)
    assert best.topic_score == pytest.approx(0.95)
    assert best.graph_score == pytest.approx(1 - 1 / 4)
    assert best.score == pytest.approx(
        0.4 * best.topic_score + 0.4 * best.vector_score + 0.2 * best.graph_score
    )
    berlin = recommend(
        seeded, topics=["climate"], location="berlin", seen=None, limit_rows=None
    )
    assert ids(berlin) == [event(6), event(12)]
    assert berlin[0].vector_score == 0
    assert recommend(seeded, topics=[], location=None, seen=[], limit_rows=0) == []


def test_speakers_are_recommended_who_speak_to_the_topics_elsewhere(
    queries: Any, seeded: Connection
) -> None:
    """001-02"""
    found = queries.events.recommend.recommend_speakers(
        seeded, event_id=event(8), limit_rows=None
    )
    assert found[0].id == speaker(1)
    assert found[0].shared_topics == 2
    assert found[0].shared_events == 1
    assert found[0].score == pytest.approx((0.95 * 0.95 + 0.8 * 0.55) * 1.1)
    assert speaker(8) not in ids(found)
    assert speaker(16) not in ids(found)
    scores = [row.score for row in found]
    assert scores == sorted(scores, reverse=True)
    few = queries.events.recommend.recommend_speakers(
        seeded, event_id=event(8), limit_rows=2
    )
    assert few == found[:2]
