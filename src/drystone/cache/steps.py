"""Flows that speak to Redis and to the database, written once for both worlds.

A flow is a generator: it yields what is to be done and is sent what came of it. Threads
and asyncio each have a runner that does it, in ``caches``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from drystone.queries.runtime import Statement
from drystone.redis.links import Command

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Ask:
    """Commands for Redis; brings Answers, or raises RedisUnavailable."""

    commands: Sequence[Command]


@dataclass(frozen=True, slots=True)
class Rows:
    """A statement for the database, in a transaction of its own; brings its rows."""

    statement: Statement[Any]
    values: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """The same for a statement that returns nothing."""

    statement: Statement[Any]
    values: Sequence[Any] = ()


@dataclass(frozen=True, slots=True)
class Fetch:
    """The query itself, in a read-only transaction of its own; brings a Fetched."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A query's result, and whether the primary gave it: a replica lags behind."""

    result: Any
    primary: bool


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait, in seconds."""

    seconds: float


Step: TypeAlias = Ask | Rows | Change | Fetch | Sleep
Flow: TypeAlias = Generator[Step, Any, Result]


def run(flow: Flow[Result], do: Callable[[Step], Any]) -> Result:
    """Run a flow to its end; errors of a step are raised inside the flow first."""
    try:
        step = next(flow)
        while True:
            try:
                outcome = do(step)
            except Exception as error:  # noqa: BLE001 - the flow knows which it expects
                step = flow.throw(error)
            else:
                step = flow.send(outcome)
    except StopIteration as stop:
        result: Result = stop.value
        return result
    finally:
        flow.close()


async def run_async(flow: Flow[Result], do: Callable[[Step], Awaitable[Any]]) -> Result:
    """Do for asyncio what :func:`run` does."""
    try:
        step = next(flow)
        while True:
            try:
                outcome = await do(step)
            except Exception as error:  # noqa: BLE001 - the flow knows which it expects
                step = flow.throw(error)
            else:
                step = flow.send(outcome)
    except StopIteration as stop:
        result: Result = stop.value
        return result
    finally:
        flow.close()
