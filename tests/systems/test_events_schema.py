"""The tables of `events`: what they hold, what they refuse, what they index."""

from __future__ import annotations

from typing import Any, LiteralString, TypeAlias

import numpy as np
import psycopg
import pytest
from psycopg import errors

from tests.systems.catalogs import keys_without_index, rules
from tests.systems.rows import seed_id, value

Connection: TypeAlias = psycopg.Connection[Any]

DIMENSIONS = 1536


def column(
    connection: Connection, statement: LiteralString, *parameters: object
) -> list[Any]:
    return [row[0] for row in connection.execute(statement, parameters or None)]


# Each breaks one constraint on the development seed, and no other.
VIOLATIONS: dict[str, LiteralString] = {
    "events_pkey": """
        INSERT INTO events.events (id, name)
        SELECT event.id, 'again' FROM events.events AS event
    """,
    "events_luma_url_key": """
        INSERT INTO events.events (name, luma_url)
        VALUES ('again', 'https://lu.ma/climate-hack-weekend')
    """,
    "events_name_check": "INSERT INTO events.events (name) VALUES (E' \\t')",
    "events_date_check": """
        INSERT INTO events.events (name, date) VALUES ('old', '1899-12-31')
    """,
    "events_luma_url_check": """
        INSERT INTO events.events (name, luma_url)
        VALUES ('elsewhere', 'https://example.org/lu.ma/x')
    """,
    "events_raw_html_check": """
        INSERT INTO events.events (name, raw_html) VALUES ('big', repeat('x', 1000001))
    """,
    "events_extracted_data_check": """
        INSERT INTO events.events (name, extracted_data) VALUES ('list', '[]')
    """,
    "events_embedding_check": """
        UPDATE events.events SET embedding = array_fill(0, ARRAY[1536])::real[]::vector
    """,
    "events_data_quality_score_check": """
        UPDATE events.events SET data_quality_score = 101
    """,
    "events_claimed_by_claimed_until_check": """
        UPDATE events.events SET claimed_by = 'w1'
    """,
    "companies_pkey": """
        INSERT INTO events.companies (id, name)
        SELECT company.id, company.name || ' again' FROM events.companies AS company
    """,
    "companies_normalized_name_key": """
        INSERT INTO events.companies (name) VALUES ('  HELIO   Grid. ')
    """,
    "companies_lower_domain_key": """
        INSERT INTO events.companies (name, domain) VALUES ('X', 'HELIOGRID.example')
    """,
    "companies_domain_check": """
        INSERT INTO events.companies (name, domain) VALUES ('X', 'https://x.example')
    """,
    "speakers_pkey": """
        INSERT INTO events.speakers (id, name)
        SELECT speaker.id, 'again' FROM events.speakers AS speaker LIMIT 1
    """,
    "speakers_normalized_name_normalized_company_key": """
        INSERT INTO events.speakers (name) VALUES ('OLIVER GRANT!')
    """,
    "speakers_merged_into_fkey": """
        UPDATE events.speakers SET merged_into = gen_random_uuid()
    """,
    "speakers_merged_into_check": "UPDATE events.speakers SET merged_into = id",
    "speakers_confidence_score_check": """
        UPDATE events.speakers SET confidence_score = 1.01
    """,
    "speakers_embedding_check": """
        UPDATE events.speakers
        SET embedding = array_fill(0, ARRAY[1536])::real[]::vector
    """,
    "topics_pkey": """
        INSERT INTO events.topics (id, name)
        SELECT topic.id, topic.name || ' again' FROM events.topics AS topic
    """,
    "topics_name_check": "INSERT INTO events.topics (name) VALUES ('')",
    "topics_lower_name_key": "INSERT INTO events.topics (name) VALUES ('POSTGRESQL')",
    "event_speakers_pkey": """
        INSERT INTO events.event_speakers (event_id, speaker_id, role)
        SELECT link.event_id, link.speaker_id, link.role
        FROM events.event_speakers AS link
    """,
    "event_speakers_event_id_fkey": """
        INSERT INTO events.event_speakers (event_id, speaker_id)
        SELECT gen_random_uuid(), speaker.id FROM events.speakers AS speaker
    """,
    "event_speakers_speaker_id_fkey": """
        INSERT INTO events.event_speakers (event_id, speaker_id)
        SELECT event.id, gen_random_uuid() FROM events.events AS event
    """,
    "event_speakers_extraction_confidence_check": """
        UPDATE events.event_speakers SET extraction_confidence = -0.1
    """,
    "event_companies_pkey": """
        INSERT INTO events.event_companies (event_id, company_id, relationship_type)
        SELECT link.event_id, link.company_id, link.relationship_type
        FROM events.event_companies AS link
    """,
    "event_companies_event_id_fkey": """
        INSERT INTO events.event_companies (event_id, company_id, relationship_type)
        SELECT gen_random_uuid(), company.id, 'host' FROM events.companies AS company
    """,
    "event_companies_company_id_fkey": """
        INSERT INTO events.event_companies (event_id, company_id, relationship_type)
        SELECT event.id, gen_random_uuid(), 'host' FROM events.events AS event
    """,
    "event_topics_pkey": """
        INSERT INTO events.event_topics (event_id, topic_id)
        SELECT link.event_id, link.topic_id FROM events.event_topics AS link
    """,
    "event_topics_event_id_fkey": """
        INSERT INTO events.event_topics (event_id, topic_id)
        SELECT gen_random_uuid(), topic.id FROM events.topics AS topic
    """,
    "event_topics_topic_id_fkey": """
        INSERT INTO events.event_topics (event_id, topic_id)
        SELECT event.id, gen_random_uuid() FROM events.events AS event
    """,
    "event_topics_relevance_score_check": """
        UPDATE events.event_topics SET relevance_score = 1.5
    """,
    "dedupe_reviews_pkey": """
        INSERT INTO events.dedupe_reviews (
            id, entity_kind, left_id, right_id, confidence
        )
        SELECT review.id, 'company', review.left_id, review.right_id, 0.8
        FROM events.dedupe_reviews AS review
    """,
    "dedupe_reviews_entity_kind_left_id_right_id_key": """
        INSERT INTO events.dedupe_reviews (entity_kind, left_id, right_id, confidence)
        SELECT review.entity_kind, review.left_id, review.right_id, 0.8
        FROM events.dedupe_reviews AS review
    """,
    "dedupe_reviews_entity_kind_check": """
        UPDATE events.dedupe_reviews SET entity_kind = 'topic'
    """,
    "dedupe_reviews_left_id_right_id_check": """
        UPDATE events.dedupe_reviews SET left_id = right_id
    """,
    "dedupe_reviews_confidence_check": """
        UPDATE events.dedupe_reviews SET confidence = 1.1
    """,
    "dedupe_reviews_status_check": """
        UPDATE events.dedupe_reviews SET status = 'open', decided_at = now()
    """,
    "dedupe_reviews_evidence_check": """
        UPDATE events.dedupe_reviews SET evidence = '"similar"'
    """,
    "dedupe_reviews_claimed_by_claimed_until_check": """
        UPDATE events.dedupe_reviews SET claimed_until = now()
    """,
    "dedupe_reviews_status_decided_at_check": """
        UPDATE events.dedupe_reviews SET status = 'merged'
    """,
}


