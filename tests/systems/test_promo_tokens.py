"""Tokens in `promo`: sealed, opened by whom they belong to, rotated, never shown."""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from drystone.database.session import connect
from drystone.errors import BadInput, SettingsError
from drystone.settings import Settings
from drystone.systems.promo import accounts, tokens
from drystone.systems.promo.limits import PlanLimitReached
from drystone.systems.promo.tokens import (
    KeyRing,
    Owner,
    Tokens,
    TokenTampered,
    UnknownKey,
    read,
    renew,
    rotate,
)
from drystone.systems.promo.types import Platform
from tests.systems.promo_factories import (
    ALICE_TOKEN,
    KEYS,
    add_account,
    add_organization,
    add_user,
)
from tests.systems.rows import found, value

Connection: TypeAlias = psycopg.Connection[Any]

BOTH = KeyRing({"k1": b"1" * 32, "k2": b"2" * 32}, current="k2")
OWNER = Owner(uuid4(), uuid4(), "access")


def stored(connection: Connection, account: UUID) -> bytes:
    row = found(accounts.get_account_tokens(connection, account_id=account))
    return row.access_token_encrypted


@given(st.text(min_size=1, max_size=300).filter(lambda t: t.isprintable()))
def test_what_is_sealed_is_opened_by_its_owner(token: str) -> None:
    """003-01, 003-11"""
    sealed = KEYS.seal(SecretStr(token), OWNER)
    assert len(sealed) == 12 + len(token.encode()) + 16
    assert KEYS.open(sealed, OWNER, key_id="k1").get_secret_value() == token
    assert sealed != KEYS.seal(SecretStr(token), OWNER)


@pytest.mark.parametrize(
    "changed",
    [
        lambda sealed: sealed[:-1] + bytes([sealed[-1] ^ 1]),
        lambda sealed: bytes([sealed[0] ^ 1]) + sealed[1:],
        lambda sealed: sealed[:20] + bytes([sealed[20] ^ 1]) + sealed[21:],
        lambda sealed: sealed[:-1],
        lambda sealed: sealed[:5],
        lambda sealed: b"\0" * 40,
    ],
)
def test_a_token_that_was_changed_fails_authentication(
    changed: Callable[[bytes], bytes],
) -> None:
    """003-11"""
    sealed = KEYS.seal(SecretStr(ALICE_TOKEN), OWNER)
    with pytest.raises(TokenTampered, match="fails authentication") as caught:
        KEYS.open(changed(sealed), OWNER, key_id="k1")
    assert str(OWNER.account_id) in str(caught.value)
    assert ALICE_TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    "other",
    [
        Owner(uuid4(), OWNER.organization_id, "access"),
        Owner(OWNER.account_id, uuid4(), "access"),
        Owner(OWNER.account_id, OWNER.organization_id, "refresh"),
    ],
)
def test_a_token_belongs_to_its_account_organisation_and_kind(other: Owner) -> None:
    """003-11"""
    sealed = KEYS.seal(SecretStr(ALICE_TOKEN), OWNER)
    with pytest.raises(TokenTampered):
        KEYS.open(sealed, other, key_id="k1")


def test_another_keys_token_is_tampered_and_an_unknown_key_is_told() -> None:
    """003-11"""
    sealed = KEYS.seal(SecretStr(ALICE_TOKEN), OWNER)
    with pytest.raises(TokenTampered):
        BOTH.open(sealed, OWNER, key_id="k2")
    with pytest.raises(UnknownKey, match="k9"):
        BOTH.open(sealed, OWNER, key_id="k9")
    with pytest.raises(BadInput, match="empty"):
        KEYS.seal(SecretStr(""), OWNER)


# --- The key ring ---------------------------------------------------------------

KEY = base64.b64encode(b"1" * 32).decode()
OLD_KEY = base64.b64encode(b"2" * 32).decode()


def test_keys_come_from_the_environment_or_a_file(tmp_path: Path) -> None:
    """003-11, 003-15"""
    file = tmp_path / "keys"
    file.write_text(f"new:{KEY}\nold:{OLD_KEY}\n")
    for environment in (
        {"PROMO_TOKEN_KEYS": f"new:{KEY}, old:{OLD_KEY}"},
        {"PROMO_TOKEN_KEYS_FILE": str(file)},
    ):
        keys = KeyRing.load(environment)
        assert repr(keys) == "KeyRing(current='new', keys=['new', 'old'])"
        sealed = keys.seal(SecretStr(ALICE_TOKEN), OWNER)
        assert keys.open(sealed, OWNER, key_id="new").get_secret_value() == ALICE_TOKEN


@pytest.mark.parametrize(
    "text",
    [
        KEY,
        f"new:{KEY[:-1]}",
        f"new:{KEY},new:{OLD_KEY}",
        f"new:{KEY}\n\nold:{OLD_KEY}",
        f"n w:{KEY}",
        "new:c2hvcnQ=",
        " ",
    ],
)
def test_keys_that_cannot_be_used_are_told_without_being_shown(text: str) -> None:
    """003-11, 003-15"""
    with pytest.raises(SettingsError) as caught:
        KeyRing.load({"PROMO_TOKEN_KEYS": text})
    assert KEY not in f"{caught.value} {caught.value.hint}"


def test_without_keys_it_says_where_to_set_them(tmp_path: Path) -> None:
    """003-11, 003-15"""
    with pytest.raises(SettingsError, match="PROMO_TOKEN_KEYS_FILE"):
        KeyRing.load({})
    with pytest.raises(SettingsError, match="cannot be read"):
        KeyRing.load({"PROMO_TOKEN_KEYS_FILE": str(tmp_path / "none")})
    with pytest.raises(UnknownKey):
        KeyRing({"a": b"1" * 32}, current="b")


