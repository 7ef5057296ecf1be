"""The tables of `dining`: what they hold, what they refuse, what they guard."""

from __future__ import annotations

from typing import Any, LiteralString, TypeAlias

import psycopg
import pytest
from psycopg import errors

from drystone.migrations import proof, runner
from drystone.migrations.files import read_migrations
from drystone.settings import Settings
from drystone.systems import shipped
from tests.systems.catalogs import keys_without_index
from tests.systems.rows import value

Connection: TypeAlias = psycopg.Connection[Any]


# Each breaks one constraint on the development seed, and no other.
VIOLATIONS: dict[str, LiteralString] = {
    "entities_type_normalized_name_key": """
        INSERT INTO dining.entities (type, name) VALUES ('dish_or_category', 'tACO ')
    """,
    "entities_google_place_id_key": """
        INSERT INTO dining.entities (type, name, google_place_id)
        VALUES ('restaurant', 'Elsewhere', 'seed-mariposa')
    """,
    "entities_name_check": """
        INSERT INTO dining.entities (type, name)
        VALUES ('restaurant', repeat('x', 256))
    """,
    "entities_aliases_check": """
        INSERT INTO dining.entities (type, name, aliases)
        VALUES ('restaurant', 'New', '{b,a}')
    """,
    "entities_latitude_check": """
        UPDATE dining.entities SET latitude = 91 WHERE type = 'restaurant'
    """,
    "entities_longitude_check": """
        UPDATE dining.entities SET longitude = -180.1 WHERE type = 'restaurant'
    """,
    "entities_latitude_longitude_check": """
        INSERT INTO dining.entities (type, name, latitude)
        VALUES ('restaurant', 'Half a place', 30)
    """,
    "entities_address_check": """
        UPDATE dining.entities SET address = '' WHERE type = 'restaurant'
    """,
    "entities_google_place_id_check": """
        INSERT INTO dining.entities (type, name, google_place_id)
        VALUES ('restaurant', 'Elsewhere', '')
    """,
    "entities_details_check": """
        UPDATE dining.entities SET details = '[]' WHERE type = 'restaurant'
    """,
    "entities_restaurant_score_check": """
        UPDATE dining.entities SET restaurant_score = 100.0001
        WHERE type = 'restaurant'
    """,
    "entities_embedding_check": """
        UPDATE dining.entities SET embedding = array_fill(0, ARRAY[384])::real[]::vector
    """,
    "entities_type_check": """
        INSERT INTO dining.entities (type, name, address)
        VALUES ('dish_attribute', 'Somewhere', '1 Main Street')
    """,
    "restaurant_attributes_restaurant_id_fkey": """
        INSERT INTO dining.restaurant_attributes (restaurant_id, attribute_id)
        SELECT dish.id, attribute.id
        FROM dining.entities AS dish
        CROSS JOIN dining.entities AS attribute
        WHERE
            dish.type = 'dish_or_category'
            AND attribute.type = 'restaurant_attribute'
    """,
    "restaurant_attributes_attribute_id_fkey": """
        INSERT INTO dining.restaurant_attributes (restaurant_id, attribute_id)
        SELECT restaurant.id, attribute.id
        FROM dining.entities AS restaurant
        CROSS JOIN dining.entities AS attribute
        WHERE restaurant.type = 'restaurant' AND attribute.type = 'dish_attribute'
    """,
    "connections_restaurant_id_dish_id_dish_attributes_key": """
        INSERT INTO dining.connections (restaurant_id, dish_id, dish_attributes)
        SELECT connection.restaurant_id, connection.dish_id, connection.dish_attributes
        FROM dining.connections AS connection
    """,
    "connections_restaurant_id_fkey": """
        INSERT INTO dining.connections (restaurant_id, dish_id)
        SELECT one.id, other.id
        FROM dining.entities AS one
        CROSS JOIN dining.entities AS other
        WHERE one.type = 'dish_or_category' AND other.type = 'dish_or_category'
    """,
    "connections_dish_id_fkey": """
        INSERT INTO dining.connections (restaurant_id, dish_id)
        SELECT one.id, one.id FROM dining.entities AS one WHERE one.type = 'restaurant'
    """,
    "connections_dish_attributes_check": """
        UPDATE dining.connections
        SET dish_attributes = dish_attributes || dish_attributes
    """,
    "connections_categories_check": """
        UPDATE dining.connections SET categories = categories || categories
    """,
    "connection_dishes_dish_id_fkey": """
        UPDATE dining.connections SET categories = dish_attributes
    """,
    "connection_attributes_attribute_id_fkey": """
        UPDATE dining.connections SET dish_attributes = categories
    """,
    "connections_recent_mention_count_check": """
        UPDATE dining.connections SET recent_mention_count = mention_count + 1
    """,
    "connections_source_diversity_check": """
        UPDATE dining.connections SET source_diversity = mention_count + 1
    """,
    "connections_last_mentioned_at_check": """
        UPDATE dining.connections SET last_mentioned_at = NULL
    """,
    "connections_top_mentions_check": """
        UPDATE dining.connections SET top_mentions = '[1, 2, 3, 4, 5, 6]'
    """,
    "connections_dish_score_check": """
        UPDATE dining.connections SET dish_score = -1
    """,
    "connections_strength_check": "UPDATE dining.connections SET strength = 101",
    "mentions_pkey": """
        INSERT INTO dining.mentions TABLE dining.mentions
    """,
    "mentions_connection_id_fkey": """
        UPDATE dining.mentions SET connection_id = gen_random_uuid()
    """,
    "mentions_url_check": "UPDATE dining.mentions SET url = 'javascript:alert(1)'",
    "mentions_excerpt_check": "UPDATE dining.mentions SET excerpt = ''",
    "mentions_posted_at_check": """
        UPDATE dining.mentions SET posted_at = processed_at + INTERVAL '1 second'
    """,
    "users_email_check": "INSERT INTO dining.users (email) VALUES ('nobody')",
    "users_lower_email_key": """
        INSERT INTO dining.users (email) VALUES ('a@b.example'), ('A@B.example')
    """,
    "users_trial_started_at_trial_ends_at_check": """
        INSERT INTO dining.users (email, trial_ends_at) VALUES ('a@b.example', now())
    """,
    "users_referred_by_check": """
        INSERT INTO dining.users (id, email, referred_by)
        SELECT new.id, 'a@b.example', new.id FROM gen_random_uuid() AS new (id)
    """,
    "subscriptions_user_id_fkey": """
        INSERT INTO dining.subscriptions (user_id, status)
        VALUES (gen_random_uuid(), 'active')
    """,
    "user_events_user_id_fkey": """
        INSERT INTO dining.user_events (user_id, event_type)
        VALUES (gen_random_uuid(), 'search')
    """,
}


