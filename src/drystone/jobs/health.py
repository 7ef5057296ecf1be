"""How the queues are: what waits in the outbox, and what Redis has of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from psycopg import AsyncConnection

from drystone.errors import RedisUnavailable
from drystone.jobs.broker import Broker, Counts, open_client
from drystone.settings import Settings
from drystone.systems.core import outbox
from drystone.systems.core.outbox import OutboxHealthRow

# A relay sends at once, so a job that waits this long waits for a relay.
_UNSENT_S = 60.0


@dataclass(frozen=True, slots=True)
class QueueHealth:
    """One queue; ``redis`` is None while Redis is away. Ages are in seconds."""

    outbox: OutboxHealthRow
    redis: Counts | None


@dataclass(frozen=True, slots=True)
class QueuesHealth:
    """All queues, and whether jobs get through; ``reason`` says why they may not."""

    status: Literal["ok", "degraded"]
    reason: str | None
    queues: tuple[QueueHealth, ...]

    def as_document(self) -> dict[str, Any]:
        """Return what ``drystone queues --json`` prints."""
        return {
            "status": self.status,
            "reason": self.reason,
            "queues": [
                {
                    "queue": each.outbox.queue,
                    "paused": each.outbox.paused,
                    "max_active": each.outbox.max_active,
                    "outbox": {
                        "unsent": each.outbox.unsent,
                        "sent": each.outbox.sent,
                        "oldest_unsent_s": round(each.outbox.oldest_unsent_s, 3),
                        "oldest_sent_s": round(each.outbox.oldest_sent_s, 3),
                    },
                    "redis": None if each.redis is None else asdict(each.redis),
                }
                for each in self.queues
            ],
        }


async def queues_health(
    connection: AsyncConnection[Any], redis_url: str, settings: Settings
) -> QueuesHealth:
    """Look at every queue; a Redis that is away is a finding, not an error.

    Raises DatabaseUnavailable.
    """
    rows = await outbox.outbox_health(connection)
    counts: dict[str, Counts] = {}
    reason = None
    try:
        counts = await count_queues([row.queue for row in rows], redis_url, settings)
    except RedisUnavailable as error:
        reason = f"{error.message}; jobs wait in the outbox meanwhile"
    waiting = max((row.oldest_unsent_s for row in rows), default=0.0)
    if reason is None and waiting > _UNSENT_S:
        reason = (
            f"a job has waited in the outbox for {waiting:.0f} s, as if no relay sent"
            " it; see that drystone relay runs"
        )
    return QueuesHealth(
        status="ok" if reason is None else "degraded",
        reason=reason,
        queues=tuple(QueueHealth(row, counts.get(row.queue)) for row in rows),
    )


async def count_queues(
    queues: Sequence[str], redis_url: str, settings: Settings
) -> dict[str, Counts]:
    """Count what Redis has of each queue; raises RedisUnavailable."""
    client = open_client(redis_url)
    broker = Broker(client, settings.redis_prefix)
    try:
        return {queue: await broker.count(queue) for queue in queues}
    finally:
        await client.aclose()
