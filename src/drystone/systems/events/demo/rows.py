"""The rows of the generated demo data, one class for each table of the system.

Fields are the table's writable columns, in the table's order; columns which the
database generates or fills in (normalised names, `fts`, `created_at`) are absent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray


@dataclass(slots=True)
class Company:
    """A row of `events.companies`."""

    id: UUID
    name: str
    domain: str | None
    industry: str | None


@dataclass(slots=True)
class Topic:
    """A row of `events.topics`; category is a value of `events.topic_category`."""

    id: UUID
    name: str
    category: str


@dataclass(slots=True)
class Speaker:
    """A row of `events.speakers`; the embedding is float32, (1536,), of length 1."""

    id: UUID
    name: str
    company: str | None
    bio: str | None
    confidence_score: float
    embedding: NDArray[np.float32] | None
    merged_into: UUID | None


@dataclass(slots=True)
class Event:
    """A row of `events.events`; the embedding is float32, (1536,), of length 1.

    An event that is not processed yet has its name, URL, page and time of scraping,
    and nothing else.
    """

    id: UUID
    name: str
    description: str | None
    date: date | None
    location: str | None
    luma_url: str
    raw_html: str | None
    extracted_data: dict[str, Any] | None
    embedding: NDArray[np.float32] | None
    data_quality_score: int
    scraped_at: datetime
    processed_at: datetime | None


@dataclass(slots=True)
class EventSpeaker:
    """A row of `events.event_speakers`; role is a value of `events.speaker_role`."""

    event_id: UUID
    speaker_id: UUID
    role: str
    extraction_confidence: float


@dataclass(slots=True)
class EventCompany:
    """A row of `events.event_companies`."""

    event_id: UUID
    company_id: UUID
    relationship_type: str


@dataclass(slots=True)
class EventTopic:
    """A row of `events.event_topics`; relevance runs from 0 to 1."""

    event_id: UUID
    topic_id: UUID
    relevance_score: float


@dataclass(frozen=True)
class DemoData:
    """A whole data set; loading the lists in this order satisfies the foreign keys."""

    companies: list[Company]
    topics: list[Topic]
    speakers: list[Speaker]
    events: list[Event]
    event_speakers: list[EventSpeaker]
    event_companies: list[EventCompany]
    event_topics: list[EventTopic]