# --- Accounts -------------------------------------------------------------------


def test_an_account_is_connected_read_and_renewed(connection: Connection) -> None:
    """003-01, 003-11"""
    own = add_organization(connection)
    account = add_account(connection, own, handle="@Ada")
    opened = read(connection, KEYS, account)
    assert opened.access.get_secret_value() == ALICE_TOKEN
    assert found(opened.refresh).get_secret_value() == f"re-{ALICE_TOKEN}"
    assert found(accounts.get_account(connection, account_id=account)).handle == "Ada"
    assert ALICE_TOKEN.encode() not in stored(connection, account)

    renew(connection, BOTH, account, Tokens(SecretStr("new")))
    opened = read(connection, BOTH, account)
    assert (opened.access.get_secret_value(), opened.refresh) == ("new", None)

    accounts.deactivate_account(connection, account_id=account, error="revoked")
    again = add_account(connection, own, handle="ada")
    assert again == account
    assert found(accounts.get_account(connection, account_id=account)).is_active

    accounts.soft_delete_account(connection, account_id=account)
    for call in (
        lambda: read(connection, KEYS, account),
        lambda: renew(connection, KEYS, account, opened),
    ):
        with pytest.raises(BadInput, match="no account"):
            call()
    assert add_account(connection, own, handle="ada") != account


def test_a_token_copied_to_another_account_fails_authentication(
    connection: Connection,
) -> None:
    """003-11"""
    own = add_organization(connection)
    account, other = add_account(connection, own), add_account(connection, own)
    connection.execute(
        "UPDATE promo.social_accounts SET access_token_encrypted = %s WHERE id = %s",
        [stored(connection, account), other],
    )
    with pytest.raises(TokenTampered, match=str(other)):
        read(connection, KEYS, other)


def test_a_plan_has_only_its_platforms(connection: Connection) -> None:
    """003-01"""
    own = add_organization(connection, user_id=add_user(connection, plan="free"))
    add_account(connection, own, Platform.LINKEDIN)
    with pytest.raises(PlanLimitReached, match="TIKTOK"):
        add_account(connection, own, Platform.TIKTOK)


def test_secrets_are_in_no_log_and_no_repr(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """003-11"""
    with caplog.at_level(logging.DEBUG):
        account = add_account(connection, add_organization(connection))
        opened = read(connection, KEYS, account)
        rotate(connection, BOTH, "k1")
    sealed = tokens.Sealed(b"sealed-bytes", b"sealed-bytes")
    shown = f"{opened!r} {opened} {sealed!r} {KEYS!r} {caplog.text}"
    for secret in (ALICE_TOKEN, "sealed-bytes", "1" * 32):
        assert secret not in shown


# --- Rotation -------------------------------------------------------------------


def test_a_rotation_moves_every_token_to_the_current_key(
    connection: Connection,
) -> None:
    """003-11"""
    own = add_organization(connection)
    moved = [add_account(connection, own, refresh=n % 2 == 0) for n in range(5)]
    accounts.soft_delete_account(connection, account_id=moved[0])
    broken = add_account(connection, own)
    connection.execute(
        "UPDATE promo.social_accounts SET refresh_token_encrypted = %s WHERE id = %s",
        [b"\0" * 40, broken],
    )
    done = rotate(connection, BOTH, "k1", batch=2)
    assert (done.rotated, done.tampered) == (5, [broken])
    keys = {
        row.token_key_id: row.accounts
        for row in accounts.count_tokens_by_key(connection)
    }
    assert keys == {"k1": 1, "k2": 5}
    only_new = KeyRing({"k2": b"2" * 32}, current="k2")
    opened = read(connection, only_new, moved[2])
    assert opened.access.get_secret_value() == ALICE_TOKEN
    assert opened.refresh is not None
    assert rotate(connection, BOTH, "k1").rotated == 0
    with pytest.raises(BadInput, match="current"):
        rotate(connection, BOTH, "k2")
    with pytest.raises(UnknownKey):
        rotate(connection, only_new, "k1")


def test_many_who_rotate_at_once_rotate_each_token_once(
    own: Connection, database_url: str
) -> None:
    """003-11"""
    organization = add_organization(own)
    for _ in range(30):
        add_account(own, organization)

    def run(_: int) -> int:
        with connect(database_url, Settings()) as session:
            return rotate(session, BOTH, "k1", batch=3).rotated

    with ThreadPoolExecutor(4) as threads:
        rotated = sum(threads.map(run, range(4)))
    assert rotated == 30
    only_new = KeyRing({"k2": b"2" * 32}, current="k2")
    for (account,) in own.execute("SELECT id FROM promo.social_accounts"):
        assert read(own, only_new, account).refresh is not None


def test_accounts_whose_token_ends_soon_are_listed_to_refresh(
    connection: Connection,
) -> None:
    """003-01"""
    own = add_organization(connection)
    soon = value(connection, "SELECT now() + INTERVAL '11 hours'")
    late = value(connection, "SELECT now() + INTERVAL '13 hours'")
    due = add_account(connection, own, expires_at=soon)
    add_account(connection, own, expires_at=late)
    add_account(connection, own, expires_at=soon, refresh=False)
    add_account(connection, own)
    paused = add_account(connection, own, expires_at=soon)
    accounts.deactivate_account(connection, account_id=paused, error="revoked")
    before = value(connection, "SELECT now() + INTERVAL '12 hours'")
    rows = accounts.accounts_to_refresh(connection, before=before)
    assert [row.id for row in rows] == [due]
