"""Handlers: what they take, by queue and name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from psycopg import AsyncConnection, Connection
from pydantic import BaseModel

from drystone.errors import SettingsError
from drystone.jobs import Job, Registry
from drystone.jobs.handlers import BadPayload, NoHandler


class Mail(BaseModel):
    to: str
    copies: int = 1


JOB = Job("1", "email", "send-email", 1, datetime(2026, 1, 1, tzinfo=UTC))


def test_a_handler_says_by_its_annotations_what_it_takes() -> None:
    registry = Registry()

    @registry.handler("email", "send-email")
    async def send(connection: AsyncConnection[Any], payload: Mail) -> None: ...

    @registry.handler("email", "recall-email")
    def recall(connection: Connection[Any], payload: Mail, job: Job) -> None: ...

    sending, recalling = registry
    assert (sending.is_async, recalling.is_async) == (True, False)
    assert sending.arguments({"to": "ada"}, JOB) == (Mail(to="ada"),)
    assert recalling.arguments({"to": "ada"}, JOB) == (Mail(to="ada"), JOB)
    assert registry.queues() == ["email"]
    assert registry.find("email", "send-email") is sending


def test_what_is_wrong_with_a_payload_is_named_without_a_value() -> None:
    registry = Registry()

    @registry.handler("email", "send-email")
    async def send(connection: AsyncConnection[Any], payload: Mail) -> None: ...

    (handler,) = registry
    with pytest.raises(BadPayload) as refused:
        handler.arguments({"copies": "s3cret"}, JOB)
    assert str(refused.value) == (
        "the payload of send-email in email is not a Mail: to: missing;"
        " copies: int_parsing"
    )


def test_a_job_that_nobody_handles_is_named() -> None:
    with pytest.raises(NoHandler, match="'send-email' of the queue email"):
        Registry().find("email", "send-email")


def without_a_payload(connection: Connection[Any]) -> None: ...


def without_an_annotation(connection: Any, payload) -> None: ...  # type: ignore[no-untyped-def]


def with_a_dict(connection: Any, payload: dict[str, Any]) -> None: ...


def with_too_much(connection: Any, payload: Mail, job: Job, more: int) -> None: ...


@pytest.mark.parametrize(
    "function", [without_a_payload, without_an_annotation, with_a_dict, with_too_much]
)
def test_a_function_that_cannot_handle_jobs_is_refused(
    function: Callable[..., None],
) -> None:
    with pytest.raises(SettingsError, match=f"{function.__name__} cannot handle jobs"):
        Registry().handler("email", "send-email")(function)


def test_one_name_has_one_handler_also_when_registries_are_joined() -> None:
    first, second = Registry(), Registry()
    for registry in (first, second):

        @registry.handler("email", "send-email")
        async def send(connection: AsyncConnection[Any], payload: Mail) -> None: ...

    with pytest.raises(SettingsError, match="two handlers for the job 'send-email'"):
        first.include(second)
