from __future__ import annotations

from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from drystone.credentials import current
from drystone.environment import find_project
from drystone.errors import SettingsError
from drystone.settings import Settings, without_password


def test_nothing_configured_means_the_embedded_server(tmp_path: Path) -> None:
    settings = Settings.load(tmp_path)
    assert settings.conninfo() is None
    assert settings.pool_max_size == 20
    assert settings.statement_timeout == 30
    assert settings.idle_in_transaction_timeout == 60
    assert settings.project == tmp_path


def test_an_argument_wins_over_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRYSTONE_DATABASE_URL", "dbname=prefixed")
    monkeypatch.setenv("DATABASE_URL", "dbname=environment")
    assert Settings.load(tmp_path).conninfo() == "dbname=prefixed"
    given = Settings.load(tmp_path, database_url="dbname=argument")
    assert given.conninfo() == "dbname=argument"


def test_the_environment_wins_over_dotenv_and_dotenv_over_the_project_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """002-16, 002-52"""
    (tmp_path / "drystone.toml").write_text("pool_max_size = 1\npool_min_size = 1\n")
    assert Settings.load(tmp_path).pool_max_size == 1
    (tmp_path / ".env").write_text("DRYSTONE_POOL_MAX_SIZE=2\nUNRELATED=x\n")
    assert Settings.load(tmp_path).pool_max_size == 2
    monkeypatch.setenv("DRYSTONE_POOL_MAX_SIZE", "3")
    assert Settings.load(tmp_path).pool_max_size == 3


def test_database_url_may_stand_in_dotenv(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DATABASE_URL=postgresql://app@db/events\n")
    assert Settings.load(tmp_path).conninfo() == "postgresql://app@db/events"


def test_a_secret_may_lie_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """002-07, 002-52"""
    secret = tmp_path / "url"
    secret.write_text("postgresql://app:hunter2@db/events\n")
    monkeypatch.setenv("DATABASE_URL_FILE", str(secret))
    assert Settings.load(tmp_path).conninfo() == "postgresql://app:hunter2@db/events"


def test_a_secret_file_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD_FILE", str(tmp_path / "none"))
    with pytest.raises(SettingsError, match="PGPASSWORD_FILE") as caught:
        Settings.load(tmp_path)
    assert caught.value.location is not None


def test_libpqs_variables_choose_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """002-16, 002-52"""
    monkeypatch.setenv("PGUSER", "app")
    assert Settings.load(tmp_path).conninfo() is None
    monkeypatch.setenv("PGHOST", "db.internal")
    monkeypatch.setenv("PGPASSWORD", "hunter2")
    conninfo = Settings.load(tmp_path).conninfo()
    assert conninfo == "host=db.internal user=app password=hunter2"


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    """002-07, 002-52"""
    url = "postgresql://app:hunter2@db:5432/events"
    settings = Settings.load(tmp_path, database_url=url)
    assert "hunter2" not in f"{settings!r} {settings} {settings.model_dump()}"
    assert "hunter2" not in without_password(url)
    assert "dbname=events" in without_password(url)


def test_a_malformed_url_is_refused_without_being_shown(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.load(tmp_path, database_url="postgresql://app:hunter2@[broken")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("POOL_MAX_SIZE", "secret-looking"), ("STATEMENT_TIMEOUT", "-1")],
)
def test_a_wrong_value_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"DRYSTONE_{name}", value)
    with pytest.raises(SettingsError, match=name.lower()) as caught:
        Settings.load(tmp_path)
    assert value not in str(caught.value)


def test_an_unknown_setting_in_the_project_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "drystone.toml").write_text("pool_maximum = 1\n")
    with pytest.raises(SettingsError, match="pool_maximum"):
        Settings.load(tmp_path)


def test_a_project_file_that_is_not_toml_is_located(tmp_path: Path) -> None:
    (tmp_path / "drystone.toml").write_text("pool_max_size =\n")
    with pytest.raises(SettingsError, match="not valid TOML") as caught:
        Settings.load(tmp_path)
    assert caught.value.location is not None
    assert caught.value.location.file == tmp_path / "drystone.toml"


def test_folders_in_the_project_file_count_from_it(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        '[tool.drystone]\nmigrations = ["db/migrations"]\nqueries = "db/sql"\n'
    )
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find_project(below) == tmp_path
    settings = Settings.load(below)
    assert settings.migrations == (tmp_path / "db/migrations",)
    assert settings.queries == (tmp_path / "db/sql",)


