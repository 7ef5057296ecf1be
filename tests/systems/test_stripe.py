"""Stripe's signatures: who may say that an invoice was paid."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drystone.errors import BadInput, SettingsError
from drystone.systems.stripe import (
    ForgedSignature,
    MalformedEvent,
    StaleSignature,
    sign,
    verify,
)

SECRET, NEXT = "whsec_first", "whsec_next"
NOW = 1_760_000_000.0
BODY = json.dumps(
    {
        "id": "evt_1",
        "type": "invoice.paid",
        "created": 1_759_999_990,
        "data": {"object": {"id": "in_1", "customer_email": "ada@example.org"}},
    }
).encode()


def signature(body: bytes = BODY, secret: str = SECRET, at: int = int(NOW)) -> str:
    """By the book, and not by the code that is tested."""
    signed = str(at).encode() + b"." + body
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def header(*digests: str, at: int = int(NOW)) -> str:
    return ",".join([f"t={at}", *(f"v1={digest}" for digest in digests)])


def test_a_genuine_event_is_read() -> None:
    """003-11"""
    event = verify(BODY, header(signature()), SECRET, now=NOW)
    assert (event.id, event.type) == ("evt_1", "invoice.paid")
    assert event.created == datetime.fromtimestamp(1_759_999_990, UTC)
    assert event.object["id"] == "in_1"
    assert event.payload == json.loads(BODY)
    assert "ada@example.org" not in repr(event)


def test_what_is_signed_here_is_signed_as_stripe_does() -> None:
    """003-11"""
    assert sign(BODY, SECRET, at=NOW) == header(signature())
    assert verify(BODY, sign(BODY, SECRET), SECRET).id == "evt_1"


@pytest.mark.parametrize(
    ("body", "given"),
    [
        (BODY, header(signature(secret="whsec_other"))),
        (BODY + b" ", header(signature())),
        (BODY.replace(b"in_1", b"in_2"), header(signature())),
        (BODY, header(signature(), at=int(NOW) + 1)),
        (BODY, f"t={int(NOW)},v0={signature()}"),
        (BODY, f"t={int(NOW)},v1={signature()},v1="),
        (BODY, f"t={int(NOW)},v1={signature().upper()}"),
        (BODY, f"t={int(NOW)},t=1,v1={signature()}"),
        (BODY, f"t=-1,v1={signature()}"),
        (BODY, f"t=١٢٣,v1={signature()}"),
        (BODY, f"v1={signature()}"),
        (BODY, "t=é,v1=é"),
        (BODY, ""),
    ],
)
def test_a_forged_signature_is_refused(body: bytes, given: str) -> None:
    """003-11"""
    with pytest.raises(ForgedSignature) as caught:
        verify(body, given, SECRET, now=NOW)
    told = f"{caught.value} {caught.value.hint}"
    assert SECRET not in told
    assert signature() not in told


@pytest.mark.parametrize("late", [-301, 301, 10**9])
def test_a_signature_of_another_time_is_stale(late: int) -> None:
    """003-11"""
    old = int(NOW) - late
    given = header(signature(at=old), at=old)
    with pytest.raises(StaleSignature, match="300 seconds"):
        verify(BODY, given, SECRET, now=NOW)
    assert verify(BODY, given, SECRET, now=NOW, tolerance=10**9).id == "evt_1"


@pytest.mark.parametrize("late", [-300, 0, 300])
def test_a_signature_within_five_minutes_is_fresh(late: int) -> None:
    """003-11"""
    old = int(NOW) - late
    assert verify(BODY, header(signature(at=old), at=old), SECRET, now=NOW).id


def test_forgery_is_told_before_age() -> None:
    """003-11"""
    with pytest.raises(ForgedSignature):
        verify(BODY, header("0" * 64, at=1), SECRET, now=NOW)


def test_one_of_several_signatures_and_of_several_secrets_is_enough() -> None:
    """003-11"""
    both = header(signature(), signature(secret=NEXT))
    for secrets in (SECRET, NEXT, [NEXT], ["whsec_old", NEXT]):
        assert verify(BODY, both, secrets, now=NOW).id == "evt_1"
    assert verify(BODY, header(signature()), [NEXT, SECRET], now=NOW).id == "evt_1"
    with pytest.raises(ForgedSignature):
        verify(BODY, both, ["whsec_old"], now=NOW)


@pytest.mark.parametrize("secret", ["", [], ["whsec_first", ""]])
def test_without_a_secret_nothing_is_believed(secret: str | list[str]) -> None:
    """003-11"""
    with pytest.raises(SettingsError, match="no secret"):
        verify(BODY, header(signature(secret="")), secret, now=NOW)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "no JSON object"),
        (b"[]", "no JSON object"),
        (b"\xff", "no JSON object"),
        (b"[" * 100_000, "no JSON object"),
        (b"{}", "created, data, id, type"),
        (BODY.replace(b'"evt_1"', b'""'), "see id"),
        (BODY.replace(b"1759999990", b'"soon"'), "see created"),
        (BODY.replace(b'"object"', b'"thing"'), "see data"),
    ],
)
def test_what_is_signed_and_no_event_is_told(body: bytes, told: str) -> None:
    """003-11"""
    with pytest.raises(MalformedEvent, match=told):
        verify(body, header(signature(body)), SECRET, now=NOW)


@given(st.binary(max_size=200), st.text(max_size=200))
def test_no_header_and_no_body_is_believed_by_chance(body: bytes, given: str) -> None:
    """003-11"""
    with pytest.raises(BadInput):
        verify(body, given, SECRET)
