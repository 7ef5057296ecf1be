"""Secrets that change while a process runs: from files and from AWS Secrets Manager.

A password that is rotated is first new in one place and then in the other: in the file
or the secret, and on the server. So it is read anew for each connection that is made,
and a pool, which goes on trying for as long as somebody waits, gets through once both
agree.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any

from pydantic import SecretStr

from drystone.errors import SettingsError

# A secret in AWS is asked for at most once in so many seconds, however many connections
# are made, or refused, meanwhile.
AWS_INTERVAL = 10.0

_AWS = "aws:secretsmanager:"

# What the secrets that RDS writes call libpq's keywords.
_KEYWORDS = {
    "host": "host",
    "port": "port",
    "dbname": "dbname",
    "username": "user",
    "password": "password",
}


class Renewed(SecretStr):
    """A secret that is read anew when it is asked for, once in ``interval`` at most.

    While it cannot be read, as in the moment in which its file is replaced, it is what
    it was. The first time, what ``read`` raises is raised.
    """

    def __init__(self, read: Callable[[], str], *, interval: float = 0.0) -> None:
        super().__init__("")
        self._read = read
        self._interval = interval
        self._read_at = float("-inf")
        self._lock = threading.Lock()

    def get_secret_value(self) -> str:
        """Return what the secret is by now."""
        with self._lock:
            if monotonic() >= self._read_at + self._interval:
                self._renew()
            return self._secret_value

    def _renew(self) -> None:
        try:
            value = self._read()
        except SettingsError:
            if not self._secret_value:
                raise
        else:
            self._secret_value = value or self._secret_value
        self._read_at = monotonic()


class Login(str):
    """Conninfo as it was when it was asked for, which knows how to ask again."""

    _ask: Callable[[], str]

    def __new__(cls, ask: Callable[[], str]) -> Login:
        """Ask for the first time."""
        login = super().__new__(cls, ask())
        login._ask = ask
        return login

    def current(self) -> str:
        """Return what the conninfo is by now."""
        return self._ask()


def current(conninfo: str) -> str:
    """Return conninfo with the password of this moment."""
    return conninfo.current() if isinstance(conninfo, Login) else conninfo


def read_secret(reference: str) -> dict[str, str]:
    """Return libpq's keywords from a secret, such as ``aws:secretsmanager:NAME``.

    NAME may be an ARN. The secret is the JSON that RDS writes, of which ``host``,
    ``port``, ``dbname``, ``username`` and ``password`` count. Region and identity are
    found as AWS's own tools find them. Raises SettingsError, without what is in it.
    """
    name = reference.removeprefix(_AWS)
    if name in {"", reference}:
        raise SettingsError(
            "database_secret names no secret",
            hint=f"It looks like {_AWS}NAME, where NAME may be an ARN.",
        )
    text = _ask_aws(name)
    try:
        found: Any = json.loads(text)
        return {
            keyword: str(found[key])
            for key, keyword in _KEYWORDS.items()
            if found.get(key) not in (None, "")
        }
    except (ValueError, AttributeError):
        raise SettingsError(
            f"the secret {name} is not a JSON object",
            hint='It looks like {"username": …, "password": …, "host": …}.',
        ) from None


def _ask_aws(name: str) -> str:
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError
    except ModuleNotFoundError as missing:
        raise SettingsError(
            f"a secret in AWS needs {missing.name}, which is not installed",
            hint="pip install 'drystone[aws]'",
        ) from missing
    try:
        answer = boto3.client("secretsmanager").get_secret_value(SecretId=name)
        return answer["SecretString"]
    except (BotoCoreError, ClientError, KeyError) as error:
        raise SettingsError(
            f"the secret {name} cannot be read from AWS: {_reason(error)}",
            hint="Check its name, the region, and that this identity may read it.",
        ) from error


def _reason(error: Exception) -> str:
    response = getattr(error, "response", {})
    return str(response.get("Error", {}).get("Code") or type(error).__name__)
