"""The database to restore into: what it must be, have and allow."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, LiteralString

import psycopg
from psycopg import Connection, sql

from drystone.catalog import Difference, Snapshot, read_snapshot
from drystone.errors import RestoreRefused
from drystone.ops.backup.manifest import Facts, Locale, Manifest, Role
from drystone.ops.backup.reading import read_locale

_ACCOUNT = """
SELECT
    CURRENT_USER::text AS role,
    role.rolsuper AS superuser,
    pg_catalog.pg_get_userbyid(here.datdba) AS owner
FROM pg_catalog.pg_roles AS role
CROSS JOIN pg_catalog.pg_database AS here
WHERE
    role.rolname = CURRENT_USER
    AND here.datname = pg_catalog.current_database()
"""

_TABLES = """
SELECT pg_catalog.count(*)
FROM pg_catalog.pg_tables
WHERE
    schemaname <> 'information_schema'
    AND schemaname !~ '^pg_'
    AND schemaname <> ALL (%s)
"""

_EXISTING = """
SELECT
    'EXTENSION',
    pg_catalog.quote_ident(extension.extname),
    pg_catalog.pg_has_role(extension.extowner, 'USAGE')
FROM pg_catalog.pg_extension AS extension
WHERE extension.extname <> 'plpgsql'
UNION ALL
SELECT
    'SCHEMA',
    pg_catalog.quote_ident(space.nspname),
    pg_catalog.pg_has_role(space.nspowner, 'USAGE')
FROM pg_catalog.pg_namespace AS space
WHERE
    space.nspname <> 'information_schema'
    AND space.nspname !~ '^pg_'
"""

_AVAILABLE = """
SELECT
    extension.name,
    pg_catalog.bool_or(extension.trusted OR NOT extension.superuser)
FROM pg_catalog.pg_available_extension_versions AS extension
GROUP BY extension.name
"""

_ROLES = "SELECT role.rolname FROM pg_catalog.pg_roles AS role"

_MAY_FILL_GRAPHS = """
SELECT pg_catalog.bool_and(pg_catalog.has_table_privilege(name, privilege))
FROM (VALUES ('ag_catalog.ag_graph'), ('ag_catalog.ag_label')) AS tables (name)
CROSS JOIN (VALUES ('SELECT'), ('INSERT'), ('UPDATE')) AS needed (privilege)
"""

# What to do, in messages.
_CREATE_EXTENSION = "CREATE EXTENSION {};"
_CREATE_ROLE = "CREATE ROLE {} NOLOGIN;"
_GRANT_GRAPHS = (
    "GRANT USAGE ON SCHEMA ag_catalog TO {0};"
    " GRANT SELECT, INSERT, UPDATE ON ag_catalog.ag_graph, ag_catalog.ag_label TO {0};"
)

_PROVIDERS: dict[str, tuple[LiteralString, LiteralString]] = {
    "c": ("libc", ""),
    "i": ("icu", " ICU_LOCALE {}"),
    "b": ("builtin", " BUILTIN_LOCALE {}"),
}

# Kinds of objects that a database without anything of its own has.
_EMPTY = {"comment", "extension", "grant", "schema"}

_MADE = re.compile(r"^\d+; \d+ \d+ (EXTENSION|SCHEMA) - (\S+)")
_SAID = re.compile(r"^\d+; \d+ \d+ (?:COMMENT|ACL) - (EXTENSION|SCHEMA) (\S+)")


@dataclass(slots=True)
class Target:
    """What restoring has to heed.

    ``as_owner``: everything in the backup belongs to the owner of its database, and
    shall belong to the role that restores. ``existing`` are extensions and schemas
    that are there already, ``foreign`` those of them that belong to somebody else.
    """

    as_owner: bool
    existing: set[tuple[str, str]]
    foreign: set[tuple[str, str]]
    notes: list[str] = field(default_factory=list)

    def wanted(self, listed: Iterable[str]) -> Iterator[str]:
        """Choose the lines of pg_restore's list that remain to be done."""
        for line in listed:
            made, said = _MADE.match(line), _SAID.match(line)
            if made and (made[1], made[2]) in self.existing:
                continue
            # Only its owner may comment on it, or grant it.
            if said and (said[1], said[2]) in self.foreign:
                continue
            yield line

    def leaves(self, difference: Difference) -> bool:
        """Tell whether it is about what belongs to somebody else."""
        kind, name = difference.kind, difference.object
        left = {f"{one.lower()} {other}" for one, other in self.foreign}
        about = {
            "comment": name,
            "grant": name.partition(" to ")[0],
            "schema": f"schema {name}",
        }
        return about.get(kind) in left


