"""From the systems' transactions through outbox, relay and Redis to their handlers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import psycopg

from drystone.jobs import Registry
from drystone.systems.promo import posts
from drystone.systems.promo.publishing import Post, Published, PublishPost
from drystone.systems.shop.mailing import EmlFiles, OrderEmails
from tests.jobs.conftest import Shop as Queues
from tests.systems import promo_factories, shop_factories
from tests.systems.rows import found

Connection: TypeAlias = psycopg.Connection[Any]


def mails(folder: Path) -> list[str]:
    return [path.read_text() for path in folder.glob("*.eml")]


class Network:
    """A social network that remembers what it was given."""

    def __init__(self) -> None:
        self.posts: list[Post] = []

    def publish(self, post: Post) -> Published:
        self.posts.append(post)
        return Published("1", "https://social.example.org/1")


async def test_a_post_is_published_and_an_order_is_confirmed_by_mail(
    own: Connection, database_url: str, redis_url: str, tmp_path: Path
) -> None:
    """003-06, 003-14, 004-03"""
    network = Network()
    registry = Registry()
    registry.handler("publishing", "publish-post")(PublishPost(network).handle)
    registry.handler("email", "shop.order-email")(
        OrderEmails(EmlFiles(tmp_path)).handle
    )
    queues = Queues(database_url, redis_url, own)
    async with queues.relaying(), queues.working(registry):
        post = promo_factories.add_post(own)
        placed = shop_factories.order(own)
        await queues.until(
            lambda: network.posts != [] and mails(tmp_path) != [],
            "a post and a mail",
        )
        await queues.until(
            lambda: queues.rows("SELECT queue FROM core.outbox") == [("analytics",)],
            "receipts of both; the figures are to be collected in an hour",
        )
    assert [each.id for each in network.posts] == [post]
    row = found(posts.get_post(own, post_id=post))
    assert row.status == "PUBLISHED"
    (mail,) = mails(tmp_path)
    assert placed.order_number in mail
