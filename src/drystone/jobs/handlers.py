"""What is done for a job: functions with a typed payload, by queue and name."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias, TypeVar, get_type_hints

from psycopg import AsyncConnection, Connection
from pydantic import BaseModel, ValidationError

from drystone.errors import BadInput, DrystoneError, SettingsError

_WITH_JOB = 3


@dataclass(frozen=True, slots=True)
class Job:
    """What a handler may want to know of its job, beside the payload.

    ``id`` stays the same over all attempts, so it serves as the idempotency key of
    calls to others. ``attempt`` counts from 1.
    """

    id: str
    queue: str
    name: str
    attempt: int
    created_at: datetime


class BadPayload(BadInput):
    """A job's payload is not what its handler takes; no retry would help."""


class NoHandler(DrystoneError):
    """A job has a name that this worker has no handler for."""


Payload = TypeVar("Payload", bound=BaseModel)

Function: TypeAlias = (
    Callable[[Connection[Any], Payload], None]
    | Callable[[Connection[Any], Payload, Job], None]
    | Callable[[AsyncConnection[Any], Payload], Awaitable[None]]
    | Callable[[AsyncConnection[Any], Payload, Job], Awaitable[None]]
)


@dataclass(frozen=True, slots=True)
class Handler:
    """A function for the jobs of one name in one queue."""

    queue: str
    name: str
    function: Callable[..., Any]
    payload: type[BaseModel]
    is_async: bool
    takes_job: bool

    def arguments(self, data: object, job: Job) -> tuple[Any, ...]:
        """Return what the function takes after the connection; raises BadPayload.

        The error names fields and what is wrong with each, never a value.
        """
        try:
            payload = self.payload.model_validate(data)
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(map(str, problem['loc'])) or 'payload'}: {problem['type']}"
                for problem in error.errors(
                    include_url=False, include_context=False, include_input=False
                )
            )
            raise BadPayload(
                f"the payload of {job.name} in {job.queue} is not a"
                f" {self.payload.__name__}: {problems}",
                hint="Correct what enqueues it; the job is given up.",
            ) from None
        return (payload, job) if self.takes_job else (payload,)


class Registry:
    """The handlers of a worker."""

    def __init__(self) -> None:
        self._handlers: dict[tuple[str, str], Handler] = {}

    def handler(
        self, queue: str, name: str
    ) -> Callable[[Function[Payload]], Function[Payload]]:
        """Declare the function below to be the handler of a queue's jobs by this name.

        It takes a connection with an open transaction, the payload as the pydantic
        model that its annotation names, and, if it has a third parameter, the
        :class:`Job`. What it does with the connection is committed with the job's
        receipt, or not at all. ``async def`` gets an AsyncConnection, ``def`` a
        Connection and a thread of its own. It must not commit.
        """

        def declare(function: Function[Payload]) -> Function[Payload]:
            self._add(_read(queue, name, function))
            return function

        return declare

    def include(self, other: Registry) -> None:
        """Take over the handlers of another registry."""
        for handler in other:
            self._add(handler)

    def queues(self) -> list[str]:
        """Return the queues that have handlers, by name."""
        return sorted({queue for queue, _ in self._handlers})

    def find(self, queue: str, name: str) -> Handler:
        """Return the handler of a job; raises NoHandler."""
        try:
            return self._handlers[queue, name]
        except KeyError:
            raise NoHandler(
                f"no handler for the job {name!r} of the queue {queue}",
                hint="Declare one, or run the worker that has it.",
            ) from None

    def __iter__(self) -> Iterator[Handler]:
        return iter(self._handlers.values())

    def _add(self, handler: Handler) -> None:
        key = handler.queue, handler.name
        if key in self._handlers:
            raise SettingsError(
                f"two handlers for the job {handler.name!r} of the queue"
                f" {handler.queue}: {_place(self._handlers[key].function)} and"
                f" {_place(handler.function)}"
            )
        self._handlers[key] = handler


def _read(queue: str, name: str, function: Callable[..., Any]) -> Handler:
    parameters = list(inspect.signature(function).parameters.values())
    hints = get_type_hints(function)
    payload = hints.get(parameters[1].name) if len(parameters) > 1 else None
    if not (isinstance(payload, type) and issubclass(payload, BaseModel)):
        raise SettingsError(
            f"{_place(function)} cannot handle jobs: its second parameter is not"
            " annotated with a pydantic model",
            hint="def handler(connection: Connection, payload: MyModel) -> None",
        )
    if len(parameters) > _WITH_JOB:
        raise SettingsError(
            f"{_place(function)} cannot handle jobs: it takes more than a connection,"
            " the payload and the job"
        )
    return Handler(
        queue=queue,
        name=name,
        function=function,
        payload=payload,
        is_async=inspect.iscoroutinefunction(function),
        takes_job=len(parameters) == _WITH_JOB,
    )


def _place(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}"