def prepare_target(
    connection: Connection[Any], manifest: Manifest, catalog: Snapshot
) -> Target:
    """Check that a backup can be restored here, and make the roles that it names.

    ``catalog`` is the backup's. Raises RestoreRefused, with what to do.
    """
    facts = manifest.facts
    if facts is None:
        raise AssertionError("the backup is logical")
    here = read_snapshot(connection)
    _require_empty(connection, here)
    server = connection.info.server_version // 10_000
    if server < int(manifest.server.split(".")[0]):
        raise RestoreRefused(
            f"the backup is of PostgreSQL {manifest.server}, this server is older:"
            f" {server}",
            hint="Restore it into the same version or a newer one.",
        )
    role, superuser, owner = connection.execute(_ACCOUNT).fetchone() or ("", False, "")
    found = connection.execute(_EXISTING).fetchall()
    existing = {(kind, name) for kind, name, _ in found}
    foreign = {(kind, name) for kind, name, own in found if not own}
    _require_extensions(connection, facts, existing, role=role, superuser=superuser)
    # The catalog names an owner only where it is not the database's.
    as_owner = not any(each.get("owner") for each in catalog.objects.values())
    if as_owner and owner != role:
        raise RestoreRefused(
            f"the database belongs to {owner}, and {role} would own what is restored",
            hint=f"Connect as {owner}, or ALTER DATABASE … OWNER TO {role}.",
        )
    target = Target(as_owner, existing, foreign)
    if read_locale(connection) != facts.locale:
        options = locale_options(facts.locale).as_string(connection)
        target.notes.append(
            "the database has another locale than the backup, so texts may be sorted"
            " and turned to lower case in another way: for the same, create it by"
            f" CREATE DATABASE … TEMPLATE template0 {options}"
        )
    if foreign:
        told = ", ".join(sorted(f"{kind.lower()} {name}" for kind, name in foreign))
        target.notes.append(
            f"of others, and left as they are with their privileges: {told}"
        )
    wanted = list(facts.roles)
    if not as_owner:
        wanted.append(Role(name=facts.owner, bypassrls=False, member_of=()))
    target.notes += _make_roles(connection, wanted, superuser=superuser)
    if not as_owner and owner != facts.owner:
        target.notes.append(_give(connection, owner, facts.owner))
    return target


def locale_options(locale: Locale) -> sql.Composed:
    """Return what CREATE DATABASE needs for a database of the same locale."""
    provider, named = _PROVIDERS[locale.provider]
    return sql.SQL("ENCODING {} LOCALE_PROVIDER {} LC_COLLATE {} LC_CTYPE {}").format(
        locale.encoding, sql.SQL(provider), locale.collate, locale.ctype
    ) + (sql.SQL(named).format(locale.name) if named else sql.SQL(""))


def _require_empty(connection: Connection[Any], here: Snapshot) -> None:
    schemas = {"public"} | {
        str(properties["schema"])
        for (kind, _), properties in here.objects.items()
        if kind == "extension"
    }
    own = [
        f"{kind} {name}"
        for kind, name in here.objects
        if kind not in _EMPTY or (kind == "schema" and name not in schemas)
    ]
    # The catalog leaves the ledger of migrations out.
    count = connection.execute(_TABLES, [sorted(schemas - {"public"})]).fetchone()
    if own or count != (0,):
        database = connection.info.dbname
        raise RestoreRefused(
            f"the database {database} is not empty: it holds"
            f" {own[0] if own else 'tables'}"
            + (f" and {len(own) - 1} other objects" if len(own) > 1 else ""),
            hint=f"Create one: CREATE DATABASE {database}_restored TEMPLATE template0;"
            " name it in --into; when it is right, rename the two.",
        )


def _require_extensions(
    connection: Connection[Any],
    facts: Facts,
    existing: set[tuple[str, str]],
    *,
    role: str,
    superuser: bool,
) -> None:
    available = dict(connection.execute(_AVAILABLE).fetchall())
    missing = [name for name in facts.extensions if name not in available]
    if missing:
        raise RestoreRefused(
            f"the server does not have the extension {', '.join(missing)}",
            hint="Install its package there first.",
        )
    if superuser:
        return
    wanting = [
        name
        for name, trusted in sorted(available.items())
        if name in facts.extensions
        and not trusted
        and ("EXTENSION", name) not in existing
    ]
    statements = [_CREATE_EXTENSION.format(name) for name in wanting]
    if facts.graphs:
        granted = not wanting and connection.execute(_MAY_FILL_GRAPHS).fetchone()
        if granted != (True,):
            statements.append(_GRANT_GRAPHS.format(role))
    if statements:
        raise RestoreRefused(
            f"{role} is no superuser, which AGE's graphs and some extensions need here",
            hint=f"Let a superuser run in this database: {' '.join(statements)}",
        )


def _give(connection: Connection[Any], owner: str, new: str) -> str:
    """Let the database belong to the role that it belonged to; return a note."""
    name = connection.info.dbname
    statement = sql.SQL("ALTER DATABASE {} OWNER TO {}").format(
        sql.Identifier(name), sql.Identifier(new)
    )
    try:
        connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege:
        raise RestoreRefused(
            f"the database belongs to {owner}, the one in the backup to {new}",
            hint=f"Let a superuser run: {statement.as_string(connection)}",
        ) from None
    return f"the database {name} belongs to {new} now, as in the backup"


def _make_roles(
    connection: Connection[Any], wanted: list[Role], *, superuser: bool
) -> list[str]:
    """Make the roles that the server lacks, without a login; tell which."""
    there = {name for (name,) in connection.execute(_ROLES)}
    missing = [role for role in wanted if role.name not in there]
    try:
        with connection.transaction():
            for role in missing:
                bypass = " BYPASSRLS" if role.bypassrls and superuser else ""
                connection.execute(
                    sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role.name))
                    + sql.SQL(bypass)
                )
            made = there | {role.name for role in missing}
            for role in missing:
                for parent in made.intersection(role.member_of):
                    connection.execute(
                        sql.SQL("GRANT {} TO {}").format(
                            sql.Identifier(parent), sql.Identifier(role.name)
                        )
                    )
    except psycopg.errors.InsufficientPrivilege:
        statements = " ".join(_CREATE_ROLE.format(role.name) for role in missing)
        raise RestoreRefused(
            "the server lacks roles that the backup names, and this one may not make"
            " them",
            hint=f"Let a superuser run: {statements}",
        ) from None
    return [f"made the role {role.name}, without a login" for role in missing]
