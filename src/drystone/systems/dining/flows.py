"""What takes several statements: resolving names, loading in bulk, scoring, merging.

Each flow is one transaction, or a part of the one that it is called in. To run it again
when it loses against another one, hand it to ``drystone.database.transactions``::

    in_transaction(pool, lambda connection: merge(connection, keep_id=a, drop_id=b))
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, Final, NamedTuple
from uuid import UUID

from psycopg import Connection
from pydantic import JsonValue

from drystone.database.copy import copy_rows
from drystone.errors import BadInput
from drystone.queries.runtime import VectorInput
from drystone.systems.dining import load, scores
from drystone.systems.dining import merge as merging
from drystone.systems.dining import resolve as resolving
from drystone.systems.dining.types import EntityType, MentionSource

logger = logging.getLogger(__name__)


# --- Resolving ------------------------------------------------------------------

# A name more alike than the first is the same; from the second on, a person decides.
SURE: Final = 0.85
POSSIBLE: Final = 0.7


class Tier(StrEnum):
    """How an entity was found, surest first."""

    EXACT = "exact"
    ALIAS = "alias"
    FUZZY = "fuzzy"
    SEMANTIC = "semantic"


class Decision(StrEnum):
    """What to do with a name: take the entity, ask a person, make a new entity."""

    SAME = "same"
    REVIEW = "review"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a name was found to mean; a new one has neither tier nor entity."""

    name: str
    decision: Decision = Decision.NEW
    tier: Tier | None = None
    entity_id: UUID | None = None
    confidence: float = 0.0


def resolve(
    connection: Connection[Any],
    names: Sequence[str],
    *,
    type: EntityType,  # noqa: A002 -- the column's name
    embeddings: Mapping[str, VectorInput] | None = None,
) -> list[Resolution]:
    """Find the entities of one type that names mean, in the order of the names.

    What one tier finds, the next is not asked. Names and aliases are certain; a
    spelling is by its trigram similarity. For the rest, ``embeddings`` by name suggest
    what is near in meaning, as cosine similarity, and always for a person to decide:
    what means the like need not be the same.
    """
    tiers = (_by_name, _by_alias, _by_spelling, partial(_by_meaning, embeddings or {}))
    found: dict[str, Resolution] = {}
    with connection.transaction():
        for tier in tiers:
            missing = [name for name in dict.fromkeys(names) if name not in found]
            found |= {each.name: each for each in tier(connection, missing, type)}
    return [found.get(name, Resolution(name)) for name in names]


def _by_name(
    connection: Connection[Any], names: Sequence[str], type_: EntityType
) -> list[Resolution]:
    return [
        Resolution(row.given_name, Decision.SAME, Tier.EXACT, row.entity_id, 1.0)
        for row in resolving.resolve_exact(connection, names=names, type=type_)
    ]


def _by_alias(
    connection: Connection[Any], names: Sequence[str], type_: EntityType
) -> list[Resolution]:
    return [
        Resolution(row.given_name, Decision.SAME, Tier.ALIAS, row.entity_id, 1.0)
        for row in resolving.resolve_alias(connection, names=names, type=type_)
    ]


def _by_spelling(
    connection: Connection[Any], names: Sequence[str], type_: EntityType
) -> list[Resolution]:
    rows = resolving.resolve_fuzzy(
        connection, names=names, type=type_, min_similarity=POSSIBLE, limit_rows=1
    )
    return [
        Resolution(
            row.given_name,
            Decision.SAME if row.similarity > SURE else Decision.REVIEW,
            Tier.FUZZY,
            row.entity_id,
            row.similarity,
        )
        for row in rows
    ]


def _by_meaning(
    embeddings: Mapping[str, VectorInput],
    connection: Connection[Any],
    names: Sequence[str],
    type_: EntityType,
) -> list[Resolution]:
    return [
        Resolution(name, Decision.REVIEW, Tier.SEMANTIC, row.entity_id, row.similarity)
        for name in names
        if name in embeddings
        for row in resolving.resolve_semantic(
            connection, embedding=embeddings[name], type=type_, limit_rows=1
        )
        if row.similarity >= POSSIBLE
    ]


# --- Loading --------------------------------------------------------------------


class NewEntity(NamedTuple):
    """An entity to load; only a restaurant has more than a name and an embedding."""

    type: EntityType
    name: str
    aliases: list[str] | None = None
    latitude: float | None = None
    longitude: float | None = None
    address: str | None = None
    google_place_id: str | None = None
    details: Mapping[str, JsonValue] | None = None
    embedding: VectorInput | None = None


