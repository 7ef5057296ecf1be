"""Erasing a person: the rows, and what the audit log remembers of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from psycopg import Connection

from drystone.systems.ideas import users


def erase_user(connection: Connection[Any], user_id: UUID) -> bool:
    """Erase a user with all that was theirs; tell whether there was such a user.

    The audit log keeps that there were such rows, who changed them and when, but
    nothing of what they held. Backups, rejects and tables of an earlier schema are left
    as they are.
    """
    with connection.transaction():
        erased = users.delete_user_for_good(connection, user_id=user_id)
        users.redact_erased(connection)
    return erased == 1
