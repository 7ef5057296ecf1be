"""Secrets from files, a folder, and AWS Secrets Manager, and what becomes of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws
from psycopg.conninfo import conninfo_to_dict

from drystone import credentials
from drystone.credentials import Renewed, current
from drystone.database.session import session_options
from drystone.errors import SettingsError
from drystone.settings import Settings

if TYPE_CHECKING:
    from types_boto3_secretsmanager.client import SecretsManagerClient

RDS = {
    "engine": "postgres",
    "host": "db.example.org",
    "port": 5432,
    "username": "app",
    "password": "first",
    "dbname": "shop",
    "dbInstanceIdentifier": "shop-1",
}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretsManagerClient]:
    """AWS as moto plays it, with the secret ``shop/app`` as RDS writes it."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("DRYSTONE_DATABASE_SECRET", "aws:secretsmanager:shop/app")
    with mock_aws():
        client = boto3.client("secretsmanager")
        client.create_secret(Name="shop/app", SecretString=json.dumps(RDS))
        yield client


def login(settings: Settings) -> str:
    conninfo = settings.conninfo()
    assert conninfo is not None
    return conninfo


def password(conninfo: str) -> object:
    return session_options(conninfo, Settings())["password"]


# --- AWS ------------------------------------------------------------------------


def test_a_secret_as_rds_writes_it_is_a_login(
    aws: SecretsManagerClient, tmp_path: Path
) -> None:
    assert conninfo_to_dict(login(Settings.load(tmp_path))) == {
        "host": "db.example.org",
        "port": "5432",
        "user": "app",
        "password": "first",
        "dbname": "shop",
    }


def test_a_secret_may_be_named_by_its_arn_and_wins_part_by_part(
    aws: SecretsManagerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = aws.describe_secret(SecretId="shop/app")["ARN"]
    monkeypatch.setenv("DRYSTONE_DATABASE_SECRET", f"aws:secretsmanager:{arn}")
    monkeypatch.setenv(
        "DATABASE_URL", "postgresql://somebody@elsewhere/shop?sslmode=verify-full"
    )
    parts = conninfo_to_dict(login(Settings.load(tmp_path)))
    assert (parts["user"], parts["host"]) == ("app", "db.example.org")
    assert parts["sslmode"] == "verify-full"


def test_an_argument_wins_over_a_secret(
    aws: SecretsManagerClient, tmp_path: Path
) -> None:
    given = "postgresql://me@elsewhere/mine"
    assert login(Settings.load(tmp_path, database_url=given)) == given


def test_a_rotated_secret_is_seen_after_the_interval_and_asked_for_once_in_it(
    aws: SecretsManagerClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(credentials, "monotonic", lambda: now)
    asked = []

    def read(reference: str) -> dict[str, str]:
        asked.append(reference)
        return credentials.read_secret(reference)

    monkeypatch.setattr("drystone.settings.read_secret", read)
    conninfo = login(Settings.load(tmp_path))
    for _ in range(50):
        assert password(conninfo) == "first"
    aws.update_secret(
        SecretId="shop/app", SecretString=json.dumps(RDS | {"password": "second"})
    )
    assert password(conninfo) == "first"
    assert len(asked) == 1
    now += credentials.AWS_INTERVAL
    assert password(conninfo) == "second"
    aws.delete_secret(SecretId="shop/app", ForceDeleteWithoutRecovery=True)
    now += credentials.AWS_INTERVAL
    assert password(conninfo) == "second", "what is known goes on while AWS is away"
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("reference", "content", "message"),
    [
        ("aws:secretsmanager:none", None, "ResourceNotFoundException"),
        ("aws:secretsmanager:shop/odd", "S3cret-text", "not a JSON object"),
        ("aws:secretsmanager:shop/odd", '["S3cret-text"]', "not a JSON object"),
        ("aws:secretsmanager:", None, "names no secret"),
        ("vault:shop/app", None, "names no secret"),
    ],
)
def test_a_secret_that_is_no_login_is_refused_without_being_shown(
    aws: SecretsManagerClient,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reference: str,
    content: str | None,
    message: str,
) -> None:
    if content is not None:
        aws.create_secret(Name="shop/odd", SecretString=content)
    monkeypatch.setenv("DRYSTONE_DATABASE_SECRET", reference)
    settings = Settings.load(tmp_path)
    with pytest.raises(SettingsError, match=message) as caught:
        settings.conninfo()
    assert "S3cret" not in f"{caught.value} {caught.value.hint}"


# --- Files ----------------------------------------------------------------------


def test_a_folder_of_secrets_stands_for_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "pgpassword").write_text("first\n")
    (folder / "redis_url").write_text("redis://redis.example.org\n")
    monkeypatch.setenv("SECRETS_FOLDER", str(folder))
    monkeypatch.setenv("PGHOST", "db.example.org")
    settings = Settings.load(tmp_path)
    conninfo = login(settings)
    assert password(conninfo) == "first"
    assert settings.redis() == "redis://redis.example.org"
    (folder / "pgpassword").write_text("second\n")
    assert password(conninfo) == "second"
    monkeypatch.setenv("PGPASSWORD", "of the environment")
    assert password(conninfo) == "of the environment"


def test_a_file_that_is_being_replaced_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "url"
    file.write_text("postgresql://app:first@db.example.org/shop")
    monkeypatch.setenv("DATABASE_URL_FILE", str(file))
    conninfo = login(Settings.load(tmp_path))
    file.write_text("")
    assert password(conninfo) == "first"
    file.unlink()
    assert password(conninfo) == "first"
    file.write_text("postgresql://app:second@db.example.org/shop")
    assert password(conninfo) == "second"


def test_an_argument_wins_over_a_file_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "url"
    file.write_text("postgresql://app@db.example.org/shop")
    monkeypatch.setenv("DATABASE_URL_FILE", str(file))
    given = "postgresql://me@elsewhere/mine"
    assert current(login(Settings.load(tmp_path, database_url=given))) == given


def test_a_renewed_secret_is_not_shown(tmp_path: Path) -> None:
    secret = Renewed(lambda: "S3cret")
    assert secret.get_secret_value() == "S3cret"
    settings = Settings(project=tmp_path, database_url=secret)
    for text in (repr(secret), str(secret), repr(settings), settings.model_dump_json()):
        assert "S3cret" not in text


def test_what_cannot_be_read_the_first_time_is_an_error() -> None:
    def fail() -> str:
        raise SettingsError("it is not there")

    with pytest.raises(SettingsError, match="not there"):
        Renewed(fail).get_secret_value()