def test_each_rule_is_enforced_under_its_name(seeded: Connection) -> None:
    """000-01, 000-07, 000-16: a connection between two dishes is among them."""
    found: dict[str, str | None] = {}
    for constraint, statement in VIOLATIONS.items():
        try:
            with seeded.transaction(force_rollback=True):
                seeded.execute(statement)
                found[constraint] = None
        except errors.IntegrityError as error:
            found[constraint] = error.diag.constraint_name
    assert found == {constraint: constraint for constraint in VIOLATIONS}
    assert value(seeded, "SELECT sum(violations) FROM dining.integrity") == 0


def test_a_name_of_punctuation_alone_is_refused(connection: Connection) -> None:
    """000-15"""
    with pytest.raises(errors.NotNullViolation, match="normalized_name"):
        connection.execute(
            "INSERT INTO dining.entities (type, name) VALUES ('restaurant', '!?')"
        )


def test_one_name_is_one_entity_of_each_type(seeded: Connection) -> None:
    """000-15, 000-21: Italian is an attribute of dishes and of restaurants."""
    types = value(
        seeded,
        "SELECT array_agg(type::text) FROM dining.entities WHERE name = 'Italian'",
    )
    assert sorted(types) == ["dish_attribute", "restaurant_attribute"]


def test_what_is_in_use_can_neither_be_deleted_nor_become_another_type(
    own_seeded: Connection,
) -> None:
    """000-07: not even where only an array names it."""
    for kind in ("restaurant", "dish_or_category", "dish_attribute"):
        used = value(
            own_seeded,
            """
            SELECT entity.id
            FROM dining.entities AS entity
            INNER JOIN dining.connections AS connection
                ON entity.id = connection.restaurant_id
                OR entity.id = ANY (connection.categories)
                OR entity.id = ANY (connection.dish_attributes)
            WHERE entity.type::text = %s
            LIMIT 1
            """,
            kind,
        )
        with pytest.raises((errors.RestrictViolation, errors.ForeignKeyViolation)):
            own_seeded.execute("DELETE FROM dining.entities WHERE id = %s", [used])
        with pytest.raises(errors.ForeignKeyViolation):
            own_seeded.execute(
                """
                UPDATE dining.entities
                SET
                    type = 'restaurant_attribute',
                    latitude = NULL,
                    longitude = NULL,
                    address = NULL,
                    google_place_id = NULL,
                    details = '{}',
                    restaurant_score = NULL
                WHERE id = %s
                """,
                [used],
            )


