"""Draw from a seeded stream in ways that no Python release may change.

Only `Random.random` is promised to give the same numbers in every version; `choice`,
`sample` and `shuffle` are not. Everything here is built on that one method.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate
from typing import Final, Generic, TypeVar
from uuid import UUID

T = TypeVar("T")


class Draws:
    """A stream of draws, named so that parts of a data set do not disturb another."""

    def __init__(self, seed: int, name: str) -> None:
        digest = blake2b(f"{seed}/{name}".encode(), digest_size=16).digest()
        # Not for secrets: the numbers are wanted because they can be foretold.
        self._random: Final = random.Random(int.from_bytes(digest))  # noqa: S311

    def unit(self) -> float:
        """Draw a number from 0 up to, but not including, 1."""
        return self._random.random()

    def whole(self, stop: int) -> int:
        """Draw a whole number from 0 up to, but not including, `stop`."""
        return int(self.unit() * stop)

    def between(self, low: float, high: float) -> float:
        """Draw a number between two others, rounded to two decimal places."""
        return round(low + (high - low) * self.unit(), 2)

    def happens(self, probability: float) -> bool:
        """Draw whether something of this probability happens."""
        return self.unit() < probability

    def pick(self, options: Sequence[T]) -> T:
        """Draw one of the options, all equally likely."""
        return options[self.whole(len(options))]

    def pick_early(self, options: Sequence[T]) -> T:
        """Draw one of the options, the first ones much more often than the last."""
        return options[int(self.unit() ** 2 * len(options))]

    def pick_some(self, options: Sequence[T], count: int) -> list[T]:
        """Draw `count` different options, or all there are, in a drawn order."""
        left = list(options)
        return [left.pop(self.whole(len(left))) for _ in range(min(count, len(left)))]

    def uuid(self) -> UUID:
        """Draw a version 4 UUID."""
        number = 0
        for _ in range(4):
            number = number << 32 | int(self.unit() * 2**32)
        return UUID(int=number, version=4)


class Weighted(Generic[T]):
    """Options drawn in proportion to their weights."""

    def __init__(self, options: Sequence[T], weights: Sequence[float]) -> None:
        self._options: Final = options
        self._totals: Final = list(accumulate(weights))

    def pick(self, draws: Draws) -> T:
        """Draw one option."""
        at = bisect_right(self._totals, draws.unit() * self._totals[-1])
        return self._options[min(at, len(self._options) - 1)]


def zipf_weights(count: int, *, exponent: float = 0.9, shift: int = 3) -> list[float]:
    """Return the Zipf-Mandelbrot weights 1 / (rank + shift) ** exponent."""
    return [1 / (rank + shift) ** exponent for rank in range(count)]
