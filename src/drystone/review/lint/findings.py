"""What lint finds: a rule, a place, how bad it is, and what to do instead."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from drystone.errors import Location


class Severity(StrEnum):
    """How bad a finding is; only notices leave the exit code 0."""

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Rule:
    """A hazard that lint knows, under its stable name.

    ``aliases`` are what other linters call it: ``squawk:NAME`` and ``eugene:ID``. The
    severity is that of a finding whose table's size is not known.
    """

    name: str
    severity: Severity
    summary: str
    help: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where a rule is broken.

    ``table`` is the table, schema-qualified, that suffers; its size may change the
    severity.
    """

    rule: Rule
    location: Location
    severity: Severity
    message: str
    table: str | None = None
