"""Decide which topics of the demo data are popular, and which go together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from drystone.systems.events.demo.draws import Draws, Weighted, zipf_weights
from drystone.systems.events.demo.vocabulary import Subject


class Interests:
    """What events and people draw their topics from, as positions in `subjects`."""

    def __init__(self, subjects: Sequence[Subject]) -> None:
        self.subjects: Final = subjects
        contents = [at for at, each in enumerate(subjects) if each.area != "-"]
        formats = [at for at, each in enumerate(subjects) if each.area == "-"]
        self._popular: Final = Weighted(contents, zipf_weights(len(contents)))
        self._formats: Final = Weighted(formats, zipf_weights(len(formats)))
        # People follow the fashion less than events do.
        self._liked: Final = Weighted(
            contents, zipf_weights(len(contents), exponent=0.6)
        )
        self._by_area: Final[dict[str, list[int]]] = defaultdict(list)
        for at in contents:
            self._by_area[subjects[at].area].append(at)

    def favourites(self, draws: Draws, *, home: str | None) -> list[int]:
        """Draw one to three topics for somebody who works in the area `home`."""
        near_home = self._by_area.get(home, []) if home else []
        at_home = bool(near_home) and draws.happens(0.7)
        favourites = [draws.pick(near_home) if at_home else self._liked.pick(draws)]
        self._add_related(draws, favourites, self._liked, draws.whole(3))
        return favourites

    def programme(self, draws: Draws) -> list[int]:
        """Draw one to five topics for an event: its subject, others, and a format."""
        topics = [self._popular.pick(draws)]
        self._add_related(draws, topics, self._popular, int(draws.unit() ** 1.5 * 4))
        if draws.happens(0.55):
            topics.append(self._formats.pick(draws))
        return topics

    def _add_related(
        self, draws: Draws, topics: list[int], others: Weighted[int], count: int
    ) -> None:
        """Add up to `count` topics, most of them from the area of the first one."""
        near = self._by_area[self.subjects[topics[0]].area]
        for _ in range(count):
            other = draws.pick(near) if draws.happens(0.75) else others.pick(draws)
            if other not in topics:
                topics.append(other)
