"""What can be configured, and from where.

In order of precedence: arguments, ``DRYSTONE_*`` in the environment, the names that
everybody uses (``DATABASE_URL``, libpq's ``PG*``, ``REDIS_URL``, and ``<NAME>_FILE``
for a file that holds the value, or one in ``SECRETS_FOLDER``), the project's ``.env``,
and ``[tool.drystone]`` of ``pyproject.toml`` or ``drystone.toml``. Everything has a
default: a project that configures nothing gets the embedded servers and the systems
that ship with Drystone.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

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

from drystone.credentials import AWS_INTERVAL, Login, Renewed, current, read_secret
from drystone.environment import find_project, read_configuration, read_environment
from drystone.errors import SettingsError

_REDIS_SCHEMES = ("redis", "rediss", "unix")

# What says which server is meant. All else a replica has in common with its primary.
_PLACE = ("host", "hostaddr", "port", "service", "target_session_attrs")


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

    # Where passwords are.
    database_secret: str | None = Field(
        default=None, description="A secret with the login, aws:secretsmanager:NAME."
    )

    # Networks and pools under fault; docs/faults.md.
    answer_timeout: float = Field(
        default=120.0,
        ge=0,
        description="How long the server may owe an answer; 0 is no limit.",
    )
    keepalive_idle: int = Field(
        default=10, ge=1, description="After how much silence the network is probed."
    )
    tcp_user_timeout: float = Field(
        default=10.0,
        ge=0,
        description="How long the network may leave what was sent unconfirmed.",
    )
    pool_max_waiting: int = Field(
        default=0,
        ge=0,
        description="How many may wait for a connection before others are refused.",
    )

    # Replicas.
    replica_urls: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        default=(), description="URLs or conninfo of the database's replicas."
    )
    replica_max_lag: float = Field(
        default=5.0, gt=0, description="How late a replica may be that is read from."
    )
    replica_wait: float = Field(
        default=0.5,
        gt=0,
        description="How long a read waits for a replica before it asks the primary.",
    )
    replica_check_interval: float = Field(
        default=1.0, gt=0, description="How long a replica is left between two looks."
    )

    # Backups.
    backup_folder: Path | None = Field(
        default=None, description="Where backups are kept; unset: .drystone/backups."
    )
    backup_keep_last: int = Field(
        default=7, ge=1, description="How many of the last backups prune keeps."
    )
    backup_keep_daily: int = Field(
        default=7, ge=0, description="For how many days it keeps one of each."
    )
    backup_keep_weekly: int = Field(
        default=4, ge=0, description="For how many weeks it keeps one of each."
    )
    backup_keep_monthly: int = Field(
        default=12, ge=0, description="For how many months it keeps one of each."
    )
    restore_memory_mb: int = Field(
        default=1024,
        ge=64,
        description="What a restore may take of the server's memory to build indexes.",
    )

    # What is observed, and `drystone serve`.
    slow_query_ms: float = Field(
        default=500.0,
        ge=0,
        description="From how many ms on a query is logged as slow.",
    )
    log_queries: Literal["none", "slow", "all"] = Field(
        default="slow",
        description="Which queries are logged: none, those slow or failed, or all.",
    )
    serve_grace: int = Field(
        default=10,
        ge=1,
        description="How long serve finishes its requests when it is asked to end.",
    )
    metrics_interval: float = Field(
        default=60.0, gt=0, description="How long sizes of tables and disks are kept."
    )
    recall_interval: float = Field(
        default=3600.0,
        ge=0,
        description="How often the recall of HNSW indexes is measured; 0: never.",
    )
    disk_paths: Annotated[tuple[Path, ...], NoDecode] = Field(
        default=(),
        description="Folders whose disks are measured; unset: the server's, if local.",
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
                    _Values(settings_cls, read_environment(root)),
                    dotenv_settings,
                    _Values(settings_cls, read_configuration(root)),
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
        settings.replicas()
        if settings.database_secret and "database_url" not in given:
            return settings._with_secret(settings.database_secret)
        return settings

    def _with_secret(self, reference: str) -> Self:
        """Return the same settings, whose database is asked for when it is needed."""
        url = self.conninfo() or ""
        renewed = Renewed(
            lambda: make_conninfo(url, **read_secret(reference)), interval=AWS_INTERVAL
        )
        return self.model_copy(update={"database_url": renewed})

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

    @field_validator("migrations", "queries", "disk_paths", mode="before")
    @classmethod
    def _split_folders(cls, value: object) -> object:
        return value.split(os.pathsep) if isinstance(value, str) else value

    @field_validator("replica_urls", mode="before")
    @classmethod
    def _split_urls(cls, value: object) -> object:
        return value.split() if isinstance(value, str) else value

    def conninfo(self) -> str | None:
        """Return the configured database as libpq conninfo, or None if there is none.

        From a file or a secret it is a Login, whose password may change. The result may
        hold a password: never print it; see :func:`without_password`.
        """
        if isinstance(self.database_url, Renewed):
            return Login(partial(_checked, self.database_url))
        return None if self.database_url is None else _checked(self.database_url)

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

    def replicas(self) -> tuple[str, ...]:
        """Return the configured replicas as conninfo, which may hold passwords.

        What one does not say is as in the database's own conninfo, and changes with it:
        the server is another one, the roles and their passwords are the same.
        """
        urls = tuple(url.get_secret_value() for url in self.replica_urls)
        for number, url in enumerate(urls, 1):
            try:
                conninfo_to_dict(url)
            except ProgrammingError:
                raise SettingsError(
                    f"URL {number} of replica_urls is not a PostgreSQL URL or conninfo",
                    hint="They look like postgresql://user@host:5432/database, with"
                    " blanks between them.",
                ) from None
        primary = self.conninfo()
        if primary is None:
            return urls
        return tuple(Login(partial(_replica, url, primary)) for url in urls)


def _checked(secret: SecretStr) -> str:
    url = secret.get_secret_value()
    try:
        conninfo_to_dict(url)
    except ProgrammingError:
        raise SettingsError(
            "DATABASE_URL is not a PostgreSQL URL or conninfo",
            hint="It looks like postgresql://user@host:5432/database.",
        ) from None
    return url


def _replica(url: str, primary: str) -> str:
    """Return a replica's conninfo, with what it has in common with its primary."""
    own, common = conninfo_to_dict(url), conninfo_to_dict(current(primary))
    for keyword in _PLACE:
        common.pop(keyword, None)
    if own.get("user", common.get("user")) != common.get("user"):
        common.pop("password", None)  # it is another user's
    return make_conninfo("", **common | own)


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


def _problems(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg'].lower()}"
        for problem in error.errors(include_input=False, include_url=False)
    )