class NewConnection(NamedTuple):
    """A connection to load, by the ids of its entities."""

    restaurant_id: UUID
    dish_id: UUID
    dish_attributes: list[UUID] | None = None
    categories: list[UUID] | None = None
    is_menu_item: bool = True


class NewMention(NamedTuple):
    """A mention to load; ``posted_at`` has a time zone."""

    connection_id: UUID
    source: MentionSource
    source_id: str
    thread_id: str
    url: str
    subreddit: str
    author: str | None
    excerpt: str
    upvotes: int
    posted_at: dt.datetime


def load_entities(
    connection: Connection[Any], entities: Iterable[NewEntity]
) -> list[load.UpsertStagedEntitiesRow]:
    """Store entities by COPY and return them all, the new and the known.

    One that is there already, by type and normalised name, gets the new aliases and
    what was unknown of it. Raises typed errors for rows that the table refuses; nothing
    is stored then. So do the other loads.
    """
    with connection.transaction():
        load.stage_entities(connection)
        copy_rows(connection, "pg_temp.staged_entities", NewEntity._fields, entities)
        stored = load.upsert_staged_entities(connection)
    logger.info("entities loaded, stored=%d", len(stored))
    return stored


def load_connections(
    connection: Connection[Any], connections: Iterable[NewConnection]
) -> list[load.UpsertStagedConnectionsRow]:
    """Store connections by COPY and return them all, the new and the known.

    One that is there already, by restaurant, dish and set of dish attributes, gets the
    new categories.
    """
    with connection.transaction():
        load.stage_connections(connection)
        copy_rows(
            connection, "pg_temp.staged_connections", NewConnection._fields, connections
        )
        stored = load.upsert_staged_connections(connection)
    logger.info("connections loaded, stored=%d", len(stored))
    return stored


@dataclass(frozen=True, slots=True)
class LoadedMentions:
    """How many mentions were sent, new, and known with other upvotes."""

    sent: int
    inserted: int
    updated: int


def load_mentions(
    connection: Connection[Any], mentions: Iterable[NewMention]
) -> LoadedMentions:
    """Store mentions by COPY; what they make of the scores is up to :func:`recompute`.

    One that is there already, by connection and source, gets the upvotes of now.
    """
    with connection.transaction():
        load.stage_mentions(connection)
        sent = copy_rows(
            connection, "pg_temp.staged_mentions", NewMention._fields, mentions
        )
        stored = load.upsert_staged_mentions(connection)
    loaded = LoadedMentions(sent, stored.inserted, stored.updated)
    logger.info("mentions loaded, %s", loaded)
    return loaded


# --- Scoring --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Recomputed:
    """How many connections were counted anew, and how many scores have changed."""

    connections: int
    dish_scores: int
    restaurant_scores: int


def recompute(
    connection: Connection[Any],
    connection_ids: Sequence[UUID] | None = None,
    *,
    as_of: dt.datetime | None = None,
) -> Recomputed:
    """Count the mentions of connections, of all unless told, and score what they touch.

    Ages are counted from ``as_of``, or from now.
    """
    with connection.transaction():
        done = Recomputed(
            scores.recompute_connection_metrics(
                connection, connection_ids=connection_ids, as_of=as_of
            ),
            scores.recompute_dish_scores(connection, connection_ids=connection_ids),
            scores.recompute_restaurant_scores(
                connection, connection_ids=connection_ids
            ),
        )
    logger.info("scores recomputed, %s", done)
    return done


# --- Merging --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Merged:
    """How many connections stay, with which gains, and how many became one of them."""

    connections: int
    duplicates: int
    mentions: int


def merge(connection: Connection[Any], *, keep_id: UUID, drop_id: UUID) -> Merged:
    """Make everything that names one entity name another, and delete the first.

    Its names become aliases, connections that become the same are made one with the
    mentions of both, and what the move touches is scored anew. Raises BadInput for an
    entity and itself, for one that does not exist, and for two types.
    """
    pair = {"keep_id": keep_id, "drop_id": drop_id}
    with connection.transaction():
        types = [row.type for row in merging.lock_pair(connection, **pair)]
        if len(types) != len(pair):
            raise BadInput("a merge needs two entities that exist and are not the same")
        if len(set(types)) > 1:
            raise BadInput(f"a {types[0]} and a {types[1]} cannot be merged")
        merging.lock_merged_connections(connection, **pair)
        mentions = merging.move_mentions(connection, **pair)
        renamed = merging.rename_connections(connection, **pair)
        duplicates = merging.delete_duplicates(connection, **pair)
        merging.move_restaurant_attributes(connection, **pair)
        merging.absorb_entity(connection, **pair)
        recompute(connection, renamed)
    merged = Merged(len(renamed), duplicates, mentions)
    logger.info("entities merged, %s", merged)
    return merged
