"""Priorities of jobs: smaller is sooner, and 0 is before all others."""

from __future__ import annotations

from enum import IntEnum


class EmailPriority(IntEnum):
    """What jobs of the queue ``email`` may ask for; without, they get the queue's 4."""

    HIGH = 1
    NORMAL = 3
    LOW = 5
