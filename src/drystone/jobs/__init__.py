"""Jobs for queues outside the database: the outbox, BullMQ on Redis, and workers.

A business transaction writes a job into ``core.outbox``; the relay sends it to Redis; a
worker does it, and commits the receipt with the effect. PostgreSQL holds the truth:
Redis may be away, killed or emptied at any moment, and no job is lost or done twice.
"""

from __future__ import annotations

from drystone.jobs.handlers import Job, Registry
from drystone.jobs.priorities import EmailPriority

__all__ = ["EmailPriority", "Job", "Registry"]
