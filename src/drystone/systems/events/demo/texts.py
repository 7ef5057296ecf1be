"""Write what the demo data says: event names, descriptions, pages and biographies."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date
from html import escape
from typing import Final

from drystone.systems.events.demo.draws import Draws
from drystone.systems.events.demo.vocabulary import Subject

_NAMES_WITH_FORMAT: Final = (
    "{topic} {form} {city}",
    "{city} {topic} {form}",
    "{topic} {form}: {phrase}",
    "{form} {city}: {topic} and {second_phrase}",
    "{topic} {form} #{number}",
    "{topic} {form} {year}",
)
_NAMES: Final = (
    "{topic} {city}",
    "{topic} Evening: {phrase}",
    "{topic} in Practice: {phrase} and {second_phrase}",
    "{city} {topic} Circle #{number}",
    "{topic} Exchange {year}",
    "All About {topic}: {phrase}",
)
_OPENINGS: Final = (
    "Join us in {city} for {topic}, from {a} to {b}.",
    "People who build with {topic} meet in {city} to compare notes on {a} and {b}.",
    "{topic} is at the centre of this event: {a}, {b} and {c}.",
    "What does {topic} look like outside the textbook, once {a} and {b} come in?",
    "An event in {city} on {topic}, for everybody who has met {a} at work.",
    "Three talks on {topic} cover {a}, {b} and {c}.",
)
_DEEPER: Final = (
    "Expect honest stories about {a} and {b}.",
    "Bring your own questions about {topic}, above all on {a}.",
    "We look at {a} in detail and finish with {b}.",
    "Beginners get a gentle way into {a}; experts can argue about {b}.",
    "The programme goes from {a} through {b} to {c}.",
)
_FURTHER: Final = (
    "A second part turns to {topic}, with {a} and {b}.",
    "There is also room for {topic} and its {a}.",
    "One session connects this with {topic}: {a}, {b} and {c}.",
    "Guests from the world of {topic} report on {a}.",
    "Along the way we touch on {topic}, {a} and {b}.",
)
_ABOUT_FORMAT: Final = (
    "The format is {topic}: {a}, {b} and {c}.",
    "Format: {topic}, with {a} and {b}.",
    "Come for {a}, stay for {b}; the format is {topic}.",
)
_CLOSINGS: Final = (
    "Doors open half an hour before the start.",
    "Places are limited, so please register early.",
    "Afterwards there is time to talk over drinks.",
    "All levels of experience are welcome.",
    "Recordings will be shared with everybody who registered.",
)
_OCCUPATIONS: Final = (
    "is a principal engineer",
    "leads a small team",
    "is a researcher",
    "heads product",
    "is a developer advocate",
    "consults on strategy",
    "is a founder",
    "writes and teaches",
)
_BIOGRAPHIES: Final = (
    "{name} {occupation}{at} and speaks about {topics}.",
    "{name} {occupation}{at}, with a long interest in {topics}, from {a} to {b}.",
    "{name} {occupation}{at}. Talks cover {topics}, most of all {a}.",
)

# Letters that do not decompose into a plain letter and an accent.
_PLAIN: Final = str.maketrans(
    {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d"}
)


def slug(text: str) -> str:
    """Reduce a text to lower-case ASCII words joined by hyphens, at most 50 long."""
    plain = unicodedata.normalize("NFKD", text.lower().translate(_PLAIN))
    ascii_only = plain.encode("ascii", "ignore").decode()
    return "-".join(re.findall(r"[a-z0-9]+", ascii_only))[:50].strip("-")


def event_name(
    draws: Draws, subjects: Sequence[Subject], *, city: str, day: date
) -> str:
    """Name an event after its first subject, and its format when it has one."""
    form = _format_of(subjects)
    phrases = draws.pick_some(subjects[0].phrases, 2)
    template = draws.pick(_NAMES_WITH_FORMAT if form else _NAMES)
    return template.format(
        topic=subjects[0].name,
        form=form.name if form else "",
        city=city,
        phrase=_title(phrases[0]),
        second_phrase=_title(phrases[-1]),
        number=1 + draws.whole(40),
        year=day.year,
    )


def event_description(draws: Draws, subjects: Sequence[Subject], *, city: str) -> str:
    """Write two to five sentences, at least one on each of one to five subjects."""
    sentences = [_sentence(draws, _OPENINGS, subjects[0], city)]
    further = draws.pick_some(_FURTHER, len(_FURTHER))
    others = [
        _sentence(draws, _ABOUT_FORMAT if each.area == "-" else [lead], each, city)
        for each, lead in zip(subjects[1:], further, strict=False)
    ]
    if not others or (len(others) < 4 and draws.happens(0.6)):
        sentences.append(_sentence(draws, _DEEPER, subjects[0], city))
    sentences += others
    if len(sentences) < 5 and draws.happens(0.4):
        sentences.append(draws.pick(_CLOSINGS))
    return " ".join(sentences)


def biography(
    draws: Draws, name: str, *, company: str | None, subjects: Sequence[Subject]
) -> str:
    """Write one or two sentences on a speaker and their subjects."""
    phrases = draws.pick_some(subjects[0].phrases, 2)
    return draws.pick(_BIOGRAPHIES).format(
        name=name,
        occupation=draws.pick(_OCCUPATIONS),
        at=f" at {company}" if company else "",
        topics=_and([subject.name for subject in subjects]),
        a=phrases[0],
        b=phrases[-1],
    )


def event_page(
    name: str,
    *,
    description: str,
    day: date,
    location: str,
    luma_url: str,
    speakers: Sequence[tuple[str, str | None]],
    topics: Sequence[str],
) -> str:
    """Write the page of an event as a scraper would store it, as HTML."""
    people = "\n".join(
        f"      <li>{escape(person)}{escape(f', {company}' if company else '')}</li>"
        for person, company in speakers
    )
    tags = "\n".join(f"      <li>{escape(topic)}</li>" for topic in topics)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>{escape(name)}</title>
  <link rel="canonical" href="{escape(luma_url)}">
</head>
<body>
  <article>
    <h1>{escape(name)}</h1>
    <time datetime="{day.isoformat()}">{day.isoformat()}</time>
    <address>{escape(location)}</address>
    <p>{escape(description)}</p>
    <ul class="speakers">
{people}
    </ul>
    <ul class="topics">
{tags}
    </ul>
  </article>
</body>
</html>
"""


def _format_of(subjects: Sequence[Subject]) -> Subject | None:
    return next((subject for subject in subjects if subject.area == "-"), None)


def _sentence(
    draws: Draws, templates: Sequence[str], subject: Subject, city: str
) -> str:
    a, b, c = draws.pick_some(subject.phrases, 3)
    return draws.pick(templates).format(topic=subject.name, city=city, a=a, b=b, c=c)


def _title(phrase: str) -> str:
    return phrase[0].upper() + phrase[1:]


def _and(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
