"""Make the companies and speakers of the demo data.

Names are Latin, or carry a Latin form in brackets, and differ in their ASCII letters
and digits already: these are what every normalisation keeps, even one that asks a
database of locale C what a letter is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from faker import Faker

from drystone.systems.events.demo.draws import Draws, Weighted, zipf_weights
from drystone.systems.events.demo.rows import Company, Speaker
from drystone.systems.events.demo.texts import biography, slug
from drystone.systems.events.demo.topics import Interests
from drystone.systems.events.demo.vocabulary import INDUSTRIES
from drystone.systems.events.embedding import embed

# How many of a hundred speakers get their name from each locale.
_LOCALES: Final = {
    "en_US": 26,
    "en_GB": 12,
    "en_IN": 12,
    "de_DE": 11,
    "fr_FR": 9,
    "es_ES": 8,
    "pt_BR": 6,
    "pl_PL": 5,
    "cs_CZ": 3,
    "sv_SE": 3,
    "it_IT": 3,
    "ja_JP": 2,
}
_JAPANESE: Final = "ja_JP"

# What companies of an area are called, after a word of their own.
_ENDINGS: Final = {
    "ai": ("Intelligence", "Cognition", "Models"),
    "data": ("Analytics", "Data", "Insights"),
    "cloud": ("Cloud", "Compute", "Infrastructure"),
    "security": ("Security", "Defence", "Trust"),
    "web3": ("Chain", "Protocol", "Ledger"),
    "software": ("Software", "Code", "Tools"),
    "hardware": ("Robotics", "Devices", "Dynamics"),
    "design": ("Studio", "Design", "Interfaces"),
    "climate": ("Climate", "Energy", "Earth"),
    "finance": ("Capital", "Finance", "Payments"),
    "health": ("Health", "Therapeutics", "Bio"),
    "commerce": ("Commerce", "Market", "Goods"),
    "media": ("Media", "Games", "Pictures"),
    "society": ("Learning", "Works", "Civic"),
    "mobility": ("Mobility", "Motors", "Aerospace"),
}
_ANY_ENDINGS: Final = ("Labs", "Systems", "Group", "Technologies", "Partners")
_WORD_LIST: Final = """
Alder Amber Anchor Arbor Aspen Basalt Beacon Birch Bramble Bright Cairn Canopy
Cedar Cobalt Compass Copper Coral Crescent Delta Drift Ember Falcon Fern Fjord
Flint Garnet Glacier Granite Harbour Hazel Heron Horizon Indigo Iris Juniper
Kestrel Lantern Larch Linden Lumen Maple Meadow Meridian Moss Nimbus North Oak
Ochre Onyx Opal Orchard Osprey Pebble Pine Prairie Quarry Quartz Raven Reed Ridge
River Rowan Saffron Sage Sequoia Slate Solstice Sparrow Summit Tern Thistle Tidal
Timber Topaz Vale Velvet Vista Willow Zephyr
"""
_WORDS: Final = tuple(_WORD_LIST.split())

# Industries of companies whose area has no topic of the category industry.
_INDUSTRY_OF_AREA: Final = {
    "ai": "Artificial Intelligence",
    "data": "Data Infrastructure",
    "cloud": "Cloud Computing",
    "security": "Cybersecurity",
    "web3": "Blockchain",
    "software": "Developer Tools",
    "hardware": "Hardware",
    "design": "Design",
}
# One name in so many is a second spelling of an earlier one.
_SPEAKERS_PER_DUPLICATE: Final = 50


@dataclass(slots=True)
class Firm:
    """A company, and the area of topics that it works in."""

    row: Company
    area: str


@dataclass(slots=True)
class Person:
    """A speaker, with the positions of their employer and their favourite topics."""

    row: Speaker
    firm: int | None
    favourites: list[int]
    given: str | None
    family: str


class Names:
    """Seeded names of people from many locales, by Faker."""

    def __init__(self, draws: Draws) -> None:
        self._draws: Final = draws
        self._fakers: Final = {
            # Only this provider: loading them all takes many times as long.
            locale: Faker(locale, providers=["faker.providers.person"])
            for locale in _LOCALES
        }
        for faker in self._fakers.values():
            faker.seed_instance(draws.whole(2**32))
        self._locales: Final = Weighted(tuple(_LOCALES), tuple(_LOCALES.values()))

    def person(self) -> tuple[str | None, str]:
        """Draw a given and a family name, or None and a whole name in two scripts."""
        locale = self._locales.pick(self._draws)
        faker = self._fakers[locale]
        if locale == _JAPANESE:
            family, _, romanised_family = faker.last_name_pair()
            given, _, romanised = faker.first_name_pair()
            return None, f"{family} {given} ({romanised} {romanised_family})"
        if self._draws.happens(0.5):
            return faker.first_name_female(), faker.last_name_female()
        return faker.first_name_male(), faker.last_name_male()

    def family(self) -> str:
        """Draw a family name for a company founded by somebody."""
        locale = self._locales.pick(self._draws)
        return str(self._fakers["en_US" if locale == _JAPANESE else locale].last_name())


def ascii_key(text: str) -> str:
    """Reduce a text to its ASCII letters and digits, lower-cased, blanks folded."""
    return " ".join(re.sub(r"[^a-z0-9\s]", "", text.lower()).split())


def make_firms(draws: Draws, names: Names, count: int) -> list[Firm]:
    """Make companies whose normalised names and domains are unique."""
    areas = Weighted(tuple(_ENDINGS), zipf_weights(len(_ENDINGS), exponent=0.5))
    firms: list[Firm] = []
    taken: set[str] = set()
    domains: set[str] = set()
    while len(firms) < count:
        area = areas.pick(draws)
        word = draws.pick(_WORDS) if draws.happens(0.6) else names.family()
        endings = _ANY_ENDINGS if draws.happens(0.3) else _ENDINGS[area]
        ending = draws.pick(endings)
        name = f"{word} {ending}"
        if ascii_key(name) in taken:
            name = f"{word} & {names.family()} {ending}"
        # The top-level domain that belongs to nobody, by RFC 2606.
        domain = f"{slug(name)}.example"
        if ascii_key(name) in taken or domain in domains:
            continue
        taken.add(ascii_key(name))
        domains.add(domain)
        industries = [each.name for each in INDUSTRIES if each.area == area]
        row = Company(
            id=draws.uuid(),
            name=name,
            domain=None if draws.happens(0.04) else domain,
            industry=_INDUSTRY_OF_AREA.get(area) or draws.pick(industries),
        )
        firms.append(Firm(row, area))
    return firms


def make_people(
    draws: Draws,
    names: Names,
    count: int,
    *,
    firms: Sequence[Firm],
    interests: Interests,
) -> list[Person]:
    """Make speakers whose normalised names are unique in their company.

    Most work for one of the firms and favour topics of its area. The last ones repeat
    earlier speakers with a middle initial, for the queue of duplicates.
    """
    employers = Weighted(range(len(firms)), zipf_weights(len(firms), exponent=0.6))
    people: list[Person] = []
    taken: set[tuple[str, str]] = set()
    duplicates = count // _SPEAKERS_PER_DUPLICATE
    while len(people) < count - duplicates:
        given, family = names.person()
        firm = employers.pick(draws) if draws.happens(0.85) else None
        company = firms[firm].row.name if firm is not None else None
        name = f"{given} {family}" if given else family
        key = ascii_key(name), ascii_key(company or "")
        if key in taken or not key[0]:
            continue
        taken.add(key)
        home = firms[firm].area if firm is not None else None
        favourites = interests.favourites(draws, home=home)
        bio = None
        if draws.happens(0.9):
            liked = [interests.subjects[at] for at in favourites]
            bio = biography(draws, name, company=company, subjects=liked)
        row = Speaker(
            id=draws.uuid(),
            name=name,
            company=company,
            bio=bio,
            confidence_score=draws.between(0.6, 1.0),
            embedding=embed(bio) if bio else None,
            merged_into=None,
        )
        people.append(Person(row, firm, favourites, given, family))
    people += _second_spellings(draws, people, duplicates, taken)
    return people


def _second_spellings(
    draws: Draws, people: Sequence[Person], count: int, taken: set[tuple[str, str]]
) -> Iterator[Person]:
    """Repeat speakers who have a given name and a company, with a middle initial."""
    originals = [each for each in people if each.given and each.row.company]
    made = 0
    while made < count:
        original = draws.pick(originals)
        initial = draws.pick("ABCDEFGHJKLMNPRST")
        name = f"{original.given} {initial}. {original.family}"
        key = ascii_key(name), ascii_key(original.row.company or "")
        if key in taken:
            continue
        taken.add(key)
        made += 1
        row = Speaker(
            id=draws.uuid(),
            name=name,
            company=original.row.company,
            bio=None,
            confidence_score=draws.between(0.4, 0.7),
            embedding=None,
            merged_into=None,
        )
        yield Person(row, original.firm, original.favourites, None, name)
