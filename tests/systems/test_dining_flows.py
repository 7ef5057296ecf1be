"""The flows of `dining`: resolving, loading, scoring, merging; what they refuse."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import numpy as np
import psycopg
import pytest

from drystone.database.pool import Pool, open_async_pool, open_pool
from drystone.database.transactions import in_transaction
from drystone.errors import (
    BadInput,
    CheckViolation,
    ForeignKeyViolation,
    InvalidValue,
    PoolTimeout,
)
from drystone.settings import Settings
from drystone.systems.dining import entities, flows
from drystone.systems.dining.flows import (
    Decision,
    NewConnection,
    NewEntity,
    NewMention,
    Tier,
)
from drystone.systems.dining.types import EntityType, MentionSource
from tests.systems.rows import seed_id, value

Connection: TypeAlias = psycopg.Connection[Any]

AS_OF = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOSTILE = "'; DROP TABLE dining.entities; -- \\ %s $1 {x} 🌮"


def mention(connection_id: UUID, source_id: str, **given: Any) -> NewMention:
    plain = NewMention(
        connection_id,
        MentionSource.COMMENT,
        source_id,
        "p1",
        "https://www.reddit.com/r/austinfood/comments/p1",
        "austinfood",
        "somebody",
        "Good.",
        1,
        AS_OF - timedelta(days=1),
    )
    return plain._replace(**given)


def is_sound(connection: Connection) -> bool:
    return bool(value(connection, "SELECT sum(violations) FROM dining.integrity") == 0)


@pytest.fixture
def pool(seeded_url: str) -> Iterator[Pool]:
    settings = Settings(pool_min_size=1, pool_max_size=2, pool_timeout=0.3)
    with open_pool(seeded_url, settings) as opened:
        yield opened


# --- resolving ------------------------------------------------------------------------


def test_names_are_resolved_by_the_surest_tier(seeded: Connection) -> None:
    """000-21: exact, then alias, then spelling; sure, to review, or new."""
    names = [
        "  smash BURGER",
        "Hamburger",
        "Al Pastor Tacos",
        "Ramen, Tonkotsu",
        "Bibimbap",
        "smash BURGER",
        "!?",
    ]
    found = flows.resolve(seeded, names, type=EntityType.DISH_OR_CATEGORY)
    assert [each.name for each in found] == names
    assert [(each.tier, each.decision, each.entity_id) for each in found] == [
        (Tier.EXACT, Decision.SAME, seed_id("d", 13)),
        (Tier.ALIAS, Decision.SAME, seed_id("d", 12)),
        (Tier.FUZZY, Decision.REVIEW, seed_id("d", 6)),
        (Tier.FUZZY, Decision.SAME, seed_id("d", 9)),
        (None, Decision.NEW, None),
        (Tier.EXACT, Decision.SAME, seed_id("d", 13)),
        (None, Decision.NEW, None),
    ]
    assert [each.confidence for each in found[:2]] == [1.0, 1.0]
    assert flows.POSSIBLE <= found[2].confidence <= flows.SURE < found[3].confidence


def test_a_name_is_resolved_within_its_type(seeded: Connection) -> None:
    """000-15, 000-21"""
    dish, place = (
        flows.resolve(seeded, ["italian"], type=kind)[0].entity_id
        for kind in (EntityType.DISH_ATTRIBUTE, EntityType.RESTAURANT_ATTRIBUTE)
    )
    assert (dish, place) == (seed_id("f", 8), seed_id("b", 7))


def test_what_is_near_in_meaning_is_for_a_person_to_decide(seeded: Connection) -> None:
    """000-21"""
    ramen = value(
        seeded, "SELECT embedding FROM dining.entities WHERE id = %s", seed_id("d", 9)
    )
    elsewhere = np.ones(384, dtype=np.float32)
    near, far = flows.resolve(
        seeded,
        ["Pork bone noodle soup", "Something else"],
        type=EntityType.DISH_OR_CATEGORY,
        embeddings={"Pork bone noodle soup": ramen, "Something else": elsewhere},
    )
    assert (near.tier, near.decision, near.entity_id) == (
        Tier.SEMANTIC,
        Decision.REVIEW,
        seed_id("d", 9),
    )
    assert near.confidence == pytest.approx(1)
    assert far.decision is Decision.NEW


def test_fuzzy_tiers_agree_with_comparing_every_name(
    queries: Any, seeded: Connection
) -> None:
    """000-21: the rarest trigrams lead to every name that is alike, and to no other."""
    seeded.execute("ANALYZE dining.entities")
    for name in ("peach cobler", "brisket taco", "ramen", "marg pizza", "xyz"):
        for minimum in (0.2, 0.5, 0.8):
            found = queries.dining.resolve.resolve_fuzzy(
                seeded,
                names=[name],
                type="dish_or_category",
                min_similarity=minimum,
                limit_rows=100,
            )
            expected = seeded.execute(
                """
                SELECT entity.id
                FROM dining.entities AS entity
                CROSS JOIN unnest(entity.known_as) AS known (name)
                WHERE entity.type = 'dish_or_category'
                GROUP BY entity.id
                HAVING max(core.similarity(known.name, %s)) >= %s::real
                """,
                [name, minimum],
            ).fetchall()
            assert {row.entity_id for row in found} == {row[0] for row in expected}


# --- loading --------------------------------------------------------------------------


def test_entities_of_all_types_are_loaded_once(connection: Connection) -> None:
    """000-02, 000-06, 000-14, 000-15"""
    given = [
        NewEntity(EntityType.RESTAURANT, "Pho Real", ["Pho-Real", "Fo Real"], 30, -97),
        NewEntity(EntityType.RESTAURANT, "PHO REAL", ["The Pho Place"], address="1 A"),
        NewEntity(EntityType.DISH_OR_CATEGORY, "Pho", embedding=np.ones(384)),
        NewEntity(EntityType.DISH_ATTRIBUTE, "Vegan"),
        NewEntity(EntityType.RESTAURANT_ATTRIBUTE, "Vegan"),
        NewEntity(EntityType.DISH_ATTRIBUTE, HOSTILE),
    ]
    first = flows.load_entities(connection, given)
    again = flows.load_entities(connection, iter(given))
    assert [row.is_new for row in first] == [True] * 5
    assert {row.id for row in again} == {row.id for row in first}
    assert [row.is_new for row in again] == [False] * 5
    restaurant = entities.get_entity(
        connection, entity_id=next(r.id for r in first if r.type == "restaurant")
    )
    assert restaurant is not None
    # Of one name in several spellings one stays; the aliases of all are kept.
    assert restaurant.aliases == ["Fo Real", "The Pho Place"]
    assert HOSTILE in {row.name for row in first}


def test_connections_are_loaded_once_for_each_set_of_attributes(
    seeded: Connection,
) -> None:
    """000-06, 000-14, 000-16"""
    place, dish = seed_id("a", 1), seed_id("d", 3)
    crispy, smoky = seed_id("f", 3), seed_id("f", 1)
    rows = flows.load_connections(
        seeded,
        [
            NewConnection(place, dish, [crispy, smoky, crispy], [seed_id("d", 1)]),
            NewConnection(place, dish, [smoky, crispy], [seed_id("d", 2)]),
            NewConnection(place, dish),
            NewConnection(place, seed_id("d", 2), [smoky], [seed_id("d", 3)]),
        ],
    )
    assert sorted(row.is_new or False for row in rows) == [False, True, True]
    stored = seeded.execute(
        """
        SELECT dish_attributes, categories
        FROM dining.connections
        WHERE restaurant_id = %s
        ORDER BY dish_id, dish_attributes
        """,
        [place],
    ).fetchall()
    assert stored == [
        ([smoky], [seed_id("d", 1), seed_id("d", 3)]),
        ([], []),
        (sorted([smoky, crispy]), [seed_id("d", 1), seed_id("d", 2)]),
    ]
    assert is_sound(seeded)


def test_a_mention_loaded_twice_counts_once_and_keeps_its_latest_upvotes(
    seeded: Connection,
) -> None:
    """000-06, 000-17, 000-21: a Reddit score may be negative."""
    about = seed_id("c", 1)
    given = [
        mention(about, "new"),
        mention(about, "new"),
        mention(about, "bad", upvotes=-40, author=None, excerpt=HOSTILE),
    ]
    assert flows.load_mentions(seeded, given) == flows.LoadedMentions(3, 2, 0)
    assert flows.load_mentions(seeded, given) == flows.LoadedMentions(3, 0, 0)
    grown = [mention(about, "new", upvotes=7), mention(about, "bad", upvotes=-40)]
    assert flows.load_mentions(seeded, grown) == flows.LoadedMentions(2, 0, 1)
    upvotes = "SELECT upvotes FROM dining.mentions WHERE source_id = %s"
    assert value(seeded, upvotes, "new") == 7
    assert value(seeded, upvotes, "bad") == -40


def test_empty_batches_do_nothing(seeded: Connection) -> None:
    """000-06, 000-14"""
    assert flows.load_entities(seeded, []) == []
    assert flows.load_connections(seeded, []) == []
    assert flows.load_mentions(seeded, []) == flows.LoadedMentions(0, 0, 0)
    assert flows.recompute(seeded, []) == flows.Recomputed(0, 0, 0)
    assert flows.resolve(seeded, [], type=EntityType.RESTAURANT) == []


def test_one_bad_row_leaves_nothing_of_its_batch(seeded: Connection) -> None:
    """000-05, 000-06, 000-07"""
    known, place = seed_id("c", 1), seed_id("a", 1)
    count = "SELECT count(*) FROM dining.mentions"
    bad: list[tuple[type[BadInput], list[NewMention]]] = [
        (ForeignKeyViolation, [mention(known, "x"), mention(uuid4(), "x")]),
        (CheckViolation, [mention(known, "x"), mention(known, "y", url="ftp://x")]),
        (
            CheckViolation,
            [mention(known, "x", posted_at=datetime(2100, 1, 1, tzinfo=UTC))],
        ),
        (InvalidValue, [mention(known, "x"), mention(known, "y", excerpt="a\0b")]),
    ]
    for error, batch in bad:
        with pytest.raises(error):
            flows.load_mentions(seeded, batch)
        assert value(seeded, count) == 12
    with pytest.raises(ForeignKeyViolation) as caught:
        flows.load_connections(
            seeded,
            [
                NewConnection(place, seed_id("d", 3)),
                NewConnection(seed_id("d", 1), seed_id("d", 2)),
            ],
        )
    assert caught.value.constraint == "connections_restaurant_id_fkey"
    with pytest.raises(ForeignKeyViolation) as caught:
        flows.load_connections(
            seeded, [NewConnection(place, seed_id("d", 3), [seed_id("b", 1)])]
        )
    assert caught.value.constraint == "connection_attributes_attribute_id_fkey"
    with pytest.raises(CheckViolation) as wrong:
        flows.load_entities(
            seeded,
            [
                NewEntity(EntityType.RESTAURANT, "Fine"),
                NewEntity(EntityType.DISH_ATTRIBUTE, "With a place", None, 1, 1),
            ],
        )
    assert wrong.value.constraint == "entities_type_check"
    assert value(seeded, "SELECT count(*) FROM dining.entities") == 34
    assert value(seeded, "SELECT count(*) FROM dining.connections") == 5


# --- scoring --------------------------------------------------------------------------


def test_the_seeds_figures_are_what_its_mentions_make_of_them(
    seeded: Connection,
) -> None:
    """000-21: R5 to R7 and R9"""
    figures = """
        SELECT array_agg(to_jsonb(connection) - 'updated_at' ORDER BY connection.id)
        FROM dining.connections AS connection
    """
    before = value(seeded, figures)
    assert flows.recompute(seeded, as_of=AS_OF) == flows.Recomputed(5, 0, 0)
    assert value(seeded, figures) == before


def test_figures_follow_the_mentions(seeded: Connection) -> None:
    """000-17, 000-21"""
    about = seed_id("c", 5)
    ages = [1, 2, 3, 4, 5, 300]
    flows.load_mentions(
        seeded,
        [
            mention(
                about,
                f"m{age}",
                upvotes=100,
                thread_id=f"t{age % 2}",
                posted_at=AS_OF - timedelta(days=age),
            )
            for age in ages
        ],
    )
    done = flows.recompute(seeded, [about], as_of=AS_OF)
    assert done == flows.Recomputed(1, 1, 1)
    row = seeded.execute(
        """
        SELECT
            mention_count,
            recent_mention_count,
            source_diversity,
            total_upvotes,
            last_mentioned_at,
            activity_level::text,
            strength = dish_score,
            (SELECT array_agg(top ->> 'source_id')
             FROM jsonb_array_elements(top_mentions) AS top)
        FROM dining.connections
        WHERE id = %s
        """,
        [about],
    ).fetchone()
    # Old upvotes fade: 300 days ago they weigh e^-5, so the seed's 49 weigh more.
    assert row == (
        7,
        6,
        3,
        649,
        AS_OF - timedelta(days=1),
        "trending",
        True,
        ["m1", "m2", "m3", "m4", "m5"],
    )
    assert is_sound(seeded)


def test_activity_is_by_the_age_of_the_top_mentions(seeded: Connection) -> None:
    """000-21: R6"""
    about = seed_id("c", 1)
    levels: dict[tuple[float, ...], str] = {
        (1, 2, 3): "trending",
        (1, 2): "active",
        (1, 2, 31): "active",
        (8, 9, 29.9): "trending",
        (8, 9, 31): "normal",
        (7.1,): "normal",
        (): "normal",
    }
    found = {}
    for ages in levels:
        seeded.execute("DELETE FROM dining.mentions WHERE connection_id = %s", [about])
        flows.load_mentions(
            seeded,
            [mention(about, str(a), posted_at=AS_OF - timedelta(days=a)) for a in ages],
        )
        flows.recompute(seeded, [about], as_of=AS_OF)
        found[ages] = value(
            seeded, "SELECT activity_level FROM dining.connections WHERE id = %s", about
        )
    assert found == levels


def test_a_restaurant_is_scored_by_its_five_best_dishes_and_all_of_them(
    seeded: Connection,
) -> None:
    """000-21: R9; 88 % of a dish's score is its own, 12 % the restaurant's."""
    place = seed_id("a", 1)
    rows = flows.load_connections(
        seeded, [NewConnection(place, seed_id("d", n)) for n in range(3, 9)]
    )
    flows.recompute(seeded, [row.id for row in rows], as_of=AS_OF)
    strengths = [57.7942, 0, 0, 0, 0, 0, 0]
    context = sum(strengths) / 7
    scores = sorted((0.88 * s + 0.12 * context for s in strengths), reverse=True)
    expected = 0.8 * sum(scores[:5]) / 5 + 0.2 * sum(scores) / 7
    stored = value(
        seeded, "SELECT restaurant_score FROM dining.entities WHERE id = %s", place
    )
    assert float(stored) == pytest.approx(expected, abs=0.001)


# --- merging --------------------------------------------------------------------------


def test_merged_dishes_leave_one_with_the_evidence_of_both(seeded: Connection) -> None:
    """000-16, 000-17, 000-21"""
    keep, drop, place = seed_id("d", 2), seed_id("d", 3), seed_id("a", 1)
    smoky = seed_id("f", 1)
    same, other = flows.load_connections(
        seeded,
        [
            NewConnection(place, drop, [smoky], [drop, seed_id("d", 4)]),
            NewConnection(seed_id("a", 2), drop),
        ],
    )
    flows.load_mentions(
        seeded,
        [
            mention(same.id, "k2001"),  # known to the one that stays
            mention(same.id, "ribs"),
            mention(other.id, "other"),
        ],
    )
    merged = flows.merge(seeded, keep_id=keep, drop_id=drop)
    assert merged == flows.Merged(connections=2, duplicates=1, mentions=1)
    entity = entities.get_entity(seeded, entity_id=keep)
    assert entity is not None
    assert entity.aliases == ["Pork Ribs", "Smoked Brisket", "Spare Ribs"]
    assert entities.get_entity(seeded, entity_id=drop) is None
    kept = seeded.execute(
        "SELECT categories, mention_count FROM dining.connections WHERE id = %s",
        [seed_id("c", 1)],
    ).fetchone()
    assert kept == ([seed_id("d", 1), keep, seed_id("d", 4)], 5)
    assert flows.resolve(seeded, ["pork ribs"], type=EntityType.DISH_OR_CATEGORY)[
        0
    ] == flows.Resolution("pork ribs", Decision.SAME, Tier.ALIAS, keep, 1.0)
    assert is_sound(seeded)


def test_merged_restaurants_keep_what_either_knew(seeded: Connection) -> None:
    """000-16, 000-21"""
    keep, drop = seed_id("a", 5), seed_id("a", 2)
    seeded.execute(
        "UPDATE dining.entities SET address = NULL, google_place_id = NULL"
        " WHERE id = %s",
        [keep],
    )
    flows.merge(seeded, keep_id=keep, drop_id=drop)
    entity = entities.get_entity(seeded, entity_id=keep)
    assert entity is not None
    assert entity.google_place_id == "seed-mariposa"
    assert entity.latitude == 30.2634
    assert entity.aliases == ["La Mariposa", "Mariposa Taqueria"]
    assert [each.name for each in entity.attributes] == [
        "Casual",
        "Dog-Friendly",
        "Family-Friendly",
        "Patio",
    ]
    assert is_sound(seeded)


def test_merged_attributes_make_sets_smaller(seeded: Connection) -> None:
    """000-07, 000-16: two connections that both change can become the same."""
    place, dish = seed_id("a", 3), seed_id("d", 3)
    keep, drop, third = (seed_id("f", n) for n in (1, 2, 3))
    flows.load_connections(
        seeded,
        [
            NewConnection(place, dish, [drop, third]),
            NewConnection(place, dish, [keep, drop, third]),
            NewConnection(place, dish, [drop]),
        ],
    )
    merged = flows.merge(seeded, keep_id=keep, drop_id=drop)
    assert (merged.connections, merged.duplicates) == (3, 1)
    left = seeded.execute(
        """
        SELECT dish_attributes
        FROM dining.connections
        WHERE restaurant_id = %s AND dish_id = %s
        ORDER BY dish_attributes
        """,
        [place, dish],
    ).fetchall()
    assert left == [([keep],), ([keep, third],)]
    assert is_sound(seeded)


def test_restaurant_attributes_merge_where_both_are_had(seeded: Connection) -> None:
    """000-16"""
    keep, drop = seed_id("b", 1), seed_id("b", 4)
    flows.merge(seeded, keep_id=keep, drop_id=drop)
    places = seeded.execute(
        "SELECT restaurant_id FROM dining.restaurant_attributes"
        " WHERE attribute_id = %s ORDER BY 1",
        [keep],
    ).fetchall()
    assert places == [(seed_id("a", n),) for n in (1, 2, 5)]


def test_a_merge_that_makes_no_sense_is_refused_and_changes_nothing(
    seeded: Connection,
) -> None:
    """000-05, 000-07"""
    dish = seed_id("d", 1)
    for keep, drop, reason in [
        (dish, dish, "not the same"),
        (dish, uuid4(), "exist"),
        (dish, seed_id("f", 1), "cannot be merged"),
    ]:
        with pytest.raises(BadInput, match=reason):
            flows.merge(seeded, keep_id=keep, drop_id=drop)
    assert value(seeded, "SELECT count(*) FROM dining.entities") == 34


# --- pools, retries, logs -------------------------------------------------------------


def test_flows_run_through_a_pool_and_again_when_they_lose(
    own_seeded: Connection, pool: Pool
) -> None:
    """000-05, 000-13: two merges the opposite way round; one of them finds nothing."""
    one, other = seed_id("d", 7), seed_id("d", 8)
    barrier = Barrier(2)

    def merge(keep: UUID, drop: UUID) -> Callable[[], object]:
        def work() -> object:
            barrier.wait()
            try:
                return in_transaction(
                    pool, lambda c: flows.merge(c, keep_id=keep, drop_id=drop)
                )
            except BadInput as error:
                return error

        return work

    with ThreadPoolExecutor(2) as threads:
        work = [merge(one, other), merge(other, one)]
        done = list(threads.map(lambda each: each(), work))
    assert sorted(type(each).__name__ for each in done) == ["BadInput", "Merged"]
    assert value(own_seeded, "SELECT count(*) FROM dining.entities") == 33


def test_loads_of_the_same_rows_at_once_do_not_deadlock(
    own_seeded: Connection, pool: Pool
) -> None:
    """000-06, 000-13"""
    about = [seed_id("c", n) for n in range(1, 6)]
    rows = [mention(each, f"s{n}") for each in about for n in range(200)]
    barrier = Barrier(2)

    def load(batch: list[NewMention]) -> flows.LoadedMentions:
        barrier.wait()
        return in_transaction(pool, lambda c: flows.load_mentions(c, batch), attempts=1)

    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(load, [rows, rows[::-1]]))
    assert sum(each.inserted for each in done) == len(rows)


def test_a_pool_without_a_free_connection_says_so(pool: Pool) -> None:
    """000-05, 000-13"""
    with pool.connection(), pool.connection(), pytest.raises(PoolTimeout):
        in_transaction(pool, lambda c: flows.recompute(c))


async def test_queries_of_dining_run_on_an_asynchronous_pool(
    own_seeded: Connection, seeded_url: str, settings: Settings
) -> None:
    """000-05, 000-13"""
    async with (
        open_async_pool(seeded_url, settings) as pool,
        pool.connection() as connection,
    ):
        entity = await entities.get_entity(connection, entity_id=seed_id("a", 1))
    assert entity is not None
    assert entity.name == "Pecan Street Smokehouse"


def test_operations_and_errors_are_logged_without_values(
    seeded: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """000-12"""
    caplog.set_level(logging.INFO, "drystone")
    flows.load_mentions(seeded, [mention(seed_id("c", 1), "secret-id")])
    flows.merge(seeded, keep_id=seed_id("d", 7), drop_id=seed_id("d", 8))
    messages = [record.getMessage() for record in caplog.records]
    assert any("mentions loaded" in each and "inserted=1" in each for each in messages)
    assert any("entities merged" in each for each in messages)
    with pytest.raises(CheckViolation) as caught:
        flows.load_mentions(
            seeded, [mention(seed_id("c", 1), "secret-id", url="secret-url")]
        )
    assert "mentions_url_check" in str(caught.value)
    assert caught.value.sqlstate == "23514"
    assert "secret" not in " ".join([*messages, str(caught.value)])


def test_dining_needs_no_cache_no_language_model_and_no_network() -> None:
    """000-20"""
    program = "import sys, drystone.systems.dining.flows; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    imported = {name.partition(".")[0] for name in done.stdout.split()}
    assert "drystone" in imported
    assert not imported & {"anthropic", "httpx", "openai", "praw", "redis", "requests"}
