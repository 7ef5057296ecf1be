from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from drystone.redis.links import AsyncLink, Link, open_async_link, open_link


@pytest.fixture
def link(redis_url: str) -> Iterator[Link]:
    with open_link(redis_url) as opened:
        yield opened


@pytest.fixture
async def async_link(redis_url: str) -> AsyncIterator[AsyncLink]:
    async with open_async_link(redis_url) as opened:
        yield opened
