"""Stripe's webhooks: an event is believed if its signature is genuine and fresh.

The header ``Stripe-Signature`` is ``t=SECONDS,v1=HEX``, with a ``v1`` for each secret
of the endpoint that is in use (two while a secret is being replaced). Each is the
HMAC-SHA256 of ``SECONDS.PAYLOAD`` (docs.stripe.com/webhooks, "Verify manually").
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import time
from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter
from pydantic import ValidationError as Invalid

from drystone.errors import BadInput, SettingsError

TOLERANCE: Final = 300.0

_SECONDS: Final = re.compile(r"[0-9]{1,12}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_OBJECT: Final = TypeAdapter(dict[str, JsonValue])


class ForgedSignature(BadInput):
    """The payload was not signed with a secret of this endpoint, or was changed."""


class StaleSignature(BadInput):
    """The signature is genuine, and too old: it may be a delivery that is replayed."""


class MalformedEvent(BadInput):
    """The payload is signed, and is no event."""


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True)

    object: dict[str, JsonValue]


class StripeEvent(BaseModel):
    """An event that Stripe did send: what happened to which object, and when.

    ``payload`` is the whole event, for the ledger; neither it nor the object is shown
    by ``repr``, since they tell about customers.
    """

    model_config = ConfigDict(frozen=True)

    id: Annotated[str, Field(min_length=1, max_length=255)]
    type: Annotated[str, Field(min_length=1, max_length=255)]
    created: dt.datetime
    data: Annotated[_Data, Field(repr=False)]
    payload: Annotated[dict[str, JsonValue], Field(repr=False)]

    @property
    def object(self) -> dict[str, JsonValue]:
        """The object of the event, as it was just after it."""
        return self.data.object


def verify(
    payload: bytes,
    header: str,
    secret: str | Sequence[str],
    *,
    now: float | None = None,
    tolerance: float = TOLERANCE,
) -> StripeEvent:
    """Return the event of a request's body, if Stripe sent it just now.

    ``payload`` is the body byte by byte, ``secret`` the endpoint's secret or all that
    are valid, ``now`` seconds since 1970, ``tolerance`` the greatest difference to the
    time of the signature, in either direction. Raises ForgedSignature, StaleSignature
    and MalformedEvent, and SettingsError without a secret.
    """
    secrets = [secret] if isinstance(secret, str) else list(secret)
    if not secrets or not all(secrets):
        raise SettingsError(
            "there is no secret to check Stripe's signatures with",
            hint="Stripe shows it beside the endpoint; it begins with whsec_.",
        )
    signed_at, digests = _read(header)
    # All pairs are compared, each in constant time: how long it takes tells nothing.
    genuine = [
        hmac.compare_digest(_digest(payload, signed_at, each), digest)
        for each in secrets
        for digest in digests
    ]
    if not any(genuine):
        raise ForgedSignature(
            "the signature of a Stripe event is not genuine",
            hint="Check the raw body, unchanged, with this endpoint's own secret.",
        )
    if not abs((time.time() if now is None else now) - int(signed_at)) <= tolerance:
        raise StaleSignature(
            f"a Stripe event was not signed within {tolerance:g} seconds of now",
            hint="If it is not replayed, the clock of this machine may be wrong.",
        )
    return _parse(payload)


def sign(payload: bytes, secret: str, *, at: float | None = None) -> str:
    """Return the header that Stripe would send with a body, for tests and tools."""
    signed_at = str(int(time.time() if at is None else at))
    return f"t={signed_at},v1={_digest(payload, signed_at, secret)}"


def _digest(payload: bytes, signed_at: str, secret: str) -> str:
    signed = signed_at.encode() + b"." + payload
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def _read(header: str) -> tuple[str, list[str]]:
    """Return the time and the v1 signatures of a header; other schemes are passed by.

    Stripe adds v0 in test mode, which is no proof of anything.
    """
    pairs = [part.strip().partition("=")[::2] for part in header.split(",")]
    times = [text for name, text in pairs if name == "t"]
    digests = [text for name, text in pairs if name == "v1"]
    if (
        len(times) != 1
        or not _SECONDS.fullmatch(times[0])
        or not digests
        or not all(_DIGEST.fullmatch(digest) for digest in digests)
    ):
        raise ForgedSignature(
            "the Stripe-Signature header is not one of Stripe's",
            hint="It looks like t=1492774577,v1=5257a869e7ecebeda32affa62cdca3fa51c…",
        )
    return times[0], digests


def _parse(payload: bytes) -> StripeEvent:
    try:
        whole = _OBJECT.validate_json(payload)
        return StripeEvent.model_validate({**whole, "payload": whole})
    except Invalid as error:
        wrong = {str(part["loc"][0]) for part in error.errors() if part["loc"]}
        raise MalformedEvent(
            "a signed Stripe payload is not an event: "
            + (f"see {', '.join(sorted(wrong))}" if wrong else "it is no JSON object"),
            hint="Point only Stripe's webhooks, of snapshot payloads, at this address.",
        ) from None
