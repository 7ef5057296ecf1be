"""Enums and domains: easy to make, hard to change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from drystone.review.lint.findings import Finding, Rule, Severity
from drystone.review.lint.hazards.look import Look
from drystone.review.lint.schema import columns, names

ENUM = Rule(
    "enum-created",
    Severity.NOTICE,
    "A value of an enum can be added and renamed, but never removed.",
    "Where values may go, use text with a CHECK, or a table of the values with a "
    "foreign key to it.",
    ("eugene:W13",),
)
CHECKED_DOMAIN = Rule(
    "domain-with-constraint",
    Severity.NOTICE,
    "A domain's constraint is hard to change once tables use it.",
    "Put the CHECK on the column; it can be changed table by table.",
    ("squawk:ban-create-domain-with-constraint",),
)
DOMAIN_CHECK = Rule(
    "domain-constraint-added",
    Severity.WARNING,
    "A domain that gets a constraint has every table that uses it read under lock.",
    "Add it NOT VALID, and validate it in a later file; or check the column.",
    ("squawk:ban-alter-domain-with-add-constraint",),
)

RULES = (ENUM, CHECKED_DOMAIN, DOMAIN_CHECK)


def check(look: Look) -> Iterator[Finding]:
    """Yield types that will be hard to change, or are changed at a cost."""
    find = _CHECKS.get(look.statement.kind)
    if find is not None:
        yield from find(look, look.statement.node)


def _enum(look: Look, node: Any) -> Iterator[Finding]:
    name = names.dotted(names.parts(node.type_name))
    yield look.find(ENUM, f"no value of {name} can be removed later")


def _domain(look: Look, node: Any) -> Iterator[Finding]:
    if any(each.constraint.contype in columns.KINDS for each in node.constraints):
        name = names.dotted(names.parts(node.domainname))
        yield look.find(CHECKED_DOMAIN, f"what {name} allows is hard to change later")


def _altered(look: Look, node: Any) -> Iterator[Finding]:
    name = names.dotted(names.parts(node.type_name))
    constraint = getattr(node, "def").constraint  # a keyword in Python
    adds = node.subtype == "C" and not constraint.skip_validation
    if adds and look.schema.types.get(name) not in look.fresh:
        yield look.find(
            DOMAIN_CHECK,
            f"writers wait while each table with a column of {name} is scanned",
        )


_CHECKS: dict[str, Callable[[Look, Any], Iterator[Finding]]] = {
    "alter_domain_stmt": _altered,
    "create_domain_stmt": _domain,
    "create_enum_stmt": _enum,
}
