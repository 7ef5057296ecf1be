"""What takes several statements: resolving names, loading in bulk, merging, scoring.

Each flow is one transaction, or a part of the one that it is called in. To try it again
when it loses against another one, hand it to ``drystone.database.transactions``::

    in_transaction(pool, lambda connection: merge(connection, keep_id=a, drop_id=b))
"""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
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

# Above the first, a name is taken for the entity; above the second, a person is asked.
SURE: Final = 0.85
POSSIBLE: Final = 0.7


# --- Resolving ------------------------------------------------------------------


class Tier(StrEnum):
    """How a name was found, surest first."""

    EXACT = "exact"
    ALIAS = "alias"
    FUZZY = "fuzzy"
    SEMANTIC = "semantic"


class Decision(StrEnum):
    """What to do with a name: use the entity, ask a person, make a new entity."""

    SAME = "same"
    REVIEW = "review"
    NEW = "new"


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a name was found to mean; the entity is None for a new one."""

    name: str
    decision: Decision
    tier: Tier | None = None
    entity_id: UUID | None = None
    confidence: float = 0.0


def resolve(
    connection: Connection[Any],
    names: Sequence[str],
    *,
    type: EntityType,
    embeddings: Mapping[str, VectorInput] | None = None,
) -> list[Resolution]:
    """Find the entities of one type that names mean, in the order of the names.

    What a tier finds, the next one is not asked. Confidence is 1 for a name and an
    alias, trigram similarity for a spelling: above 0.85 it is the same, from 0.7 on a
    person decides. By the embeddings, where given, cosine similarity suggests what to
    review and decides nothing.
    """
    found: dict[str, Resolution] = {}

    def missing() -> list[str]:
        return [name for name in dict.fromkeys(names) if name not in found]

    with connection.transaction():
        for exact in resolving.resolve_exact(connection, names=missing(), type=type):
            found[exact.given_name] = _certain(
                exact.given_name, Tier.EXACT, exact.entity_id
            )
        for alias in resolving.resolve_alias(connection, names=missing(), type=type):
            found[alias.given_name] = _certain(
                alias.given_name, Tier.ALIAS, alias.entity_id
            )
        for alike in resolving.resolve_fuzzy(
            connection,
            names=missing(),
            type=type,
            min_similarity=POSSIBLE,
            limit_rows=1,
        ):
            found[alike.given_name] = Resolution(
                alike.given_name,
                Decision.SAME if alike.similarity > SURE else Decision.REVIEW,
                Tier.FUZZY,
                alike.entity_id,
                alike.similarity,
            )
        for name in missing():
            if name in (embeddings or {}):
                ...
    return [found.get(name, Resolution(name, Decision.NEW)) for name in names]