def test_folders_in_the_environment_are_separated_like_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRYSTONE_MIGRATIONS", "a:b")
    assert Settings.load(tmp_path).migrations == (Path("a"), Path("b"))


def test_nothing_configured_means_the_embedded_redis(tmp_path: Path) -> None:
    assert Settings.load(tmp_path).redis() is None


def test_redis_url_comes_from_the_environment_dotenv_or_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """004-06"""
    (tmp_path / ".env").write_text("REDIS_URL=redis://dotenv:6379/1\n")
    assert Settings.load(tmp_path).redis() == "redis://dotenv:6379/1"
    assert Settings.load(tmp_path).conninfo() is None
    secret = tmp_path / "url"
    secret.write_text("rediss://app:hunter2@file:6380\n")
    monkeypatch.setenv("REDIS_URL_FILE", str(secret))
    assert Settings.load(tmp_path).redis() == "rediss://app:hunter2@file:6380"
    monkeypatch.setenv("REDIS_URL", "unix:///run/redis.sock?db=2")
    assert Settings.load(tmp_path).redis() == "unix:///run/redis.sock?db=2"
    monkeypatch.setenv("PGHOST", "db")
    assert Settings.load(tmp_path).redis() == "unix:///run/redis.sock?db=2"
    monkeypatch.setenv("DRYSTONE_REDIS_URL", "redis://prefixed")
    assert Settings.load(tmp_path).redis() == "redis://prefixed"


@pytest.mark.parametrize(
    "url",
    ["hunter2", "http://hunter2@x", "redis://hunter2@x:many", "unix://"],
)
def test_a_url_that_is_no_rediss_is_refused_without_being_shown(
    tmp_path: Path, url: str
) -> None:
    with pytest.raises(SettingsError, match="REDIS_URL is not") as caught:
        Settings.load(tmp_path, redis_url=url)
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"
    assert "hunter2" not in repr(Settings(redis_url=SecretStr("redis://:hunter2@x")))


def test_replica_urls_come_from_the_environment_a_file_or_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Settings.load(tmp_path).replicas() == ()
    (tmp_path / "drystone.toml").write_text('replica_urls = ["host=a dbname=x"]\n')
    assert Settings.load(tmp_path).replicas() == ("host=a dbname=x",)
    secret = tmp_path / "urls"
    secret.write_text("postgresql://b,c:5433/x\npostgresql://d/x\n")
    monkeypatch.setenv("REPLICA_URL_FILE", str(secret))
    both = ("postgresql://b,c:5433/x", "postgresql://d/x")
    assert Settings.load(tmp_path).replicas() == both
    monkeypatch.setenv("REPLICA_URL", "postgresql://e/x")
    assert Settings.load(tmp_path).replicas() == ("postgresql://e/x",)
    monkeypatch.setenv("DRYSTONE_REPLICA_URLS", "postgresql://f/x")
    assert Settings.load(tmp_path).replicas() == ("postgresql://f/x",)


def test_a_replica_has_the_login_of_its_primary_unless_it_has_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "DATABASE_URL",
        "postgresql://app:secret@a:5433,b/x?target_session_attrs=read-write",
    )
    monkeypatch.setenv("REPLICA_URL", "postgresql://c postgresql://other@d/y")
    like, unlike = Settings.load(tmp_path).replicas()
    assert conninfo_to_dict(like) == {
        "host": "c",
        "user": "app",
        "password": "secret",
        "dbname": "x",
    }
    assert conninfo_to_dict(unlike) == {"host": "d", "user": "other", "dbname": "y"}


def test_the_password_of_a_replica_changes_with_its_primarys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = tmp_path / "url"
    url.write_text("postgresql://app:first@a/x")
    monkeypatch.setenv("DATABASE_URL_FILE", str(url))
    monkeypatch.setenv("REPLICA_URL", "postgresql://c")
    (replica,) = Settings.load(tmp_path).replicas()
    assert conninfo_to_dict(replica)["password"] == "first"
    url.write_text("postgresql://app:second@a/x")
    assert conninfo_to_dict(current(replica))["password"] == "second"


def test_a_replica_url_that_is_none_is_refused_without_being_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPLICA_URL", "postgresql://a/x hunter2")
    with pytest.raises(SettingsError, match="URL 2 of replica_urls is not") as caught:
        Settings.load(tmp_path)
    assert "hunter2" not in f"{caught.value} {caught.value.hint}"