def test_a_deleted_connection_takes_its_mentions_and_members_along(
    seeded: Connection,
) -> None:
    """000-07, 000-17"""
    seeded.execute("DELETE FROM dining.connections")
    counts = seeded.execute(
        """
        SELECT
            (SELECT count(*) FROM dining.mentions),
            (SELECT count(*) FROM dining.connection_dishes),
            (SELECT count(*) FROM dining.connection_attributes)
        """
    ).fetchone()
    assert counts == (0, 0, 0)


def test_members_follow_the_arrays_through_every_change(seeded: Connection) -> None:
    """000-07, 000-16"""
    seeded.execute(
        """
        UPDATE dining.connections
        SET
            categories = '{}',
            dish_id = categories[1],
            dish_attributes = dish_attributes[1:1]
        """
    )
    assert value(seeded, "SELECT sum(violations) FROM dining.integrity") == 0
    assert value(seeded, "SELECT count(*) FROM dining.connection_dishes") == 5
    assert value(seeded, "SELECT count(*) FROM dining.connection_attributes") == 5


def test_a_user_with_a_subscription_stays_and_one_without_goes(
    own: Connection,
) -> None:
    """000-07"""
    own.execute(
        """
        INSERT INTO dining.users (email) VALUES ('pays@x.example'), ('free@x.example');
        INSERT INTO dining.subscriptions (user_id, status)
        SELECT id, 'active' FROM dining.users WHERE email = 'pays@x.example';
        INSERT INTO dining.user_events (user_id, event_type)
        SELECT id, 'search' FROM dining.users;
        UPDATE dining.users AS friend SET referred_by = free.id
        FROM dining.users AS free
        WHERE friend.email LIKE 'pays%' AND free.email LIKE 'free%'
        """
    )
    with pytest.raises((errors.RestrictViolation, errors.ForeignKeyViolation)):
        own.execute("DELETE FROM dining.users WHERE email LIKE 'pays%'")
    own.execute("DELETE FROM dining.users WHERE email LIKE 'free%'")
    left = own.execute("SELECT email, referred_by FROM dining.users").fetchall()
    assert left == [("pays@x.example", None)]
    assert value(own, "SELECT count(*) FROM dining.user_events") == 1