@pytest.mark.parametrize("constraint", VIOLATIONS)
def test_a_row_that_breaks_a_rule_is_refused(
    seeded: Connection, constraint: str
) -> None:
    """001-07"""
    with pytest.raises(errors.IntegrityError) as caught:
        seeded.execute(VIOLATIONS[constraint])
    assert caught.value.diag.constraint_name == constraint


def test_every_constraint_has_a_row_that_breaks_it(connection: Connection) -> None:
    """001-07"""
    assert rules(connection, "events") == set(VIOLATIONS)


@pytest.mark.parametrize("table", ["companies", "speakers"])
def test_a_name_of_punctuation_alone_is_refused(
    connection: Connection, table: str
) -> None:
    """001-07"""
    statements: dict[str, LiteralString] = {
        "companies": "INSERT INTO events.companies (name) VALUES ('?!')",
        "speakers": "INSERT INTO events.speakers (name) VALUES ('…')",
    }
    with pytest.raises(errors.NotNullViolation) as caught:
        connection.execute(statements[table])
    assert caught.value.diag.column_name == "normalized_name"


def test_short_html_is_refused_and_a_page_is_kept(own: Connection) -> None:
    """001-07"""
    with pytest.raises(errors.CheckViolation) as caught:
        own.execute(
            "INSERT INTO events.events (name, raw_html) VALUES ('x', repeat('x', 99))"
        )
    assert caught.value.diag.constraint_name == "events_raw_html_check"
    own.execute(
        "INSERT INTO events.events (name, raw_html) VALUES ('x', repeat('x', 100))"
    )


