"""An example of a registry for `drystone worker`; docs/jobs.md tells of handlers."""

from __future__ import annotations

import logging
from typing import Any

from psycopg import AsyncConnection
from pydantic import BaseModel

from drystone.jobs import Job, Registry

registry = Registry()
logger = logging.getLogger(__name__)


class Email(BaseModel):
    """What a job named send-email is given."""

    to: str


@registry.handler("email", "send-email")
async def send_email(
    connection: AsyncConnection[Any], payload: Email, job: Job
) -> None:
    """Say that there was an e-mail to send, and send none."""
    await connection.execute("SELECT 1")  # what changes rows is one commit with the job
    logger.warning("job %s: an e-mail to %d letters", job.id, len(payload.to))
