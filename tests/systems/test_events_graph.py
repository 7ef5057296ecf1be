"""The graph `event_network`: in step with the tables, and answering as they do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any, LiteralString, TypeAlias
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors, sql
from psycopg.types.json import Jsonb

from drystone.database.agtype import Agtype
from drystone.database.session import connect
from drystone.errors import DeadlockDetected, LockNotAvailable
from drystone.settings import Settings
from tests.systems.events_seed import company, event, speaker, topic
from tests.systems.rows import value
from tests.systems.sessions import at_once

Connection: TypeAlias = psycopg.Connection[Any]

LABELS = [
    "Event",
    "Speaker",
    "Company",
    "Topic",
    "SPEAKS_AT",
    "INVOLVED_IN",
    "COVERS",
    "WORKS_FOR",
]


def drift(queries: Any, connection: Connection) -> dict[str, tuple[int, int, int]]:
    """What is missing, too much and stale, by label, where anything is."""
    rows = queries.events.graph.graph_drift(connection)
    assert [row.label for row in rows] == LABELS
    found = {row.label: (row.missing, row.extra, row.stale) for row in rows}
    return {label: counts for label, counts in found.items() if any(counts)}


def sizes(queries: Any, connection: Connection) -> dict[str, int]:
    """How many entries the graph holds, by label."""
    rows = queries.events.graph.graph_drift(connection)
    return {row.label: row.graph for row in rows}


def edges(connection: Connection, speaker_id: UUID) -> list[tuple[str, str | None]]:
    """The edges of a speaker, with their role."""
    return connection.execute(
        """
        SELECT
            found.label::text,
            found.role::text
        FROM ag_catalog.cypher('event_network', $$
            MATCH (n:Speaker)-[r]->()
            WHERE n.id = $id
            RETURN label(r), r.role
        $$, %s) AS found (label ag_catalog.agtype, role ag_catalog.agtype)
        ORDER BY 1, 2
        """,
        [Agtype({"id": str(speaker_id)})],
    ).fetchall()


# --- In step --------------------------------------------------------------------------


def test_the_seed_is_in_the_graph(queries: Any, seeded: Connection) -> None:
    """001-01"""
    assert drift(queries, seeded) == {}
    assert sizes(queries, seeded) == {
        "Event": 13,
        "Speaker": 16,
        "Company": 8,
        "Topic": 10,
        "SPEAKS_AT": 33,
        "INVOLVED_IN": 25,
        "COVERS": 25,
        "WORKS_FOR": 14,
    }


def test_cypher_reads_what_the_tables_hold(seeded: Connection) -> None:
    """001-01"""
    seeded.execute(
        """
        UPDATE events.events SET name = 'The "big" \\ one', date = NULL WHERE id = %s
        """,
        [event(5)],
    )
    found = seeded.execute(
        """
        SELECT
            found.name::text,
            found.date::text,
            found.role::text,
            found.confidence::double precision,
            found.topic::text,
            found.category::text
        FROM ag_catalog.cypher('event_network', $$
            MATCH (s:Speaker)-[r:SPEAKS_AT]->(e:Event)-[:COVERS]->(t:Topic)
            WHERE s.id = $id AND t.category = 'format'
            RETURN e.name, e.date, r.role, r.confidence, t.name, t.category
        $$, %s) AS found (
            name ag_catalog.agtype,
            date ag_catalog.agtype,
            role ag_catalog.agtype,
            confidence ag_catalog.agtype,
            topic ag_catalog.agtype,
            category ag_catalog.agtype
        )
        ORDER BY found.name::text
        """,
        [Agtype({"id": str(speaker(13))})],
    ).fetchall()
    assert found == [
        ("Secure by Default", "2026-06-04", "panelist", 0.9, "Panel", "format"),
        ('The "big" \\ one', None, "speaker", 0.93, "Workshop", "format"),
    ]


def test_a_vertex_is_found_by_its_index(seeded: Connection) -> None:
    """001-09"""
    seeded.execute("SET enable_seqscan = off")
    plan = seeded.execute(
        """
        EXPLAIN (COSTS OFF)
        SELECT found.name
        FROM ag_catalog.cypher('event_network', $$
            MATCH (n:Speaker)
            WHERE n.id = $id
            RETURN n.name
        $$, %s) AS found (name ag_catalog.agtype)
        """,
        [Agtype({"id": str(speaker(1))})],
    ).fetchall()
    assert any("speaker_id_key" in line for (line,) in plan)


CHANGES: dict[str, LiteralString] = {
    "an event is renamed": "UPDATE events.events SET name = name || ' II'",
    "a date is moved": "UPDATE events.events SET date = date + 1",
    "a date is forgotten": "UPDATE events.events SET date = NULL",
    "events go": "DELETE FROM events.events WHERE location = 'London'",
    "a speaker is renamed": "UPDATE events.speakers SET name = name || ' Jr'",
    "speakers change their company": "UPDATE events.speakers SET company = 'Open Quay'",
    "speakers leave their company": "UPDATE events.speakers SET company = NULL",
    "speakers go": "DELETE FROM events.speakers WHERE company = 'Blue Ledger'",
    "companies are renamed": "UPDATE events.companies SET name = 'New ' || name",
    "a company's spelling changes": "UPDATE events.companies SET name = upper(name)",
    "companies go": "DELETE FROM events.companies WHERE industry = 'Venues'",
    "topics are renamed": "UPDATE events.topics SET name = name || '!'",
    "topics lose their category": "UPDATE events.topics SET category = NULL",
    "topics go": "DELETE FROM events.topics WHERE category = 'technology'",
    "roles change": """
        UPDATE events.event_speakers SET role = 'judge' WHERE role = 'host'
    """,
    "confidence changes": """
        UPDATE events.event_speakers
        SET extraction_confidence = 1 - extraction_confidence
    """,
    "links move to another event": """
        UPDATE events.event_topics
        SET event_id = '01900000-0000-7000-8000-e0000000000d'
        WHERE event_id = '01900000-0000-7000-8000-e00000000001'
    """,
    "relationships change": """
        UPDATE events.event_companies SET relationship_type = 'partner'
        WHERE relationship_type = 'sponsor'
    """,
    "relevance changes": "UPDATE events.event_topics SET relevance_score = 0.123",
    "links go": "DELETE FROM events.event_topics WHERE relevance_score < 0.8",
    "speakers are merged": """
        UPDATE events.speakers SET merged_into = '01900000-0000-7000-8000-500000000001'
        WHERE id <> '01900000-0000-7000-8000-500000000001' AND company IS NOT NULL
    """,
    "an unlinked event changes its id": """
        UPDATE events.events SET id = gen_random_uuid()
        WHERE id = '01900000-0000-7000-8000-e0000000000d'
    """,
    "nothing changes": "UPDATE events.events SET name = name",
    "link tables are truncated": "TRUNCATE events.event_speakers, events.event_topics",
    "speakers are truncated": "TRUNCATE events.speakers CASCADE",
    "companies are truncated": "TRUNCATE events.companies CASCADE",
    "topics are truncated": "TRUNCATE events.topics CASCADE",
    "everything is truncated": """
        TRUNCATE events.events, events.speakers, events.companies, events.topics CASCADE
    """,
}


@pytest.mark.parametrize("change", CHANGES)
def test_the_graph_follows_when(queries: Any, seeded: Connection, change: str) -> None:
    """001-01"""
    before = sizes(queries, seeded)
    seeded.execute(CHANGES[change])
    assert drift(queries, seeded) == {}
    if "truncated" in change or change.endswith("go"):
        assert sizes(queries, seeded) != before


def test_a_change_that_is_rolled_back_leaves_no_trace(
    queries: Any, seeded: Connection
) -> None:
    """001-01"""
    before = edges(seeded, speaker(9))
    with seeded.transaction(force_rollback=True):
        seeded.execute("DELETE FROM events.events")
        assert edges(seeded, speaker(9)) == [("WORKS_FOR", None)]
    assert edges(seeded, speaker(9)) == before
    assert drift(queries, seeded) == {}


def test_a_merged_speaker_leaves_the_graph_and_comes_back(
    queries: Any, seeded: Connection
) -> None:
    """001-01"""
    assert edges(seeded, speaker(9)) == [
        ("SPEAKS_AT", "panelist"),
        ("SPEAKS_AT", "panelist"),
        ("SPEAKS_AT", "speaker"),
        ("SPEAKS_AT", "speaker"),
        ("WORKS_FOR", None),
    ]
    before = edges(seeded, speaker(9))
    seeded.execute(
        "UPDATE events.speakers SET merged_into = %s WHERE id = %s",
        [speaker(3), speaker(9)],
    )
    assert edges(seeded, speaker(9)) == []
    seeded.execute(
        "UPDATE events.speakers SET merged_into = NULL WHERE id = %s", [speaker(9)]
    )
    assert edges(seeded, speaker(9)) == before
    assert drift(queries, seeded) == {}


def test_the_named_queries_keep_the_graph_in_step(
    queries: Any, seeded: Connection
) -> None:
    """001-01"""
    queries.events.ingest.link_event(
        seeded,
        event_id=event(13),
        speakers=Jsonb([{"name": "Eva Lund", "company": "Ward Nine"}]),
        companies=Jsonb([{"name": "Ward Nine", "relationship": "host"}]),
        topics=Jsonb([{"name": "Nursing", "relevance": 0.5}]),
    )
    assert drift(queries, seeded) == {}
    assert sizes(queries, seeded)["WORKS_FOR"] == 15
    dedupe = queries.events.dedupe
    for merge, keep, drop in (
        (dedupe.merge_speakers, speaker(1), speaker(16)),
        (dedupe.merge_companies, company(2), company(8)),
        (dedupe.merge_events, event(12), event(6)),
    ):
        assert merge(seeded, keep_id=keep, drop_id=drop) is not None
        assert drift(queries, seeded) == {}
    after = sizes(queries, seeded)
    assert (after["Event"], after["Speaker"], after["Company"]) == (12, 16, 8)


# Each takes a number that picks a row.
STEPS: list[LiteralString] = [
    "INSERT INTO events.events (name) SELECT 'Event ' || %(pick)s",
    """
    INSERT INTO events.speakers (name, company)
    SELECT 'Speaker ' || %(pick)s, 'Company ' || %(pick)s %% 4
    ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO events.companies (name) SELECT 'Company ' || %(pick)s %% 4
    ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO events.topics (name) SELECT 'Topic ' || %(pick)s %% 5
    ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO events.event_speakers (event_id, speaker_id, role)
    SELECT event.id, speaker.id, 'host'
    FROM events.events AS event
    CROSS JOIN events.speakers AS speaker
    WHERE hashtext(event.id::text || speaker.id::text || %(pick)s) %% 3 = 0
    ON CONFLICT (event_id, speaker_id, role) DO UPDATE SET extraction_confidence = 0.75
    """,
    """
    INSERT INTO events.event_companies (event_id, company_id, relationship_type)
    SELECT event.id, company.id, 'sponsor'
    FROM events.events AS event
    CROSS JOIN events.companies AS company
    WHERE hashtext(event.id::text || company.id::text || %(pick)s) %% 3 = 0
    ON CONFLICT DO NOTHING
    """,
    """
    INSERT INTO events.event_topics (event_id, topic_id, relevance_score)
    SELECT event.id, topic.id, 0.5
    FROM events.events AS event
    CROSS JOIN events.topics AS topic
    WHERE hashtext(event.id::text || topic.id::text || %(pick)s) %% 3 = 0
    ON CONFLICT (event_id, topic_id) DO UPDATE SET relevance_score = 0.25
    """,
    """
    UPDATE events.events SET name = 'Renamed ' || %(pick)s
    WHERE id = (SELECT id FROM events.events ORDER BY id OFFSET %(pick)s %% 9 LIMIT 1)
    """,
    """
    UPDATE events.speakers SET company = 'Company ' || %(pick)s %% 4
    WHERE id = (SELECT id FROM events.speakers ORDER BY id OFFSET %(pick)s %% 9 LIMIT 1)
        AND NOT EXISTS (
            SELECT
            FROM events.speakers AS namesake
            WHERE namesake.normalized_company = 'company ' || %(pick)s %% 4
                AND namesake.normalized_name = speakers.normalized_name
        )
    """,
    """
    UPDATE events.companies SET name = 'Company ' || 4 + %(pick)s
    WHERE id = (
        SELECT id FROM events.companies ORDER BY id OFFSET %(pick)s %% 9 LIMIT 1
    )
        AND NOT EXISTS (
            SELECT
            FROM events.companies AS namesake
            WHERE namesake.normalized_name = 'company ' || 4 + %(pick)s
        )
    """,
    """
    UPDATE events.speakers AS speaker
    SET merged_into = CASE WHEN speaker.merged_into IS NULL THEN kept.id END
    FROM (SELECT id FROM events.speakers ORDER BY id LIMIT 1) AS kept
    WHERE speaker.id <> kept.id
        AND hashtext(speaker.id::text || %(pick)s) %% 4 = 0
    """,
    """
    DELETE FROM events.event_speakers
    WHERE hashtext(event_id::text || speaker_id::text || %(pick)s) %% 4 = 0
    """,
    """
    DELETE FROM events.events
    WHERE id = (SELECT id FROM events.events ORDER BY id OFFSET %(pick)s %% 9 LIMIT 1)
    """,
    """
    DELETE FROM events.speakers
    WHERE id = (SELECT id FROM events.speakers ORDER BY id OFFSET %(pick)s %% 9 LIMIT 1)
    """,
    """
    DELETE FROM events.companies
    WHERE id = (
        SELECT id FROM events.companies ORDER BY id OFFSET %(pick)s %% 9 LIMIT 1
    )
    """,
    """
    DELETE FROM events.topics
    WHERE id = (SELECT id FROM events.topics ORDER BY id OFFSET %(pick)s %% 9 LIMIT 1)
    """,
]
GROWING = STEPS[:7]


@pytest.mark.parametrize("number", range(4))
def test_the_graph_stays_in_step_through_any_sequence_of_changes(
    queries: Any, connection: Connection, number: int
) -> None:
    """001-13"""
    random = Random(number)
    seen: dict[str, int] = dict.fromkeys(LABELS, 0)
    for _ in range(80):
        step = random.choice(STEPS if random.random() < 0.6 else GROWING)
        connection.execute(step, {"pick": random.randrange(1000)})
        assert drift(queries, connection) == {}, step
        for label, count in sizes(queries, connection).items():
            seen[label] = max(seen[label], count)
    assert all(seen.values())


def test_a_thousand_rows_arrive_by_copy_and_are_in_the_graph(
    queries: Any, connection: Connection
) -> None:
    """001-12"""
    names = [(uuid4(), f"Speaker {number}") for number in range(1000)]
    for statement in (
        "COPY events.speakers (id, name) FROM STDIN",
        "COPY events.events (id, name) FROM STDIN",
    ):
        with connection.cursor().copy(statement) as copy:
            for row in names:
                copy.write_row(row)
    links = "COPY events.event_speakers (event_id, speaker_id) FROM STDIN"
    with connection.cursor().copy(links) as copy:
        for key, _ in names:
            copy.write_row((key, key))
    assert drift(queries, connection) == {}
    assert sizes(queries, connection)["SPEAKS_AT"] == 1000


# --- Several writers ------------------------------------------------------------------


def test_writers_at_the_same_time_leave_the_graph_in_step(
    queries: Any, own: Connection, database_url: str
) -> None:
    """001-13"""
    writers = 6
    own.execute("INSERT INTO events.events (id, name) VALUES (%s, 'Fair')", [event(1)])

    def link(session: Connection, random: Random) -> None:
        firm = f"Firm {random.randrange(4)}"
        queries.events.ingest.link_event(
            session,
            event_id=event(1),
            speakers=Jsonb(
                [
                    {
                        "name": f"Person {random.randrange(12)}",
                        "company": firm,
                        "confidence": round(random.random(), 2),
                    }
                ]
            ),
            companies=Jsonb([{"name": firm, "relationship": "host"}]),
            topics=Jsonb([{"name": f"Topic {random.randrange(4)}"}]),
        )

    def forget(session: Connection, random: Random) -> None:
        session.execute(
            "DELETE FROM events.companies WHERE normalized_name = %s",
            [f"firm {random.randrange(4)}"],
        )

    def dismiss(session: Connection, random: Random) -> None:
        session.execute(
            "DELETE FROM events.speakers WHERE normalized_name = %s",
            [f"person {random.randrange(12)}"],
        )

    def merge(session: Connection, random: Random) -> None:
        pair = session.execute(
            """
            SELECT speaker.id
            FROM events.speakers AS speaker
            WHERE speaker.merged_into IS NULL
            ORDER BY speaker.id
            LIMIT 2
            OFFSET %s
            """,
            [random.randrange(6)],
        ).fetchall()
        if len(pair) == 2:
            queries.events.dedupe.merge_speakers(
                session, keep_id=pair[0][0], drop_id=pair[1][0]
            )

    def work(session: Connection, *, seed: int) -> int:
        random = Random(seed)
        done = 0
        for _ in range(30):
            step = random.choice([link, link, link, forget, dismiss, merge])
            try:
                step(session, random)
            except (DeadlockDetected, errors.DeadlockDetected):
                continue
            done += 1
        return done

    work_of_all = [partial(work, seed=number) for number in range(writers)]
    done = sum(at_once(database_url, work_of_all))
    assert done > writers * 10
    assert drift(queries, own) == {}
    assert sizes(queries, own)["SPEAKS_AT"] > 0


@pytest.mark.parametrize(
    ("statement", "connected"),
    [
        ("INSERT INTO events.speakers (name, company) VALUES ('Bob', 'Acme')", 2),
        ("UPDATE events.speakers SET company = 'Acme, Ltd'", 0),
        ("UPDATE events.speakers SET company = NULL", 0),
        ("DELETE FROM events.speakers", 0),
    ],
)
def test_a_company_that_is_added_waits_for_changes_of_its_people(
    queries: Any,
    own: Connection,
    database_url: str,
    statement: LiteralString,
    connected: int,
) -> None:
    """001-13"""
    add_company = "INSERT INTO events.companies (name) VALUES ('ACME')"
    own.execute("INSERT INTO events.speakers (name, company) VALUES ('Ada', 'Acme')")
    with connect(database_url, Settings()) as other:
        with other.transaction():
            other.execute(statement)
            own.execute("SET lock_timeout = '50ms'")
            # It would not see what the other session does to its people.
            with pytest.raises(errors.LockNotAvailable):
                own.execute(add_company)
        own.execute(add_company)
    assert drift(queries, own) == {}
    assert sizes(queries, own)["WORKS_FOR"] == connected


def test_a_link_that_changes_waits_for_the_merge_of_its_speaker(
    queries: Any, own_seeded: Connection, seeded_url: str
) -> None:
    """001-13"""
    change = "UPDATE events.event_speakers SET extraction_confidence = 0.5"
    with connect(seeded_url, Settings()) as other:
        with other.transaction():
            other.execute(
                "UPDATE events.speakers SET merged_into = %s WHERE id = %s",
                [speaker(1), speaker(16)],
            )
            own_seeded.execute("SET lock_timeout = '50ms'")
            with pytest.raises(errors.LockNotAvailable):
                own_seeded.execute(change)
        own_seeded.execute(change)
    assert drift(queries, own_seeded) == {}


def test_a_merge_waits_for_whoever_links_the_speaker(
    queries: Any, own_seeded: Connection, seeded_url: str
) -> None:
    """001-13"""
    pair = {"keep_id": speaker(1), "drop_id": speaker(16)}
    with connect(seeded_url, Settings()) as other:
        with other.transaction():
            other.execute(
                """
                INSERT INTO events.event_speakers (event_id, speaker_id)
                VALUES (%s, %s)
                """,
                [event(2), speaker(16)],
            )
            own_seeded.execute("SET lock_timeout = '50ms'")
            with pytest.raises(LockNotAvailable):
                queries.events.dedupe.merge_speakers(own_seeded, **pair)
            with pytest.raises(errors.LockNotAvailable):
                own_seeded.execute(
                    "UPDATE events.speakers SET merged_into = %s WHERE id = %s",
                    [speaker(1), speaker(16)],
                )
        merged = queries.events.dedupe.merge_speakers(own_seeded, **pair)
    assert merged.moved_links == 2
    assert drift(queries, own_seeded) == {}


def test_bulk_writers_lock_all_companies_at_once(
    queries: Any, connection: Connection
) -> None:
    """001-13"""
    with connection.transaction():
        connection.execute(
            """
            INSERT INTO events.speakers (name, company)
            SELECT 'Speaker ' || number, 'Company ' || number
            FROM generate_series(1, 500) AS number
            """
        )
        held = value(
            connection,
            """
            SELECT count(*)
            FROM pg_catalog.pg_locks AS held
            WHERE held.locktype = 'advisory'
                AND held.pid = pg_backend_pid()
            """,
        )
    assert held == 1
    assert drift(queries, connection) == {}


def test_a_role_without_rights_on_the_graph_may_write_the_tables(
    queries: Any, own_seeded: Connection
) -> None:
    """001-13"""
    role = sql.Identifier(f"writer_{uuid4().hex}")
    for statement in (
        "CREATE ROLE {}",
        "GRANT USAGE ON SCHEMA events TO {}",
        "GRANT ALL ON ALL TABLES IN SCHEMA events TO {}",
        "SET ROLE {}",
    ):
        own_seeded.execute(sql.SQL(statement).format(role))
    try:
        with pytest.raises(errors.InsufficientPrivilege):
            own_seeded.execute('SELECT count(*) FROM event_network."Speaker"')
        with pytest.raises(errors.InsufficientPrivilege):
            own_seeded.execute("SELECT events.graph_follow_speakers()")
        own_seeded.execute(
            "INSERT INTO events.speakers (name, company) VALUES ('Ada', 'Open Quay')"
        )
        own_seeded.execute("UPDATE events.events SET name = 'x'")
        own_seeded.execute("DELETE FROM events.companies WHERE name = 'Helio Grid'")
        own_seeded.execute("TRUNCATE events.event_topics")
    finally:
        own_seeded.execute("RESET ROLE")
        own_seeded.execute(sql.SQL("DROP OWNED BY {}").format(role))
        own_seeded.execute(sql.SQL("DROP ROLE {}").format(role))
    assert drift(queries, own_seeded) == {}


# --- Drift and rebuild ----------------------------------------------------------------


def test_drift_names_what_is_missing_too_much_and_stale(
    queries: Any, seeded: Connection
) -> None:
    """001-11"""
    seeded.execute('DELETE FROM event_network."COVERS"')
    seeded.execute(
        """
        UPDATE event_network."SPEAKS_AT" SET properties = '{"role": "host"}'
        WHERE properties ->> 'role'::text = 'host'
        """
    )
    seeded.execute(
        """
        SELECT 1
        FROM ag_catalog.cypher('event_network', $$
            CREATE (:Topic {id: 'nobody', name: 'Nobody'}), (:Company)
        $$) AS found (nothing ag_catalog.agtype)
        """
    )
    # An edge that hangs in the air belongs to no link.
    seeded.execute(
        """
        INSERT INTO event_network."WORKS_FOR" (start_id, end_id)
        SELECT vertex.id, '1'::ag_catalog.graphid
        FROM event_network."Speaker" AS vertex
        LIMIT 1
        """
    )
    assert drift(queries, seeded) == {
        "COVERS": (25, 0, 0),
        "SPEAKS_AT": (0, 0, 5),
        "Topic": (0, 1, 0),
        "Company": (0, 1, 0),
        "WORKS_FOR": (0, 1, 0),
    }


def test_a_rebuild_makes_the_graph_anew(queries: Any, seeded: Connection) -> None:
    """001-11"""
    expected = sizes(queries, seeded)
    seeded.execute("DELETE FROM event_network._ag_label_edge")
    seeded.execute("DELETE FROM event_network._ag_label_vertex")
    rebuilt = queries.events.graph.graph_rebuild(seeded)
    assert {row.label: row.entries for row in rebuilt} == expected
    assert drift(queries, seeded) == {}
    assert len(edges(seeded, speaker(9))) == 5


@pytest.mark.parametrize(
    ("statement", "parameters"),
    [
        ("SELECT events.graph_sync_events(%s)", [[event(1)]]),
        ("SELECT events.graph_sync_speakers(%s)", [[speaker(1)]]),
        ("SELECT events.graph_sync_companies(%s)", [[company(1)]]),
        ("SELECT events.graph_sync_topics(%s)", [[topic(3)]]),
        ("SELECT events.graph_sync_speaks_at(%s, %s)", [[speaker(1)], [event(1)]]),
        ("SELECT events.graph_sync_involved_in(%s, %s)", [[company(1)], [event(1)]]),
        ("SELECT events.graph_sync_covers(%s, %s)", [[event(1)], [topic(3)]]),
        ("SELECT events.graph_sync_works_for(%s, %s)", [[speaker(1)], [company(1)]]),
    ],
)
def test_bringing_in_step_what_is_in_step_writes_nothing(
    queries: Any,
    seeded: Connection,
    statement: LiteralString,
    parameters: list[list[UUID]],
) -> None:
    """001-01"""

    def versions() -> list[tuple[Any, ...]]:
        return seeded.execute(
            """
            SELECT entry.tableoid::regclass::text, entry.id::text, entry.ctid::text
            FROM event_network._ag_label_vertex AS entry
            UNION ALL
            SELECT entry.tableoid::regclass::text, entry.id::text, entry.ctid::text
            FROM event_network._ag_label_edge AS entry
            ORDER BY 1, 2
            """
        ).fetchall()

    before = versions()
    for _ in range(2):
        seeded.execute(statement, parameters)
    assert versions() == before
    assert drift(queries, seeded) == {}


# --- The graph answers as the tables do -----------------------------------------------


def compare_all(
    connection: Connection,
    graph: Callable[..., list[Any]],
    tables: Callable[..., list[Any]],
    cases: list[dict[str, Any]],
) -> int:
    """Compare a query with its twin; returns how many rows there were."""
    total = 0
    for case in cases:
        limit = {name: case[name] for name in case if name == "limit_rows"}
        inner = {name: case[name] for name in case if name != "limit_rows"}
        params = Agtype(
            {
                name: str(given) if isinstance(given, UUID) else given
                for name, given in inner.items()
            }
        )
        found = as_tuples(graph(connection, params=params, **limit))
        assert found == as_tuples(tables(connection, **case)), case
        total += len(found)
    return total


def as_tuples(rows: list[Any]) -> list[tuple[Any, ...]]:
    return [tuple(getattr(row, name) for name in row.__slots__) for row in rows]


def test_a_network_is_the_same_in_graph_and_tables(
    queries: Any, seeded: Connection
) -> None:
    """001-07"""
    graph = queries.events.graph
    cases = [
        {"speaker_id": speaker(number), "depth": depth, "limit_rows": limit}
        for number in range(1, 18)
        for depth in (0, 1, 2, 3, 4)
        for limit in (None, 3)
    ]
    total = compare_all(
        seeded, graph.speaker_network, graph.speaker_network_relational, cases
    )
    assert total > 400


def test_a_network_has_distances_and_shared_events(
    queries: Any, seeded: Connection
) -> None:
    """001-07"""
    found = queries.events.graph.speaker_network(
        seeded,
        params=Agtype({"speaker_id": str(speaker(10)), "depth": 3}),
        limit_rows=None,
    )
    people = [(row.name, row.distance, row.shared_events) for row in found]
    assert people == [
        ("Hannah Kim", 1, 3),
        ("Aisha Okafor", 1, 2),
        ("Priya Raman", 2, 1),
        ("Mateo Rossi", 2, 1),
    ]


def test_a_companys_events_are_the_same_in_graph_and_tables(
    queries: Any, seeded: Connection
) -> None:
    """001-07"""
    graph = queries.events.graph
    cases = [{"company_id": company(number)} for number in range(1, 10)]
    total = compare_all(
        seeded, graph.company_events, graph.company_events_relational, cases
    )
    assert total == 25
    found = graph.company_events(seeded, params=Agtype({"company_id": str(company(8))}))
    assert [(row.event_id, row.relationship) for row in found] == [
        (event(6), "partner"),
        (event(4), "sponsor"),
        (event(1), "sponsor"),
        (event(12), "host"),
    ]


def test_an_events_connections_are_the_same_in_graph_and_tables(
    queries: Any, seeded: Connection
) -> None:
    """001-07"""
    graph = queries.events.graph
    cases = [
        {"event_id": event(number), "depth": depth, "limit_rows": limit}
        for number in range(1, 15)
        for depth in (0, 1, 2, 3)
        for limit in (None, 5)
    ]
    total = compare_all(
        seeded, graph.event_connections, graph.event_connections_relational, cases
    )
    assert total > 500
    found = graph.event_connections(
        seeded,
        params=Agtype({"event_id": str(event(8)), "depth": 2}),
        limit_rows=None,
    )
    near = [(row.relationship, row.from_name) for row in found if row.distance == 1]
    assert near == [
        ("COVERS", "Simulation Before Steel"),
        ("COVERS", "Simulation Before Steel"),
        ("INVOLVED_IN", "Northwind Robotics"),
        ("INVOLVED_IN", "The Foundry Hall"),
        ("SPEAKS_AT", "Samuel Adeyemi"),
        ("SPEAKS_AT", "Maya Lindquist"),
    ]
    # The third employee is not at the event, but works for its host.
    staff = {row.from_name for row in found if row.relationship == "WORKS_FOR"}
    assert staff == {"Samuel Adeyemi", "Maya Lindquist", "Maya Lindqvist"}
    assert all(event(8) not in (r.from_id, r.to_id) for r in found if r.distance == 2)


def test_a_shortest_path_is_the_same_in_graph_and_tables(
    queries: Any, seeded: Connection
) -> None:
    """001-07"""
    graph = queries.events.graph
    cases = [
        {"from_id": speaker(one), "to_id": speaker(two), "max_hops": hops}
        for one in range(1, 18)
        for two in range(1, 18)
        for hops in (0, 2, 6)
    ]
    total = compare_all(
        seeded, graph.shortest_path, graph.shortest_path_relational, cases
    )
    assert total > 300


def test_a_shortest_path_names_people_and_events_step_by_step(
    queries: Any, seeded: Connection
) -> None:
    """001-07"""

    def path(one: int, two: int, hops: int) -> list[tuple[str, str | None]]:
        rows = queries.events.graph.shortest_path(
            seeded,
            params=Agtype(
                {
                    "from_id": str(speaker(one)),
                    "to_id": str(speaker(two)),
                    "max_hops": hops,
                }
            ),
        )
        assert [row.step for row in rows] == list(range(len(rows)))
        return [(row.speaker_name, row.event_name) for row in rows]

    assert path(16, 15, 6) == [
        ("Maya Lindquist", None),
        ("Samuel Adeyemi", "Simulation Before Steel"),
        ("Kenji Watanabe", "Robots That Learn: Perception in the Warehouse"),
    ]
    assert path(16, 15, 1) == []
    assert path(16, 16, 0) == [("Maya Lindquist", None)]
    assert path(1, 9, 6) == []


def test_longer_paths_and_ties_are_the_same_in_graph_and_tables(
    queries: Any, connection: Connection
) -> None:
    """001-07"""
    # Eight stations in a row, and between neighbours two people and two events each.
    connection.execute(
        """
        INSERT INTO events.speakers (id, name)
        SELECT md5('s' || station || '-' || twin)::uuid, station || '-' || twin
        FROM generate_series(0, 7) AS station
        CROSS JOIN generate_series(1, 2) AS twin
        """
    )
    connection.execute(
        """
        INSERT INTO events.events (id, name)
        SELECT md5('e' || station || '-' || twin)::uuid, 'E' || station || '-' || twin
        FROM generate_series(0, 6) AS station
        CROSS JOIN generate_series(1, 2) AS twin
        """
    )
    connection.execute(
        """
        INSERT INTO events.event_speakers (event_id, speaker_id)
        SELECT event.id, speaker.id
        FROM events.events AS event
        INNER JOIN events.speakers AS speaker
            ON split_part(speaker.name, '-', 1)::integer
                - split_part(substr(event.name, 2), '-', 1)::integer IN (0, 1)
        """
    )
    people = connection.execute("SELECT id FROM events.speakers").fetchall()
    cases = [
        {"from_id": one, "to_id": two, "max_hops": hops}
        for (one,) in people[::3]
        for (two,) in people
        for hops in (1, 3, 6, 9)
    ]
    graph = queries.events.graph
    total = compare_all(
        connection, graph.shortest_path, graph.shortest_path_relational, cases
    )
    assert total > 500
    lengths = {
        len(
            graph.shortest_path_relational(
                connection, from_id=case["from_id"], to_id=case["to_id"], max_hops=9
            )
        )
        for case in cases
    }
    # Seven hops are one more than a path may have.
    assert lengths == {0, 1, 2, 3, 4, 5, 6, 7}
    networks = [
        {"speaker_id": one, "depth": depth, "limit_rows": None}
        for (one,) in people
        for depth in (1, 2, 3)
    ]
    assert compare_all(
        connection, graph.speaker_network, graph.speaker_network_relational, networks
    )


def test_the_generated_data_is_the_same_in_graph_and_tables(
    queries: Any, demo: Connection
) -> None:
    """001-07"""
    graph = queries.events.graph
    assert drift(queries, demo) == {}
    busy = [
        row[0]
        for row in demo.execute(
            """
            SELECT link.speaker_id
            FROM events.event_speakers AS link
            GROUP BY link.speaker_id
            ORDER BY count(*) DESC, link.speaker_id
            """
        )
    ]
    some = [*busy[:3], *busy[len(busy) // 2 :][:3], *busy[-2:]]
    assert compare_all(
        demo,
        graph.speaker_network,
        graph.speaker_network_relational,
        [{"speaker_id": one, "depth": 3, "limit_rows": 200} for one in some],
    )
    assert compare_all(
        demo,
        graph.shortest_path,
        graph.shortest_path_relational,
        [{"from_id": one, "to_id": two, "max_hops": 6} for one in some for two in some],
    )
    gatherings = demo.execute(
        "SELECT id FROM events.events ORDER BY id LIMIT 10"
    ).fetchall()
    assert compare_all(
        demo,
        graph.event_connections,
        graph.event_connections_relational,
        [{"event_id": one, "depth": 2, "limit_rows": None} for (one,) in gatherings],
    )