def test_every_foreign_key_has_an_index(connection: Connection) -> None:
    """000-07, 000-18: one that begins with the column that is not a constant."""
    assert keys_without_index(connection, "dining") == []


def test_no_check_reads_another_table(connection: Connection) -> None:
    """000-07: such a check is not looked at again when the other table changes."""
    functions = connection.execute(
        """
        SELECT
            function.proname::text,
            function.provolatile,
            EXISTS (
                SELECT
                FROM pg_catalog.pg_depend AS read
                WHERE
                    read.objid = function.oid
                    AND read.refclassid = 'pg_catalog.pg_class'::regclass
            )
        FROM pg_catalog.pg_constraint AS rule
        INNER JOIN pg_catalog.pg_depend AS dependency
            ON dependency.objid = rule.oid
        INNER JOIN pg_catalog.pg_proc AS function
            ON function.oid = dependency.refobjid
        WHERE
            rule.contype = 'c'
            AND rule.connamespace = 'dining'::regnamespace
            AND dependency.refclassid = 'pg_catalog.pg_proc'::regclass
            AND function.pronamespace = 'dining'::regnamespace
        """
    ).fetchall()
    assert set(functions) == {("alias_set", "i", False), ("sorted_set", "i", False)}


def test_generated_columns_work_under_an_empty_search_path(
    connection: Connection,
) -> None:
    """000-01, 000-19"""
    connection.execute("SET search_path = ''")
    connection.execute(
        "INSERT INTO dining.entities (type, name, aliases)"
        " VALUES ('restaurant', 'Torchy’s Tacos', '{Torchys}')"
    )
    known_as = value(connection, "SELECT known_as FROM dining.entities")
    assert known_as == ["torchys", "torchys tacos"]


def test_dining_needs_core_and_no_contrib_module(
    empty_url: str, settings: Settings
) -> None:
    """000-03, 000-09, 000-19: each migration is proven to go down and up again."""
    migrations = read_migrations([shipped("migrations")])
    proofs = proof.verify(empty_url, settings, migrations, systems=["dining"])
    assert {each.id.partition("-")[0] for each in proofs} == {"core", "dining"}
    assert [each.id for each in proofs if each.reversible is not True] == []


def test_every_migration_of_dining_goes_down_with_rows_in_its_tables(
    own_seeded: Connection, seeded_url: str, settings: Settings
) -> None:
    """000-03, 000-09: the proof's rows are few; the seed's reach every table."""
    migrations = read_migrations([shipped("migrations")])
    own = [each for each in migrations if each.id.startswith("dining-")]
    own_seeded.close()
    undone = runner.rollback(
        seeded_url, settings, migrations, systems=["dining"], steps=len(own)
    )
    assert [each.id for each in undone] == [each.id for each in reversed(own)]
    again = runner.migrate(seeded_url, settings, migrations, systems=["dining"])
    assert [each.id for each in again] == [each.id for each in own]


def test_the_seed_holds_what_a_developer_needs(seeded: Connection) -> None:
    """000-04, 000-10"""
    counts = seeded.execute(
        """
        SELECT
            (SELECT count(*) FROM dining.entities),
            (SELECT count(*) FROM dining.entities WHERE type = 'restaurant'),
            (SELECT count(*) FROM dining.entities WHERE type = 'dish_or_category'),
            (SELECT count(*) FROM dining.entities WHERE type = 'dish_attribute'),
            (SELECT count(*) FROM dining.entities WHERE type = 'restaurant_attribute'),
            (SELECT count(*) FROM dining.connections WHERE dish_score > 0),
            (SELECT count(*) FROM dining.mentions),
            (SELECT count(*) FROM dining.mentions WHERE upvotes < 0),
            (SELECT count(DISTINCT activity_level) FROM dining.connections),
            (SELECT sum(violations) FROM dining.integrity)
        """
    ).fetchone()
    assert counts == (34, 5, 14, 8, 7, 5, 12, 1, 3, 0)
