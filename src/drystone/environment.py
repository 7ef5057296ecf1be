"""Where settings come from: the environment, files of secrets, and the project's own.

What is read from a file is read again when it is asked for: it may have changed.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from psycopg.conninfo import make_conninfo

from drystone.credentials import Renewed
from drystone.errors import Location, SettingsError

# libpq's environment variables that choose a server or a login on it.
_LIBPQ_KEYWORDS = {
    "PGHOST": "host",
    "PGHOSTADDR": "hostaddr",
    "PGPORT": "port",
    "PGDATABASE": "dbname",
    "PGUSER": "user",
    "PGPASSWORD": "password",
    "PGPASSFILE": "passfile",
    "PGSERVICE": "service",
    "PGSSLMODE": "sslmode",
    "PGSSLROOTCERT": "sslrootcert",
}
# One of these says that there is a server to go to; a bare PGUSER does not.
_LIBPQ_TARGETS = ("PGHOST", "PGHOSTADDR", "PGDATABASE", "PGSERVICE")

# Servers beside the database, and the settings that name them.
_OTHER_SERVERS = {"REDIS_URL": "redis_url", "REPLICA_URL": "replica_urls"}


def find_project(start: Path) -> Path:
    """Return the nearest folder, from ``start`` upwards, that configures Drystone.

    That is one with ``drystone.toml`` or with ``[tool.drystone]`` in its
    ``pyproject.toml``; without any, ``start`` itself.
    """
    start = start.absolute()
    for folder in (start, *start.parents):
        if read_configuration(folder) or (folder / "drystone.toml").is_file():
            return folder
    return start


def read_configuration(folder: Path) -> dict[str, Any]:
    """Read the project's configuration; its relative folders count from ``folder``."""
    for name, keys in (("drystone.toml", ()), ("pyproject.toml", ("tool", "drystone"))):
        path = folder / name
        if not path.is_file():
            continue
        try:
            values: Any = tomllib.loads(path.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(
                f"{name} is not valid TOML: {error}", location=Location(path, 1)
            ) from None
        for key in keys:
            values = values.get(key, {})
        for setting in {"migrations", "queries"} & values.keys():
            listed = values[setting]
            folders = [listed] if isinstance(listed, str) else listed
            values[setting] = tuple(folder / part for part in folders)
        for setting in ("structure", "package_folder", "backup_folder"):
            if setting in values:
                values[setting] = folder / str(values[setting])
        if values:
            return dict(values)
    return {}


def read_environment(root: Path) -> dict[str, Any]:
    """Read the names that everybody uses: environment, files or ``.env``."""
    environment, from_files = _environment(root)
    found: dict[str, Any] = {
        field: environment[name]
        for name, field in _OTHER_SERVERS.items()
        if environment.get(name)
    }
    if url := _database(environment):
        renewable = from_files - _OTHER_SERVERS.keys()
        found["database_url"] = (
            Renewed(lambda: _database(_environment(root)[0]) or "")
            if renewable
            else url
        )
    return found


def _environment(root: Path) -> tuple[dict[str, str | None], set[str]]:
    """Return the environment over ``.env``, and the names that were read from files."""
    dotenv = dotenv_values(root / ".env") if (root / ".env").is_file() else {}
    environment = {**dotenv, **os.environ}
    folder = environment.get("SECRETS_FOLDER")
    from_files = set()
    for name in (*_LIBPQ_KEYWORDS, "DATABASE_URL", *_OTHER_SERVERS):
        path, named_by = environment.get(f"{name}_FILE"), f"{name}_FILE"
        if not path and folder and (Path(folder) / name.lower()).is_file():
            path, named_by = str(Path(folder) / name.lower()), "SECRETS_FOLDER"
        if path and not os.environ.get(name):
            try:
                environment[name] = Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise SettingsError(
                    f"the file that {named_by} names cannot be read: {error.strerror}",
                    location=Location(Path(path), 1),
                ) from None
            from_files.add(name)
    return environment, from_files


def _database(environment: Mapping[str, str | None]) -> str | None:
    if url := environment.get("DATABASE_URL"):
        return url
    if not any(environment.get(name) for name in _LIBPQ_TARGETS):
        return None
    keywords = {key: environment.get(name) for name, key in _LIBPQ_KEYWORDS.items()}
    return make_conninfo("", **{key: each for key, each in keywords.items() if each})