def test_all_seven_tables_are_there(connection: Connection) -> None:
    """001-02"""
    tables = column(
        connection, "SELECT tablename FROM pg_tables WHERE schemaname = 'events'"
    )
    assert {
        "events",
        "speakers",
        "companies",
        "topics",
        "event_speakers",
        "event_companies",
        "event_topics",
    } <= set(tables)


def test_vector_and_age_are_installed_with_the_graph(connection: Connection) -> None:
    """001-01"""
    extensions = column(connection, "SELECT extname FROM pg_extension")
    assert {"vector", "age"} <= set(extensions)
    assert column(connection, "SELECT name::text FROM ag_catalog.ag_graph") == [
        "event_network"
    ]


def test_the_seeds_indexes_have_their_names_and_methods(connection: Connection) -> None:
    """001-09"""
    indexes = dict(
        connection.execute(
            """
            SELECT
                index.relname,
                method.amname || ' ' || pg_get_indexdef(index.oid, 1, true)
            FROM pg_catalog.pg_class AS index
            INNER JOIN pg_catalog.pg_am AS method
                ON method.oid = index.relam
            WHERE index.relnamespace = 'events'::regnamespace
                AND index.relname LIKE 'idx%'
            """
        ).fetchall()
    )
    assert indexes == {
        "idx_events_embedding": "hnsw embedding",
        "idx_events_fts": "gin fts",
        "idx_event_speakers_event": "btree event_id",
        "idx_event_speakers_speaker": "btree speaker_id",
    }


def test_every_foreign_key_leads_an_index(connection: Connection) -> None:
    """001-09"""
    assert keys_without_index(connection, "events") == []


def test_similarity_search_reads_the_vector_index(seeded: Connection) -> None:
    """001-07"""
    seeded.execute("SET enable_seqscan = off")
    seeded.execute("SET enable_sort = off")
    plan = column(
        seeded,
        """
        EXPLAIN (COSTS OFF)
        SELECT event.id
        FROM events.events AS event
        ORDER BY event.embedding <=> %s
        LIMIT 5
        """,
        np.ones(DIMENSIONS, dtype=np.float32),
    )
    assert any("idx_events_embedding" in line for line in plan)


def test_text_search_reads_its_index_and_finds_a_row_without_description(
    connection: Connection,
) -> None:
    """001-09"""
    connection.execute(
        "INSERT INTO events.events (name, location) VALUES ('Quiet meetup', 'Paris')"
    )
    connection.execute("SET enable_seqscan = off")
    plan = column(
        connection,
        """
        EXPLAIN (COSTS OFF)
        SELECT event.id
        FROM events.events AS event
        WHERE event.fts @@ websearch_to_tsquery('english', 'meetup')
        """,
    )
    assert any("idx_events_fts" in line for line in plan)
    for word in ("meetups", "paris"):
        found = value(
            connection,
            """
            SELECT count(*)
            FROM events.events AS event
            WHERE event.fts @@ websearch_to_tsquery('english', %s)
            """,
            word,
        )
        assert found == 1


@pytest.mark.parametrize(
    ("name", "normalized"),
    [
        ("  Ada   LOVELACE ", "ada lovelace"),
        ("O\u2019Brien, Inc.", "obrien inc"),
        ("Jean-Luc", "jeanluc"),
        ("Castle & Key\tSecurity", "castle key security"),
        ("José Ñandú", "josé ñandú"),
        ("¿Qué?", "¿qué"),
        (" -- ", None),
        (None, None),
    ],
)
def test_names_are_compared_in_lower_case_without_punctuation(
    connection: Connection, name: str | None, normalized: str | None
) -> None:
    """001-07"""
    assert value(connection, "SELECT events.normalize_name(%s)", name) == normalized


def test_generated_columns_work_under_an_empty_search_path(
    connection: Connection,
) -> None:
    """001-07"""
    connection.execute("SET search_path = ''")
    connection.execute("INSERT INTO events.events (name) VALUES ('A night of SQL')")
    connection.execute("INSERT INTO events.companies (name) VALUES ('Acme, Inc.')")
    connection.execute(
        "INSERT INTO events.speakers (name, company) VALUES ('Ada', 'ACME Inc')"
    )
    connection.execute("UPDATE events.speakers SET name = 'Ada L.'")
    names = connection.execute(
        """
        SELECT speaker.normalized_name, company.normalized_name
        FROM events.speakers AS speaker
        INNER JOIN events.companies AS company
            ON company.normalized_name = speaker.normalized_company
        """
    ).fetchone()
    assert names == ("ada l", "acme inc")


