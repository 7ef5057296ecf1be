"""A file's statements, as far as they can be read: a mistake hides no other one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import postgast

from drystone.errors import Location, MigrationError
from drystone.migrations.files import SqlFile
from drystone.migrations.statements import Statement, locate, parse
from drystone.review.lint.findings import Finding, Rule, Severity

SYNTAX = Rule(
    "syntax-error",
    Severity.ERROR,
    "PostgreSQL cannot parse the statement.",
    "Correct it; the other statements of the file were linted all the same.",
    ("squawk:syntax-error",),
)

RULES = (SYNTAX,)


def read(file: SqlFile) -> tuple[list[Statement], list[Finding]]:
    """Return a file's statements, and a finding for each that cannot be read.

    Statements that begin or end a transaction are among them: ``transaction_stmt``.
    """
    try:
        return file.statements, []
    except MigrationError as error:
        statements, findings = _piecewise(file)
        if error.excerpt and not findings:  # the splitter drops what has no keyword
            place = error.location or Location(file.path, 1)
            findings = [Finding(SYNTAX, place, SYNTAX.severity, error.message)]
        return statements, findings


def directives(file: SqlFile) -> tuple[dict[str, str], list[Finding]]:
    """Return what the comments at the head of a file say, or why they say nothing."""
    try:
        return file.directives, []
    except MigrationError as error:
        place = error.location or Location(file.path, 1)
        return {}, [Finding(SYNTAX, place, SYNTAX.severity, error.message)]


def _piecewise(file: SqlFile) -> tuple[list[Statement], list[Finding]]:
    statements: list[Statement] = []
    findings: list[Finding] = []
    for start, piece in _pieces(file.text):
        try:
            statements += _parse(file, start, piece)
        except postgast.PgQueryError as error:
            findings.append(_unread(file, error, start))
        except MigrationError as error:
            before = file.text[:start].count("\n")
            line = error.location.line if error.location else 1
            place = Location(file.path, before + line)
            findings.append(Finding(SYNTAX, place, SYNTAX.severity, error.message))
    return statements, findings


def _pieces(text: str) -> Iterator[tuple[int, str]]:
    """Yield each statement with its place; what cannot be split is one of them."""
    try:
        pieces = postgast.split(text, method="scanner")
    except postgast.PgQueryError as error:
        end = text.rfind(";", 0, max(error.cursorpos - 1, 0)) + 1
        if end:
            yield from _pieces(text[:end])
        yield end, text[end:]
        return
    start = 0
    for piece in pieces:
        start = text.index(piece, start)
        yield start, piece
        start += len(piece)


def _parse(file: SqlFile, start: int, piece: str) -> list[Statement]:
    tree = postgast.parse(piece)
    lines = file.text[:start].count("\n")
    offset = len(file.text[:start].encode())
    if tree.stmts and tree.stmts[0].stmt.WhichOneof("node") == "transaction_stmt":
        node = tree.stmts[0].stmt.transaction_stmt
        place = tree.stmts[0].stmt_location
        line = lines + piece.encode()[:place].count(b"\n") + 1
        text = piece.encode()[place:].decode()
        return [Statement(text, line, offset + place, True, "transaction_stmt", node)]
    return [
        replace(each, line=each.line + lines, offset=each.offset + offset)
        for each in parse(piece, path=file.path)
    ]


def _unread(file: SqlFile, error: postgast.PgQueryError, start: int) -> Finding:
    place, _ = locate(file.text, start + error.cursorpos, path=file.path)
    return Finding(SYNTAX, place, SYNTAX.severity, error.message)
