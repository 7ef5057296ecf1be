"""How far a file is that does not run in one transaction, written as it goes.

A checkpoint is advanced only from where it was read. The session of a runner that was
killed may still commit what it had been told to: whoever takes over would do the same
once more, but finds here that it was overtaken.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from psycopg import Connection

Direction = Literal["up", "down"]

_READ = """
SELECT p.done, p.running, p.last_key
FROM public._drystone_progress AS p
WHERE p.migration_id = %s
    AND p.direction = %s
"""

_WRITE = """
INSERT INTO public._drystone_progress AS p (
    migration_id,
    direction,
    done,
    running,
    last_key
)
VALUES (%(migration_id)s, %(direction)s, %(done)s, %(running)s, %(last_key)s)
ON CONFLICT (migration_id, direction) DO UPDATE
SET
    done = EXCLUDED.done,
    running = EXCLUDED.running,
    last_key = EXCLUDED.last_key
WHERE p.done = %(was_done)s::text[]
    AND p.last_key IS NOT DISTINCT FROM %(was_last_key)s
"""

_FORGET = """
DELETE FROM public._drystone_progress AS p
WHERE p.migration_id = %s
    AND p.direction = %s
"""


class Overtaken(Exception):
    """Another session did, meanwhile, what this one was about to do."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Digests of the statements done and of one that may be, or a batch's last key."""

    migration_id: str
    direction: Direction
    done: tuple[str, ...] = ()
    running: str | None = None
    last_key: str | None = None

    @classmethod
    def read(
        cls, connection: Connection[Any], migration_id: str, direction: Direction
    ) -> Checkpoint:
        """Return how far a file is; a file that was not begun has done nothing."""
        row = connection.execute(_READ, [migration_id, direction]).fetchone()
        if row is None:
            return cls(migration_id, direction)
        return cls(migration_id, direction, tuple(row[0]), row[1], row[2])

    def advance(self, connection: Connection[Any], **changes: Any) -> Checkpoint:
        """Write the changes and return the checkpoint that has them.

        It comes first in a transaction: a session that is still at it is waited for.
        Raises Overtaken if that one went on from this checkpoint before.
        """
        then = replace(self, **changes)
        written = connection.execute(
            _WRITE,
            {
                "migration_id": then.migration_id,
                "direction": then.direction,
                "done": list(then.done),
                "running": then.running,
                "last_key": then.last_key,
                "was_done": list(self.done),
                "was_last_key": self.last_key,
            },
        )
        if not written.rowcount:
            raise Overtaken
        return then

    def forget(self, connection: Connection[Any]) -> None:
        """Delete the checkpoint of a file that is done and recorded."""
        connection.execute(_FORGET, [self.migration_id, self.direction])
