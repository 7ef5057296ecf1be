"""A database to try things on: made for a block, and dropped behind it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import sql
from psycopg.conninfo import make_conninfo

from drystone.database.session import connect
from drystone.database.sqlstates import translated
from drystone.errors import PermissionDenied
from drystone.settings import Settings

_NO_OPTIONS = sql.SQL("")


@contextmanager
def scratch_database(
    conninfo: str, settings: Settings, *, options: sql.Composable = _NO_OPTIONS
) -> Iterator[str]:
    """Create an empty database on the same server and lend its conninfo.

    ``options`` are further ones of CREATE DATABASE, such as a locale. Raises
    PermissionDenied if the role may not create databases.
    """
    name = f"drystone_scratch_{secrets.token_hex(6)}"
    # In autocommit, and with no limit: a database takes as long as its disk.
    unhurried = settings.model_copy(update={"statement_timeout": 0.0})
    with translated(), connect(conninfo, unhurried) as connection:
        try:
            with translated():
                connection.execute(
                    sql.SQL("CREATE DATABASE {} TEMPLATE template0 {}").format(
                        sql.Identifier(name), options
                    )
                )
        except PermissionDenied as error:
            error.hint = "Grant CREATEDB to the role, or prove it on another server."
            raise
        try:
            yield make_conninfo(conninfo, dbname=name)
        finally:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )
