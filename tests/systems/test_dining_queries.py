"""The named queries of `dining`, each on the development seed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

import numpy as np
import psycopg
import pytest
from psycopg.types.json import Jsonb

from drystone.errors import (
    BadInput,
    CheckViolation,
    ForeignKeyViolation,
    InvalidValue,
    UniqueViolation,
)
from drystone.systems.dining.inputs import EntitiesUpdate
from drystone.systems.dining.types import EntityType, ListPosition, Viewport
from tests.systems.rows import seed_id

Connection: TypeAlias = psycopg.Connection[Any]

AS_OF = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOSTILE = "'; DROP TABLE dining.entities; -- \\ % _ $1 🌮"
DOWNTOWN = Viewport(
    sw_latitude=30.26, sw_longitude=-97.76, ne_latitude=30.28, ne_longitude=-97.73
)


def ids(rows: list[Any]) -> list[UUID]:
    return [row.id for row in rows]


def create(queries: Any, connection: Connection, kind: str, **given: Any) -> Any:
    return queries.dining.entities.create_entity(
        connection, **{"type": kind, "name": "New", **given}
    )


# --- entities -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", list(EntityType))
def test_an_entity_of_each_type_lives_from_creation_to_deletion(
    queries: Any, connection: Connection, kind: EntityType
) -> None:
    """000-02, 000-08, 000-15"""
    entities = queries.dining.entities
    made = create(queries, connection, kind, aliases=["b", "a", "b", "NEW"])
    assert (made.type, made.name, made.aliases) == (kind, "New", ["a", "b"])
    fields = EntitiesUpdate.parse({"name": "Newer", "aliases": ["z", "New"]}).given()
    changed = entities.update_entity(
        connection, entity_id=made.id, fields=Jsonb(fields)
    )
    assert (changed.name, changed.aliases) == ("Newer", ["New", "z"])
    listed = entities.list_entities(connection, type=kind, limit_rows=5)
    assert [row.normalized_name for row in listed] == ["newer"]
    assert entities.list_entities(connection, type=kind, after_name="newer") == []
    assert entities.delete_entity(connection, entity_id=made.id) == 1
    assert entities.get_entity(connection, entity_id=made.id) is None
    assert entities.delete_entity(connection, entity_id=made.id) == 0


def test_only_a_restaurant_has_a_place(queries: Any, own: Connection) -> None:
    """000-02, 000-15"""
    place = {"latitude": 30.2, "longitude": -97.7, "address": "1 A Street"}
    made = create(queries, own, "restaurant", **place)
    found = queries.dining.entities.get_entity(own, entity_id=made.id)
    assert (found.latitude, found.longitude, found.details) == (30.2, -97.7, {})
    refused: list[tuple[str, dict[str, Any], str]] = [
        ("dish_attribute", place, "entities_type_check"),
        ("restaurant", {"latitude": 30.2}, "entities_latitude_longitude_check"),
        ("restaurant", {"latitude": 91, "longitude": 0}, "entities_latitude_check"),
        ("restaurant", {"details": Jsonb([])}, "entities_details_check"),
        ("restaurant", {"embedding": np.zeros(384)}, "entities_embedding_check"),
    ]
    for kind, given, rule in refused:
        with pytest.raises(CheckViolation) as caught:
            create(queries, own, kind, **{"name": "Other", **given})
        assert caught.value.constraint == rule
    with pytest.raises(UniqueViolation):
        create(queries, own, "restaurant", name="NEW!")
    with pytest.raises(BadInput):
        EntitiesUpdate.parse({"nmae": "misspelled"})


def test_an_attribute_in_use_is_not_deleted(
    queries: Any, own_seeded: Connection
) -> None:
    """000-07"""
    for used in (seed_id("f", 1), seed_id("b", 1), seed_id("d", 1), seed_id("a", 1)):
        with pytest.raises(ForeignKeyViolation):
            queries.dining.entities.delete_entity(own_seeded, entity_id=used)


def test_a_restaurant_gets_exactly_the_attributes_that_are_given(
    queries: Any, seeded: Connection
) -> None:
    """000-02, 000-07"""
    entities, place = queries.dining.entities, seed_id("a", 1)
    given = [seed_id("b", 1), seed_id("b", 3), seed_id("b", 3)]
    done = entities.set_restaurant_attributes(
        seeded, restaurant_id=place, attribute_ids=given
    )
    assert (done.added, done.removed) == (1, 2)
    row = entities.get_entity(seeded, entity_id=place)
    assert [each.name for each in row.attributes] == ["Late Night", "Patio"]
    with pytest.raises(ForeignKeyViolation):
        entities.set_restaurant_attributes(
            seeded, restaurant_id=place, attribute_ids=[seed_id("f", 1)]
        )


def test_hostile_text_is_a_name_like_any_other(
    queries: Any, connection: Connection
) -> None:
    """000-05"""
    made = create(queries, connection, "restaurant", name=HOSTILE)
    found = queries.dining.entities.suggest(connection, prefix=HOSTILE)
    assert ids(found) == [made.id]
    for prefix in ("%", "_", "\\", "", " ", "!"):
        assert queries.dining.entities.suggest(connection, prefix=prefix) == []
    with pytest.raises(BadInput):
        create(queries, connection, "restaurant", name="a\0b")


def test_suggestions_begin_as_what_is_typed(queries: Any, seeded: Connection) -> None:
    """000-18"""

    def names(prefix: str, **given: Any) -> list[str]:
        rows = queries.dining.entities.suggest(seeded, prefix=prefix, **given)
        return [row.name for row in rows]

    assert names("ta") == [
        "Taco",
        "Mariposa Taqueria",
        "Al Pastor Taco",
        "Breakfast Taco",
    ]
    assert names("ta", types=["restaurant"]) == ["Mariposa Taqueria"]
    assert names("ta", limit_rows=1) == ["Taco"]
    assert names("hamb") == ["Burger"]
    assert names("barton r") == ["Barton Ramen House"]
    assert names("aco") == []


# --- search ---------------------------------------------------------------------------


FILTERS: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [1, 2, 3, 5, 4]),
    ({"dish_ids": [seed_id("d", 2)]}, [1]),
    ({"dish_ids": [seed_id("d", 4), seed_id("d", 10)]}, [2, 4]),
    ({"dish_ids": []}, []),
    ({"dish_attribute_ids": [seed_id("f", 7)]}, [2, 3]),
    ({"dish_attribute_ids": [seed_id("f", 7), seed_id("f", 2)]}, [2]),
    ({"restaurant_attribute_ids": [seed_id("b", 4)]}, [1, 2, 5]),
    ({"restaurant_attribute_ids": [seed_id("b", 4), seed_id("b", 2)]}, [1, 5]),
    ({"restaurant_ids": [seed_id("a", 3), seed_id("a", 4)]}, [3, 4]),
    ({"viewport": DOWNTOWN}, [1, 5]),
    ({"viewport": DOWNTOWN, "dish_attribute_ids": [seed_id("f", 3)]}, [5]),
    ({"limit_rows": 2}, [1, 2]),
]


def test_dishes_are_found_by_any_filter(queries: Any, seeded: Connection) -> None:
    """000-16, 000-21: R11, filters and viewport come before the order"""
    for filters, found in FILTERS:
        rows = queries.dining.search.search_dishes(seeded, **filters)
        assert ids(rows) == [seed_id("c", number) for number in found], filters


def test_pages_follow_each_other_without_gap(queries: Any, seeded: Connection) -> None:
    """000-18"""
    seeded.execute("UPDATE dining.connections SET dish_score = 50")
    search = queries.dining.search.search_dishes
    pages, after = [], None
    while page := search(seeded, after=after, limit_rows=2):
        pages += page
        after = ListPosition(score=page[-1].dish_score, id=page[-1].id)
    assert ids(pages) == [seed_id("c", n) for n in (5, 4, 3, 2, 1)]


def test_a_viewport_may_lie_across_the_180th_meridian(
    queries: Any, connection: Connection
) -> None:
    """000-21"""
    for number, longitude in enumerate((179.5, -179.5, 0, 178)):
        made = create(
            queries,
            connection,
            "restaurant",
            name=f"R{number}",
            latitude=-17,
            longitude=longitude,
        )
        connection.execute(
            "UPDATE dining.entities SET restaurant_score = %s WHERE id = %s",
            [number, made.id],
        )
    fiji = Viewport(
        sw_latitude=-20, sw_longitude=179, ne_latitude=-10, ne_longitude=-179
    )
    rows = queries.dining.search.best_restaurants(connection, viewport=fiji)
    assert [row.name for row in rows] == ["R1", "R0"]


def test_restaurants_rank_by_the_dishes_that_match(
    queries: Any, seeded: Connection
) -> None:
    """000-21: not by what else they serve."""
    search = queries.dining.search
    best = search.best_restaurants(seeded)
    assert ids(best) == [seed_id("a", n) for n in (1, 2, 3, 5, 4)]
    after = ListPosition(score=best[1].restaurant_score, id=best[1].id)
    assert ids(search.best_restaurants(seeded, after=after, limit_rows=2)) == [
        seed_id("a", 3),
        seed_id("a", 5),
    ]
    outdoors = search.best_restaurants(
        seeded, restaurant_attribute_ids=[seed_id("b", 2)]
    )
    assert ids(outdoors) == [seed_id("a", n) for n in (1, 5, 4)]
    seeded.execute(
        """
        INSERT INTO dining.connections (
            restaurant_id,
            dish_id,
            dish_score,
            mention_count,
            last_mentioned_at
        )
        VALUES (%s, %s, 10, 1, now())
        """,
        [seed_id("a", 2), seed_id("d", 4)],
    )
    rows = search.rank_restaurants(seeded, dish_ids=[seed_id("d", 4)])
    (row,) = rows
    assert (row.id, row.matching_dishes) == (seed_id("a", 2), 2)
    # Weights are mentions and one: (53.2833 x 4 + 10 x 2) / 6.
    assert float(row.score) == pytest.approx((53.2833 * 4 + 10 * 2) / 6, abs=1e-4)
    for number in range(1, 13):
        dish = seed_id("d", number)
        assert search.rank_restaurants_for_dish(seeded, dish_id=dish) == (
            search.rank_restaurants(seeded, dish_ids=[dish])
        )
    assert search.rank_restaurants_for_dish(
        seeded, dish_id=seed_id("d", 4), viewport=DOWNTOWN
    ) == search.rank_restaurants(seeded, dish_ids=[seed_id("d", 4)], viewport=DOWNTOWN)
    italian = search.rank_restaurants(seeded, dish_attribute_ids=[seed_id("f", 8)])
    assert ids(italian) == [seed_id("a", 4)]
    assert search.rank_restaurants(seeded, viewport=DOWNTOWN, dish_ids=[]) == []


def test_a_menu_shows_attributes_and_the_best_evidence(
    queries: Any, seeded: Connection
) -> None:
    """000-16, 000-17"""
    (dish,) = queries.dining.search.restaurant_menu(
        seeded, restaurant_id=seed_id("a", 2)
    )
    assert dish.dish_name == "Breakfast Taco"
    assert [each.name for each in dish.attributes] == ["House-Made", "Spicy"]
    assert dish.top_mention["source_id"] == "p1004"


def test_what_is_trending_comes_before_what_is_active(
    queries: Any, seeded: Connection
) -> None:
    """000-21: R6"""
    search = queries.dining.search
    rows = search.trending(seeded)
    assert [(row.id, row.activity_level) for row in rows] == [
        (seed_id("c", 2), "trending"),
        (seed_id("c", 3), "active"),
    ]
    assert search.trending(seeded, viewport=DOWNTOWN) == []


def test_related_dishes_are_reached_over_what_they_share(
    queries: Any, seeded: Connection
) -> None:
    """000-15, 000-21: breakfast tacos and ramen are both house-made."""
    related = queries.dining.search.related_dishes
    taco, ramen, pizza = seed_id("d", 5), seed_id("d", 9), seed_id("d", 11)
    seeded.execute(
        """
        INSERT INTO dining.connections (restaurant_id, dish_id, categories)
        VALUES (%s, %s, %s)
        """,
        [seed_id("a", 4), pizza, [seed_id("d", 8)]],
    )
    near = related(seeded, dish_id=taco, hops=1)
    assert [(row.id, row.hops) for row in near] == [(ramen, 1)]
    far = related(seeded, dish_id=taco, hops=2)
    assert [(row.id, row.hops) for row in far] == [(ramen, 1), (pizza, 2)]
    assert related(seeded, dish_id=taco, hops=0) == []


# --- mentions -------------------------------------------------------------------------


def test_evidence_fades_with_its_age(queries: Any, seeded: Connection) -> None:
    """000-17, 000-21: R5, upvotes x e^(-days / 60)"""
    evidence = queries.dining.mentions.evidence
    rows = evidence(seeded, connection_id=seed_id("c", 1), as_of=AS_OF)
    assert [row.source_id for row in rows] == ["p1001", "k2001", "k2002", "k2003"]
    days = (AS_OF - rows[0].posted_at) / timedelta(days=1)
    assert rows[0].score == pytest.approx(214 * np.exp(-days / 60))
    assert rows[3].score < 0
    assert rows[3].author is None
    then = datetime(2026, 2, 10, 19, tzinfo=UTC)
    early = evidence(seeded, connection_id=seed_id("c", 1), as_of=then)
    assert [row.source_id for row in early] == ["p1001", "k2003"]
    assert len(evidence(seeded, connection_id=seed_id("c", 1), limit_rows=1)) == 1


def test_mentions_are_counted_over_time_with_empty_buckets(
    queries: Any, seeded: Connection
) -> None:
    """000-17"""
    stats = queries.dining.mentions.mention_stats
    rows = stats(
        seeded,
        posted_from=datetime(2025, 11, 1, tzinfo=UTC),
        posted_to=AS_OF,
        bucket="month",
    )
    assert [(row.bucket_start.month, row.mentions) for row in rows] == [
        (11, 0),
        (12, 2),
        (1, 3),
        (2, 7),
        (3, 0),
    ]
    assert sum(row.upvotes for row in rows) == 344 + 217 + 108 + 76 + 49
    austin = stats(
        seeded,
        subreddit="AUSTIN",
        posted_from=datetime(2026, 2, 1, tzinfo=UTC),
        posted_to=AS_OF,
        bucket="year",
    )
    assert [(row.mentions, row.threads) for row in austin] == [(3, 3)]
    with pytest.raises(InvalidValue):
        stats(seeded, posted_from=AS_OF, posted_to=AS_OF, bucket=HOSTILE)


def test_the_report_finds_what_was_broken(queries: Any, seeded: Connection) -> None:
    """000-07, 000-21"""
    report = queries.dining.mentions.integrity_report

    def broken() -> list[tuple[str, str]]:
        return [(r.kind, r.rule) for r in report(seeded) if r.violations]

    assert broken() == []
    seeded.execute("DELETE FROM dining.mentions WHERE source_id = 'p1001'")
    assert broken() == [
        ("figure", "a top mention is a mention"),
        ("figure", "mention_count counts the mentions"),
    ]
    seeded.execute("DELETE FROM dining.connection_attributes")
    assert ("reference", "every member of dish_attributes has its foreign key") in (
        broken()
    )


# --- users ----------------------------------------------------------------------------


def test_a_user_subscribes_and_leaves_a_history(
    queries: Any, connection: Connection
) -> None:
    """000-01, 000-02"""
    users = queries.dining.users
    friend = users.create_user(connection, email="ada@x.example", referral_code="ADA")
    made = users.create_user(
        connection,
        email="bob@x.example",
        trial_ends_at=datetime(2100, 1, 1, tzinfo=UTC),
        referred_by=friend.id,
    )
    assert made.subscription_status == "trialing"
    for status in ("active", "cancelled"):
        told = users.upsert_subscription(
            connection,
            user_id=made.id,
            stripe_subscription_id="sub_1",
            status=status,
            cancel_at_period_end=False,
        )
        assert (told.user_id, told.subscription_status) == (made.id, status)
    first, second = (
        users.record_user_event(connection, user_id=made.id, event_type=kind)
        for kind in ("search", "click")
    )
    assert ids(users.user_history(connection, user_id=made.id)) == [second, first]
    with pytest.raises(UniqueViolation):
        users.create_user(connection, email="ADA@x.example")
