"""Made-up restaurants, dishes, connections and mentions, the same in every run.

Dishes and connections are as popular as words are frequent (Zipf), mentions fade with
their age, names are two words of a vocabulary of two thousand and one of eight.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from drystone.systems.dining.flows import NewConnection, NewEntity, NewMention
from drystone.systems.dining.types import EntityType, MentionSource

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
DIMENSIONS = 384

# The first city's south-western corner; the others lie east of it, a degree apart.
CITY_LATITUDE, CITY_LONGITUDE, CITY_DEGREES = 30.1, -98.0, 0.5

_CONSONANTS = list("bcdfghjklmnprstvwz")
_VOWELS = list("aeiou")
_KINDS = ["Bar", "Bistro", "Cafe", "Grill", "House", "Kitchen", "Noodle", "Plate"]
_EXCERPT = (
    "Went back for it twice this week, and the line was worth it both times. " * 2
)
_WORDS = 2000
_CITY_SIZE = 500  # restaurants: more data is more cities
_CATEGORIES = 50
_ATTRIBUTES = 100
_THEMES = 40


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything there is."""

    restaurants: int
    dishes: int
    connections: int
    mentions: int


class Country:
    """The data of one scale."""

    def __init__(self, scale: Scale) -> None:
        self.scale = scale
        self._chance = np.random.default_rng(7)
        self._words = self._vocabulary()

    def entities(self) -> Iterator[NewEntity]:
        """Yield the entities: restaurants with a place, dishes with an embedding."""
        themes = self._chance.standard_normal((_THEMES, DIMENSIONS))
        for number, name in enumerate(self._names(self.scale.restaurants)):
            north, east = self._chance.uniform(0, CITY_DEGREES, 2)
            yield NewEntity(
                EntityType.RESTAURANT,
                name,
                latitude=CITY_LATITUDE + north,
                longitude=CITY_LONGITUDE + number // _CITY_SIZE + east,
                address="1 Main Street",
            )
        for name in self._names(self.scale.dishes):
            embedding = themes[self._chance.integers(_THEMES)] + 0.5 * (
                self._chance.standard_normal(DIMENSIONS)
            )
            yield NewEntity(
                EntityType.DISH_OR_CATEGORY,
                name,
                [f"{name} plate"],
                embedding=embedding.astype(np.float32),
            )
        for kind in (EntityType.DISH_ATTRIBUTE, EntityType.RESTAURANT_ATTRIBUTE):
            for name in self._names(_ATTRIBUTES):
                yield NewEntity(kind, name)

    def connections(
        self,
        restaurants: Sequence[UUID],
        dishes: Sequence[UUID],
        attributes: Sequence[UUID],
    ) -> list[NewConnection]:
        """Return connections between them, each once."""
        made: dict[tuple[UUID, UUID, frozenset[UUID]], NewConnection] = {}
        while len(made) < self.scale.connections:
            has = frozenset(
                attributes[n]
                for n in self._popular(len(attributes), int(self._chance.integers(4)))
            )
            dish = int(self._popular(len(dishes), 1)[0])
            row = NewConnection(
                restaurants[int(self._chance.integers(len(restaurants)))],
                dishes[dish],
                sorted(has),
                [dishes[dish % _CATEGORIES]],
            )
            made[row.restaurant_id, row.dish_id, has] = row
        return list(made.values())

    def mentions(self, connections: Sequence[UUID]) -> Iterator[NewMention]:
        """Yield mentions of the connections, each once."""
        number = self.scale.mentions
        about = self._popular(len(connections), number).tolist()
        ages = self._chance.exponential(90 * 86400, number).tolist()
        upvotes = (self._chance.exponential(20, number) - 3).astype(int).tolist()
        for n in range(number):
            yield NewMention(
                connections[about[n]],
                MentionSource.COMMENT,
                f"k{n:07x}",
                f"p{n // 3:07x}",
                f"https://www.reddit.com/r/austinfood/comments/p{n // 3:07x}",
                "austinfood",
                f"diner_{n % 9973}",
                _EXCERPT,
                upvotes[n],
                NOW - dt.timedelta(seconds=ages[n]),
            )

    def _vocabulary(self) -> list[str]:
        form = (_CONSONANTS, _VOWELS, _CONSONANTS, _CONSONANTS, _VOWELS, _CONSONANTS)
        letters = [self._chance.choice(part, _WORDS) for part in form]
        return sorted({"".join(word) for word in zip(*letters, strict=True)})

    def _names(self, number: int) -> list[str]:
        names: dict[str, None] = {}
        while len(names) < number:
            words = [*self._chance.choice(self._words, 2), self._chance.choice(_KINDS)]
            names[" ".join(words).title()] = None
        return list(names)

    def _popular(self, choices: int, number: int) -> np.ndarray:
        """Choose from the first ``choices`` numbers, small ones more often (Zipf)."""
        return (choices ** self._chance.random(number)).astype(int) % choices
