"""Pages with a number, for those who show how many there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from drystone.errors import BadInput

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of rows; ``number`` counts from 1, ``total`` are the rows of all pages."""

    rows: Sequence[T]
    number: int
    limit: int
    total: int

    @property
    def total_pages(self) -> int:
        """How many pages there are; none without rows."""
        return -(-self.total // self.limit)

    @property
    def has_next(self) -> bool:
        """Whether another page comes after this one."""
        return self.number < self.total_pages

    @property
    def has_previous(self) -> bool:
        """Whether this is not the first page."""
        return self.number > 1


def offset(number: int, limit: int) -> int:
    """Return how many rows come before a page; raises BadInput for one that is none."""
    if number < 1 or limit < 1:
        raise BadInput("pages, and their rows, count from 1")
    return (number - 1) * limit
