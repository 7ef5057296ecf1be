"""Which database is meant: the configured one, or the embedded server's."""

from __future__ import annotations

from dataclasses import dataclass

from drystone.embedded import EmbeddedServer
from drystone.settings import Settings


@dataclass(frozen=True, slots=True)
class Target:
    """A database to connect to. ``conninfo`` may hold a password."""

    conninfo: str
    embedded: bool


def locate(settings: Settings) -> Target:
    """Return the configured database; without one, start the embedded server.

    Raises EmbeddedServerError when that server cannot be had.
    """
    conninfo = settings.conninfo()
    if conninfo is not None:
        return Target(conninfo, embedded=False)
    return Target(EmbeddedServer(settings.project).start(), embedded=True)
