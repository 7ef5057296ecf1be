"""Ids of the development seed of `events`."""

from __future__ import annotations

from uuid import UUID

from tests.systems.rows import seed_id


def event(number: int) -> UUID:
    return seed_id("e", number)


def speaker(number: int) -> UUID:
    return seed_id("5", number)


def company(number: int) -> UUID:
    return seed_id("c", number)


def topic(number: int) -> UUID:
    return seed_id("7", number)
