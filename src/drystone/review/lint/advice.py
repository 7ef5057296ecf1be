"""The rules that squawk looks after, under Drystone's names and with its severities.

What squawk alone would say is a warning throughout. Here a warning is what breaks
clients or loses something; how a type or a statement is best written is a notice.
"""

from __future__ import annotations

from drystone.review.lint.findings import Rule, Severity

_ERROR, _WARNING, _NOTICE = Severity.ERROR, Severity.WARNING, Severity.NOTICE

# squawk's name, ours, and the rest of the rule.
_TABLE: tuple[tuple[str, str, Severity, str, str], ...] = (
    (
        "ban-alter-identity",
        "identity-changed",
        _WARNING,
        "Clients that insert a value of their own, or none, may be refused.",
        "Release clients that insert either way first.",
    ),
    (
        "ban-char-field",
        "char-type",
        _NOTICE,
        "character(n) pads with blanks, which then count or do not count.",
        "Use text, with a CHECK of its length where there is a limit.",
    ),
    (
        "ban-drop-database",
        "database-dropped",
        _ERROR,
        "The database and all that is in it are gone for good.",
        "A migration belongs to one database; drop another by hand.",
    ),
    (
        "ban-drop-generated-expression",
        "expression-dropped",
        _WARNING,
        "The column is no longer computed; clients must write it from now on.",
        "Release clients that write the column right behind it.",
    ),
    (
        "ban-duplicate-column-assignments",
        "column-assigned-twice",
        _ERROR,
        "PostgreSQL refuses an UPDATE that assigns a column twice.",
        "Keep one of the assignments.",
    ),
    (
        "identifier-too-long",
        "name-too-long",
        _WARNING,
        "PostgreSQL cuts a name after 63 bytes, without an error.",
        "Choose a shorter name.",
    ),
    (
        "prefer-bigint-over-int",
        "integer-type",
        _NOTICE,
        "integer ends at 2.1 billion; widening it later rewrites the table.",
        "Use bigint where the number of rows decides how far it counts.",
    ),
    (
        "prefer-bigint-over-smallint",
        "smallint-type",
        _NOTICE,
        "smallint ends at 32,767; widening it later rewrites the table.",
        "Use bigint where the number of rows decides how far it counts.",
    ),
    (
        "prefer-identity",
        "serial-type",
        _NOTICE,
        "serial leaves a sequence with privileges and an owner of its own.",
        "Use GENERATED ALWAYS AS IDENTITY.",
    ),
    (
        "prefer-robust-stmts",
        "not-rerunnable",
        _NOTICE,
        "The file runs outside of a transaction: run again by psql, it fails.",
        "drystone migrate goes on where it stopped; for psql write IF NOT EXISTS.",
    ),
    (
        "prefer-text-field",
        "varchar-type",
        _NOTICE,
        "To make the limit of a varchar smaller later, the table is read under lock.",
        "Use text with a CHECK of its length, which can be added NOT VALID.",
    ),
    (
        "prefer-timestamp-tz",
        "timestamp-type",
        _NOTICE,
        "timestamp drops the zone that a value came with.",
        "Use timestamptz.",
    ),
    (
        "renaming-object",
        "object-renamed",
        _WARNING,
        "Clients that use the old name are refused.",
        "Make the new one beside it, and drop the old one when nobody uses it.",
    ),
    (
        "require-enum-value-ordering",
        "enum-value-appended",
        _NOTICE,
        "The new value comes last in every ORDER BY.",
        "Say BEFORE or AFTER which value it comes.",
    ),
)

RULES = tuple(
    Rule(name, severity, summary, advice, (f"squawk:{theirs}",))
    for theirs, name, severity, summary, advice in _TABLE
)
