"""Wait for a database that is about to come: at a deployment, or after a restart."""

from __future__ import annotations

import time

from drystone.database.session import connect
from drystone.errors import DatabaseError
from drystone.settings import Settings

_INTERVAL = 0.5


def wait_for_database(conninfo: str, settings: Settings, *, seconds: float) -> None:
    """Return once the database takes connections and answers.

    Whatever keeps it from that is waited for, a wrong password included: at the first
    start of a server, its roles come after itself. After ``seconds`` the last reason is
    raised, a DatabaseUnavailable as a rule.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            connect(conninfo, settings).close()
        except DatabaseError:
            if time.monotonic() + _INTERVAL > deadline:
                raise
        else:
            return
        time.sleep(_INTERVAL)
