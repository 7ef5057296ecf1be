"""The settings of a database, which no dump carries."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import Connection, sql

from drystone.ops.backup.manifest import Setting

_PARAMETER = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_SET = "SELECT pg_catalog.set_config(%s, %s, true)"


def apply_settings(
    connection: Connection[Any], settings: Sequence[Setting]
) -> list[str]:
    """Set what ALTER DATABASE had set; return a sentence for each that was refused.

    The database's owner may set most of them; session_preload_libraries, say, and
    what a role has in this database, are for a superuser or that role's admin.
    """
    refusals = []
    for each in settings:
        try:
            _apply(connection, each)
        except psycopg.Error as error:
            whose = f"role {each.role}" if each.role else "the database"
            refusals.append(
                f"{each.name} could not be set for {whose}:"
                f" {error.diag.message_primary or type(error).__name__}"
            )
    return refusals


def _apply(connection: Connection[Any], setting: Setting) -> None:
    if not _PARAMETER.fullmatch(setting.name):
        raise psycopg.ProgrammingError("not a parameter's name")
    database = sql.Identifier(connection.info.dbname)
    whose = (
        sql.SQL("DATABASE {}").format(database)
        if setting.role is None
        else sql.SQL("ROLE {} IN DATABASE {}").format(
            sql.Identifier(setting.role), database
        )
    )
    name = sql.Identifier(*setting.name.split("."))
    try:
        with connection.transaction():
            # What is stored is a list already: as a literal it would be quoted again.
            connection.execute(_SET, [setting.name, setting.value])
            connection.execute(
                sql.SQL("ALTER {} SET {} FROM CURRENT").format(whose, name)
            )
    except psycopg.errors.CantChangeRuntimeParam:
        # What counts from a session's start only is no list.
        connection.execute(
            sql.SQL("ALTER {} SET {} TO {}").format(
                whose, name, sql.Literal(setting.value)
            )
        )
