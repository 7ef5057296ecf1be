"""Tokens of social accounts: encrypted before they reach the database, and rotated.

A token is sealed by AES-256-GCM as nonce (12 bytes), ciphertext, tag (16 bytes). What
it belongs to is authenticated with it: a token that is copied to another account or
organisation, or put in the place of the other token, cannot be opened. The database
has the id of the key, and never a key.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from psycopg import Connection
from pydantic import SecretStr

from drystone.errors import BadInput, DrystoneError, Location, SettingsError
from drystone.systems.promo import accounts
from drystone.systems.promo.accounts import ConnectAccountRow, ReplaceTokensSet
from drystone.systems.promo.limits import PlanLimitReached
from drystone.systems.promo.types import Platform

NONCE_BYTES: Final = 12
KEY_BYTES: Final = 32

_KEYS: Final = "PROMO_TOKEN_KEYS"
_FORM: Final = "It looks like: current-id:base64-of-32-bytes, older-id:base64, …"


class TokenTampered(DrystoneError):
    """A token is not what was sealed for its account: changed, moved, or another key's.

    Connect the account again, and look at who can write to the database.
    """


class UnknownKey(SettingsError):
    """The key that a token is encrypted with is not in the key ring."""


@dataclass(frozen=True, slots=True)
class Owner:
    """What a token belongs to."""

    account_id: UUID
    organization_id: UUID
    kind: Literal["access", "refresh"]

    def authenticated(self) -> bytes:
        """Return what is authenticated along with the token."""
        parts = (self.account_id.bytes, self.organization_id.bytes, self.kind.encode())
        return b"promo.social_accounts/v1" + b"".join(parts)


class KeyRing:
    """Keys by their ids; what is sealed now is sealed with the current one."""

    def __init__(self, keys: Mapping[str, bytes], *, current: str) -> None:
        for key_id, key in keys.items():
            if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", key_id):
                raise SettingsError(
                    "the id of a token key has other letters than A-Z a-z 0-9 . _ -",
                    hint=_FORM,
                )
            if len(key) != KEY_BYTES:
                raise SettingsError(
                    f"the token key {key_id} has {len(key)} bytes, not {KEY_BYTES}",
                    hint="Make one by: openssl rand -base64 32",
                )
        if current not in keys:
            raise UnknownKey(f"the current token key {current} is not in the key ring")
        self.current = current
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}

    def __repr__(self) -> str:
        return f"KeyRing(current={self.current!r}, keys={sorted(self._ciphers)})"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``id:base64`` pairs, parted by commas or lines; the first is current.

        Raises SettingsError, which never shows a key.
        """
        keys: dict[str, bytes] = {}
        for number, pair in enumerate(re.split(r"[,\n]", text.strip().strip(",")), 1):
            key_id, colon, encoded = (part.strip() for part in pair.partition(":"))
            try:
                key = base64.b64decode(encoded, validate=True)
            except (binascii.Error, ValueError):
                key = b""
            if not colon or not key or key_id in keys:
                raise SettingsError(
                    f"token key {number} is not an id and a key, or is there twice",
                    hint=_FORM,
                )
            keys[key_id] = key
        return cls(keys, current=next(iter(keys)))

    @classmethod
    def load(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read PROMO_TOKEN_KEYS, or the file that PROMO_TOKEN_KEYS_FILE names."""
        values = os.environ if environment is None else environment
        if text := values.get(_KEYS):
            return cls.parse(text)
        path = values.get(f"{_KEYS}_FILE")
        if not path:
            raise SettingsError(
                f"there are no token keys: neither {_KEYS} nor {_KEYS}_FILE is set",
                hint=_FORM,
            )
        try:
            return cls.parse(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise SettingsError(
                f"the file that {_KEYS}_FILE names cannot be read: {error.strerror}",
                location=Location(Path(path), 1),
            ) from None

    def seal(self, token: SecretStr, owner: Owner) -> bytes:
        """Encrypt a token with the current key."""
        secret = token.get_secret_value()
        if not secret:
            raise BadInput(f"the {owner.kind} token is empty")
        nonce = os.urandom(NONCE_BYTES)
        cipher = self._ciphers[self.current]
        return nonce + cipher.encrypt(nonce, secret.encode(), owner.authenticated())

    def open(self, sealed: bytes, owner: Owner, *, key_id: str) -> SecretStr:
        """Decrypt a token; raises TokenTampered and UnknownKey."""
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise UnknownKey(
                f"the token of account {owner.account_id} is encrypted with the key"
                f" {key_id}, which is not in the key ring",
                hint="Add the key, behind the current one, and rotate it away.",
            )
        nonce, ciphertext = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            token = cipher.decrypt(nonce, ciphertext, owner.authenticated())
        except (InvalidTag, ValueError):
            raise TokenTampered(
                f"the {owner.kind} token of account {owner.account_id} fails"
                " authentication",
                hint="Connect the account again; find out who changed the row.",
            ) from None
        return SecretStr(token.decode())


@dataclass(frozen=True, slots=True)
class Tokens:
    """An account's tokens, opened; neither is shown unless it is asked for."""

    access: SecretStr
    refresh: SecretStr | None = None
    expires_at: dt.datetime | None = None


@dataclass(slots=True)
class Rotation:
    """How a rotation went; ``tampered`` are accounts whose tokens could not be opened.

    Their rows are left as they are.
    """

    rotated: int = 0
    tampered: list[UUID] = field(default_factory=list)


def connect(
    connection: Connection[Any],
    keys: KeyRing,
    organization_id: UUID,
    platform: Platform,
    *,
    handle: str,
    tokens: Tokens,
    **profile: Any,
) -> ConnectAccountRow:
    """Connect an account, or connect it again with new tokens.

    ``profile`` are other columns, such as display_name. Raises PlanLimitReached if the
    plan of the organisation's user does not have the platform.
    """
    with connection.transaction():
        found = accounts.find_account(
            connection,
            organization_id=organization_id,
            platform=platform,
            handle=handle,
        )
        if found is None or found.id is None:
            raise AssertionError("unreachable: there is a row for every question")
        row = accounts.connect_account(
            connection,
            id=found.id,
            organization_id=organization_id,
            platform=platform,
            handle=handle,
            expires_at=tokens.expires_at,
            **_seal(keys, found.id, organization_id, tokens),
            **profile,
        )
    if row is None:
        raise PlanLimitReached(
            f"the plan has no accounts on {platform}",
            hint="There must be such an organisation; choose a plan with the platform.",
        )
    return row


def read(connection: Connection[Any], keys: KeyRing, account_id: UUID) -> Tokens:
    """Return an account's tokens; raises TokenTampered, UnknownKey and BadInput."""
    row = accounts.get_account_tokens(connection, account_id=account_id)
    if row is None:
        raise _no_account(account_id)
    return _open(
        keys,
        row.id,
        row.organization_id,
        row.token_key_id,
        Sealed(row.access_token_encrypted, row.refresh_token_encrypted),
        row.expires_at,
    )


def renew(
    connection: Connection[Any], keys: KeyRing, account_id: UUID, tokens: Tokens
) -> None:
    """Store the tokens that a platform gave in place of an account's earlier ones."""
    account = accounts.get_account(connection, account_id=account_id)
    if account is None:
        raise _no_account(account_id)
    accounts.store_tokens(
        connection,
        account_id=account_id,
        expires_at=tokens.expires_at,
        **_seal(keys, account_id, account.organization_id, tokens),
    )


def rotate(
    connection: Connection[Any], keys: KeyRing, old_key_id: str, *, batch: int = 100
) -> Rotation:
    """Encrypt all tokens of an old key with the current one, a batch at a time.

    Each batch is a transaction, or a part of the one that it is called in. Many may do
    so at once: what another has locked is passed by, so run it again until
    count_tokens_by_key no longer lists the key. Raises UnknownKey and BadInput.
    """
    if old_key_id == keys.current:
        raise BadInput(f"the key {old_key_id} is the current one")
    done, after = Rotation(), None
    while True:
        with connection.transaction():
            rows = accounts.lock_tokens_of_key(
                connection, token_key_id=old_key_id, after_id=after, limit_rows=batch
            )
            if not rows:
                return done
            changes = []
            for row in rows:
                sealed = Sealed(row.access_token_encrypted, row.refresh_token_encrypted)
                try:
                    tokens = _open(
                        keys, row.id, row.organization_id, old_key_id, sealed
                    )
                except TokenTampered:
                    done.tampered.append(row.id)
                    continue
                fresh = _seal(keys, row.id, row.organization_id, tokens)
                changes.append(ReplaceTokensSet(account_id=row.id, **fresh))
            if changes:
                done.rotated += accounts.replace_tokens(connection, sets=changes)
        after = rows[-1].id


@dataclass(frozen=True, slots=True)
class Sealed:
    """An account's tokens as the database has them."""

    access: bytes = field(repr=False)
    refresh: bytes | None = field(repr=False)


def _seal(
    keys: KeyRing, account_id: UUID, organization_id: UUID, tokens: Tokens
) -> dict[str, Any]:
    access = keys.seal(tokens.access, Owner(account_id, organization_id, "access"))
    refresh = None
    if tokens.refresh is not None:
        owner = Owner(account_id, organization_id, "refresh")
        refresh = keys.seal(tokens.refresh, owner)
    return {
        "access_token_encrypted": access,
        "refresh_token_encrypted": refresh,
        "token_key_id": keys.current,
    }


def _open(
    keys: KeyRing,
    account_id: UUID,
    organization_id: UUID,
    key_id: str,
    sealed: Sealed,
    expires_at: dt.datetime | None = None,
) -> Tokens:
    owner = Owner(account_id, organization_id, "access")
    access = keys.open(sealed.access, owner, key_id=key_id)
    refresh = None
    if sealed.refresh is not None:
        owner = Owner(account_id, organization_id, "refresh")
        refresh = keys.open(sealed.refresh, owner, key_id=key_id)
    return Tokens(access, refresh, expires_at)


def _no_account(account_id: UUID) -> BadInput:
    return BadInput(
        f"there is no account {account_id}",
        hint="It may be deleted; connect it again.",
    )
