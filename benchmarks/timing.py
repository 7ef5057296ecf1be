"""Timing that all sides of a comparison share."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


def milliseconds(call: Callable[[T], Any], inputs: Iterable[T]) -> list[float]:
    """Call it with each input and return how long each call took."""
    taken = []
    for each in inputs:
        begin = time.perf_counter()
        call(each)
        taken.append((time.perf_counter() - begin) * 1000)
    return taken


def percentile(values: Sequence[float], percent: int) -> float:
    """Return a percentile of the values, by linear interpolation."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
