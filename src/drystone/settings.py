"""What can be configured, and from where.

In order of precedence: arguments, ``DRYSTONE_*`` in the environment, the names that
everybody uses (``DATABASE_URL``, libpq's ``PG*``, ``REDIS_URL``, and ``<NAME>_FILE``
for a file that holds the value), the project's ``.env``, and ``[tool.drystone]`` of
``pyproject.toml`` or ``drystone.toml``. Everything has a default: a project that
configures nothing gets the embedded servers and the systems that ship with Drystone.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from dotenv import dotenv_values
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

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

_REDIS_SCHEMES = ("redis", "rediss", "unix")


class Settings(BaseSettings):
    """A project's settings. Durations are in seconds."""

    model_config = SettingsConfigDict(
        env_prefix="DRYSTONE_",
        dotenv_filtering="match_prefix",
        extra="forbid",
        frozen=True,
    )

    project: Path = Field(
        default_factory=Path.cwd,
        description="The folder that holds the configuration and .drystone/.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="A libpq URL or conninfo; unset means the embedded server.",
    )
    redis_url: SecretStr | None = Field(
        default=None,
        description="A redis://, rediss:// or unix:// URL; unset: the embedded Redis.",
    )
    redis_timeout: float = Field(
        default=0.5, gt=0, description="How long Redis may take to answer."
    )
    migrations: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(), description="Folders of migrations; unset means the shipped ones."
    )
    queries: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(), description="Folders of named queries; unset means the shipped."
    )

    structure: Path | None = Field(
        default=None, description="The file that migrate keeps the schema in, if any."
    )

    package: str | None = Field(
        default=None, description="The package that generate writes, by its name."
    )
    package_folder: Path | None = Field(
        default=None, description="The folder of that package."
    )

    service_role: str | None = Field(
        default=None, description="The role that services log in as, for lint."
    )

    application_name: str = Field(
        default="drystone", description="Shown in pg_stat_activity."
    )
    connect_timeout: int = Field(
        default=5, ge=1, description="How long one attempt to connect may take."
    )
    statement_timeout: float = Field(
        default=30.0, ge=0, description="How long a statement may run; 0 is no limit."
    )
    idle_in_transaction_timeout: float = Field(
        default=60.0,
        ge=0,
        description="How long a transaction may wait for its client.",
    )
    session: dict[str, str] = Field(
        default={"hnsw.ef_search": "100", "hnsw.iterative_scan": "strict_order"},
        description="Server parameters that every session starts with.",
    )

    pool_min_size: int = Field(
        default=1, ge=0, description="Connections that a pool keeps open."
    )
    pool_max_size: int = Field(
        default=20, ge=1, description="Connections that a pool may open."
    )
    pool_timeout: float = Field(
        default=30.0, gt=0, description="How long to wait for a free connection."
    )
    transaction_attempts: int = Field(
        default=5, ge=1, description="How often a transaction that lost is run in all."
    )

    migration_lock_wait: float = Field(
        default=60.0, ge=0, description="How long to wait for another runner."
    )
    migration_lock_timeout: float = Field(
        default=2.0, ge=0, description="How long a migration waits for a lock at once."
    )
    migration_retry_budget: float = Field(
        default=300.0, ge=0, description="How long it goes on trying to get its locks."
    )

    redis_prefix: str = Field(
        default="bull",
        min_length=1,
        description="What the keys of the queues in Redis begin with.",
    )
    relay_batch_size: int = Field(
        default=500, ge=1, description="How many jobs the relay sends at once."
    )
    relay_interval: float = Field(
        default=0.2, gt=0, description="How long the relay waits for new jobs."
    )
    receipt_days: int = Field(
        default=30, ge=1, description="How many days the receipts of jobs are kept."
    )
    worker_grace: float = Field(
        default=30.0,
        ge=0,
        description="How long a worker that is asked to end finishes its jobs.",
    )

    @classmethod
    def load(cls, project: Path | None = None, **overrides: Any) -> Self:
        """Read the settings of the project that ``project`` (or the cwd) lies in.

        Overrides that are ``None`` or empty count as not given. Raises SettingsError,
        which names each wrong setting and never shows its value.
        """
        root = find_project(project or Path.cwd())
        given = {name: value for name, value in overrides.items() if value}

        class ProjectSettings(cls):  # type: ignore[valid-type, misc]
            """The same settings, with the sources of this project."""

            @classmethod
            def settings_customise_sources(
                cls,
                settings_cls: type[BaseSettings],
                init_settings: PydanticBaseSettingsSource,
                env_settings: PydanticBaseSettingsSource,
                dotenv_settings: PydanticBaseSettingsSource,
                file_secret_settings: PydanticBaseSettingsSource,
            ) -> tuple[PydanticBaseSettingsSource, ...]:
                return (
                    init_settings,
                    env_settings,
                    _Values(settings_cls, _conventional_names(root)),
                    dotenv_settings,
                    _Values(settings_cls, _configuration_file(root)),
                )

        try:
            settings: Self = ProjectSettings(
                project=root, _env_file=root / ".env", **given
            )
        except ValidationError as error:
            raise SettingsError(
                f"the settings cannot be used: {_problems(error)}",
                hint="docs/settings.md lists every setting with its type.",
            ) from None
        settings.conninfo()
        settings.redis()
        return settings

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take arguments only; :meth:`load` adds what surrounds the process."""
        return (init_settings,)

    @field_validator("migrations", "queries", mode="before")
    @classmethod
    def _split_folders(cls, value: object) -> object:
        return value.split(os.pathsep) if isinstance(value, str) else value

    def conninfo(self) -> str | None:
        """Return the configured database as libpq conninfo, or None if there is none.

        The result may hold a password: never print it; see :func:`without_password`.
        """
        if self.database_url is None:
            return None
        url = self.database_url.get_secret_value()
        try:
            conninfo_to_dict(url)
        except ProgrammingError:
            raise SettingsError(
                "DATABASE_URL is not a PostgreSQL URL or conninfo",
                hint="It looks like postgresql://user@host:5432/database.",
            ) from None
        return url

    def redis(self) -> str | None:
        """Return the configured Redis as a URL, or None if there is none.

        The result may hold a password: never print it.
        """
        if self.redis_url is None:
            return None
        url = self.redis_url.get_secret_value()
        if not _names_a_redis(url):
            raise SettingsError(
                "REDIS_URL is not the URL of a Redis",
                hint="It looks like redis://host:6379/0, rediss://host:6379/0 with TLS,"
                " or unix:///path/of/the/socket.",
            )
        return url


def _names_a_redis(url: str) -> bool:
    try:
        parts = urlsplit(url)
        place = parts.path if parts.scheme == "unix" else parts.hostname
        return parts.scheme in _REDIS_SCHEMES and parts.port != 0 and bool(place)
    except ValueError:
        return False


class _Values(PydanticBaseSettingsSource):
    """Values that were read already, as a source of settings."""

    def __init__(self, settings_cls: type[BaseSettings], values: dict[str, Any]):
        super().__init__(settings_cls)
        self._values = values

    def get_field_value(
        self, field: FieldInfo, field_name: str
    ) -> tuple[Any, str, bool]:
        return self._values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return self._values


def without_password(conninfo: str) -> str:
    """Return conninfo as text that may be shown: the same, without its secrets."""
    parts = conninfo_to_dict(conninfo)
    shown = {key: parts[key] for key in parts if key not in {"password", "sslpassword"}}
    return make_conninfo("", **shown)


def find_project(start: Path) -> Path:
    """Return the nearest folder, from ``start`` upwards, that configures Drystone.

    That is one with ``drystone.toml`` or with ``[tool.drystone]`` in its
    ``pyproject.toml``; without any, ``start`` itself.
    """
    start = start.absolute()
    for folder in (start, *start.parents):
        if _configuration_file(folder) or (folder / "drystone.toml").is_file():
            return folder
    return start


def _configuration_file(folder: Path) -> dict[str, Any]:
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
        for setting in ("structure", "package_folder"):
            if setting in values:
                values[setting] = folder / str(values[setting])
        if values:
            return dict(values)
    return {}


def _conventional_names(root: Path) -> dict[str, Any]:
    """Read DATABASE_URL, ``PG*`` and REDIS_URL: environment, files or ``.env``."""
    dotenv = dotenv_values(root / ".env") if (root / ".env").is_file() else {}
    environment = {**dotenv, **os.environ}
    for name in (*_LIBPQ_KEYWORDS, "DATABASE_URL", "REDIS_URL"):
        path = environment.get(f"{name}_FILE")
        if path and not os.environ.get(name):
            try:
                environment[name] = Path(path).read_text(encoding="utf-8").strip()
            except OSError as error:
                raise SettingsError(
                    f"the file that {name}_FILE names cannot be read: {error.strerror}",
                    location=Location(Path(path), 1),
                ) from None
    redis = environment.get("REDIS_URL")
    found = {"redis_url": redis} if redis else {}
    if url := environment.get("DATABASE_URL"):
        return {**found, "database_url": url}
    if not any(environment.get(name) for name in _LIBPQ_TARGETS):
        return found
    keywords = {key: environment.get(name) for name, key in _LIBPQ_KEYWORDS.items()}
    given = {key: value for key, value in keywords.items() if value}
    return {**found, "database_url": make_conninfo("", **given)}


def _problems(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg'].lower()}"
        for problem in error.errors(include_input=False, include_url=False)
    )
