"""What a plan limits: counted in the transaction that uses it, so never exceeded.

From 80 % of a limit on there is a warning, and an e-mail once; then a hard stop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection, Connection

from drystone.errors import BadInput
from drystone.queries.runtime import JsonInput
from drystone.systems.promo import content, organizations, plans, strategies
from drystone.systems.promo.content import BulkCreateContentRow
from drystone.systems.promo.organizations import CreateOrganizationRow
from drystone.systems.promo.plans import ConsumeUsageRow, UsageCheckRow
from drystone.systems.promo.strategies import ProposeStrategyRow
from drystone.systems.promo.types import UsageMetric


class PlanLimitReached(BadInput):
    """The plan does not allow so much; nothing was changed."""


def consume(
    connection: Connection[Any], user_id: UUID, metric: UsageMetric, amount: int = 1
) -> ConsumeUsageRow:
    """Count so much more of a user's plan this month.

    Raises PlanLimitReached if it would be over the limit, and BadInput for a user who
    does not exist or an amount that is not positive.
    """
    _check_amount(amount)
    row = plans.consume_usage(connection, user_id=user_id, metric=metric, amount=amount)
    if row is None:
        state = plans.usage_check(
            connection, user_id=user_id, metric=metric, amount=amount
        )
        raise _refused(metric, amount, state)
    return row


async def consume_async(
    connection: AsyncConnection[Any],
    user_id: UUID,
    metric: UsageMetric,
    amount: int = 1,
) -> ConsumeUsageRow:
    """Do for an asynchronous connection what :func:`consume` does."""
    _check_amount(amount)
    row = await plans.consume_usage(
        connection, user_id=user_id, metric=metric, amount=amount
    )
    if row is None:
        state = await plans.usage_check(
            connection, user_id=user_id, metric=metric, amount=amount
        )
        raise _refused(metric, amount, state)
    return row


def create_organization(
    connection: Connection[Any], user_id: UUID, *, name: str, **profile: Any
) -> CreateOrganizationRow:
    """Create an organisation; ``profile`` are its other columns, such as markets.

    Raises PlanLimitReached if the user has as many as the plan allows.
    """
    row = organizations.create_organization(
        connection, user_id=user_id, name=name, **profile
    )
    if row is None:
        raise PlanLimitReached(
            "the plan allows no further organisation",
            hint="The user must exist; delete an organisation, or choose another plan.",
        )
    return row


def create_content(
    connection: Connection[Any],
    organization_id: UUID,
    pieces: Sequence[Mapping[str, JsonInput]],
) -> list[BulkCreateContentRow]:
    """Write drafts down and count them as posts of the organisation's user.

    Pieces that a unique key refuses are passed by, and not counted. Raises
    PlanLimitReached, and BadInput if the organisation does not exist.
    """
    with connection.transaction():
        owner = _owner(connection, organization_id)
        rows = content.bulk_create_content(
            connection, organization_id=organization_id, pieces=pieces
        )
        if rows:
            consume(connection, owner, UsageMetric.POSTS, len(rows))
    return rows


def propose_strategy(
    connection: Connection[Any],
    organization_id: UUID,
    document: Mapping[str, JsonInput],
    *,
    generated_by: str | None = None,
    confidence: float | None = None,
) -> ProposeStrategyRow:
    """Write a strategy down as a proposal and count it for the organisation's user.

    Raises PlanLimitReached, and BadInput if the organisation does not exist or the
    document lacks one of its six parts.
    """
    with connection.transaction():
        owner = _owner(connection, organization_id)
        consume(connection, owner, UsageMetric.STRATEGIES)
        row = strategies.propose_strategy(
            connection,
            organization_id=organization_id,
            document=document,
            generated_by=generated_by,
            confidence=confidence,
        )
    if row is None:
        raise AssertionError("unreachable: INSERT ... RETURNING gives a row")
    return row


def _owner(connection: Connection[Any], organization_id: UUID) -> UUID:
    found = organizations.get_organization(connection, organization_id=organization_id)
    if found is None:
        raise BadInput(
            f"there is no organisation {organization_id}", hint="It may be deleted."
        )
    return found.user_id


def _check_amount(amount: int) -> None:
    if amount < 1:
        raise BadInput("an amount to count is 1 or more")


def _refused(metric: UsageMetric, amount: int, state: UsageCheckRow | None) -> BadInput:
    if state is None:
        return BadInput("there is no such user", hint="The user may be deleted.")
    return PlanLimitReached(
        f"{amount} more {metric.lower()} would be over the plan's limit of"
        f" {state.limit} a month, of which {state.current} are used",
        hint=f"Choose another plan, or wait until {state.resets_at:%Y-%m-%d} UTC.",
    )