def test_a_change_moves_updated_at(seeded: Connection) -> None:
    """001-02"""
    statements: tuple[LiteralString, ...] = (
        "UPDATE events.events SET location = 'Oslo' RETURNING updated_at > created_at",
        "UPDATE events.companies SET industry = 'X' RETURNING updated_at > created_at",
        "UPDATE events.speakers SET bio = 'X' RETURNING updated_at > created_at",
    )
    for statement in statements:
        assert set(column(seeded, statement)) == {True}


def test_links_go_with_either_of_their_ends(seeded: Connection) -> None:
    """001-02"""
    seeded.execute("DELETE FROM events.events WHERE id = %s", [seed_id("e", 1)])
    seeded.execute("DELETE FROM events.speakers WHERE id = %s", [seed_id("5", 9)])
    seeded.execute("DELETE FROM events.companies WHERE id = %s", [seed_id("c", 3)])
    seeded.execute("DELETE FROM events.topics WHERE id = %s", [seed_id("7", 4)])
    left = value(
        seeded,
        """
        SELECT
            (
                SELECT count(*)
                FROM events.event_speakers AS link
                WHERE link.event_id = %s OR link.speaker_id = %s
            )
            + (
                SELECT count(*)
                FROM events.event_companies AS link
                WHERE link.event_id = %s OR link.company_id = %s
            )
            + (
                SELECT count(*)
                FROM events.event_topics AS link
                WHERE link.event_id = %s OR link.topic_id = %s
            )
        """,
        seed_id("e", 1),
        seed_id("5", 9),
        seed_id("e", 1),
        seed_id("c", 3),
        seed_id("e", 1),
        seed_id("7", 4),
    )
    assert left == 0
    assert value(seeded, "SELECT count(*) FROM events.events") == 12


def test_a_merged_speaker_is_free_again_when_the_kept_one_goes(
    seeded: Connection,
) -> None:
    """001-02"""
    keep, drop = seed_id("5", 1), seed_id("5", 16)
    seeded.execute(
        "UPDATE events.speakers SET merged_into = %s WHERE id = %s", [keep, drop]
    )
    seeded.execute("DELETE FROM events.speakers WHERE id = %s", [keep])
    merged_into = "SELECT merged_into FROM events.speakers WHERE id = %s"
    assert value(seeded, merged_into, drop) is None


@pytest.mark.parametrize(
    ("arguments", "score"),
    [
        ((None, None, None, False, 0, 0, 0), 10),
        (("short", None, " ", False, 0, 0, 0), 20),
        (("x" * 100, "2026-01-01", "Oslo", True, 1, 2, 3), 100),
        (("x" * 100, "2026-01-01", None, True, 1, 0, 3), 75),
    ],
)
def test_quality_is_the_share_of_what_is_known(
    connection: Connection, arguments: tuple[object, ...], score: int
) -> None:
    """001-07"""
    statement: LiteralString = (
        "SELECT events.quality_score(%s::text, %s::date, %s::text, %s, %s, %s, %s)"
    )
    assert value(connection, statement, *arguments) == score


def test_the_seed_holds_what_a_developer_needs(seeded: Connection) -> None:
    """001-12"""
    counts = seeded.execute(
        """
        SELECT
            (SELECT count(*) FROM events.events),
            (SELECT count(*) FROM events.speakers),
            (SELECT count(*) FROM events.companies),
            (SELECT count(*) FROM events.topics),
            (SELECT count(DISTINCT role) FROM events.event_speakers),
            (SELECT count(DISTINCT relationship_type) FROM events.event_companies),
            (SELECT count(DISTINCT category) FROM events.topics),
            (SELECT count(*) FROM events.dedupe_reviews WHERE status = 'pending'),
            (SELECT count(*) FROM events.events WHERE processed_at IS NULL),
            (SELECT count(*) FROM events.events WHERE embedding IS NOT NULL)
        """
    ).fetchone()
    assert counts == (13, 16, 8, 10, 4, 4, 3, 1, 1, 12)
