"""SQL and Python in colour, line by line, so that a line can be linked to."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from markupsafe import Markup, escape
from pygments.lexer import Lexer
from pygments.lexers.python import PythonLexer
from pygments.lexers.sql import PostgresLexer
from pygments.token import STANDARD_TYPES, Token, _TokenType

_Shown = tuple[_TokenType, str]

# Kinds that look like the text around them.
_PLAIN = {Token.Text, Token.Name, Token.Text.Whitespace, Token.Punctuation}


def highlighted_lines(text: str, *, language: str = "sql") -> list[Markup]:
    """Return a text's lines as HTML; classes are pygments' short ones."""
    lines: list[list[Markup]] = [[]]
    tokens = list(_lexer(language).get_tokens(text))
    for kind, value in _with_names(tokens) if language == "sql" else tokens:
        first, *others = value.split("\n")
        lines[-1].append(_span(kind, first))
        lines += [[_span(kind, other)] for other in others]
    return [Markup().join(line) for line in lines]


def highlighted(text: str, *, language: str = "sql") -> Markup:
    """Return a text as HTML, in one piece."""
    return Markup("\n").join(highlighted_lines(text, language=language))


def _with_names(tokens: list[_Shown]) -> Iterator[_Shown]:
    """Tell names from keywords, of which PostgreSQL has hundreds that are both.

    What follows a point is a name; and so is, in a text that writes keywords in
    capitals, one in small letters.
    """
    loud = any(_is(kind, Token.Keyword) and value.isupper() for kind, value in tokens)
    before = ""
    for kind, value in tokens:
        quiet = loud and _is(kind, Token.Keyword) and not value.isupper()
        named = before.endswith(".") or quiet
        yield (Token.Name if named and not _is(kind, Token.Literal) else kind), value
        before = value


def _is(kind: _TokenType, other: _TokenType) -> bool:
    return other in kind.split()


@cache
def _lexer(language: str) -> Lexer:
    kind = {"sql": PostgresLexer, "python": PythonLexer}[language]
    return kind(stripnl=False, ensurenl=False)


def _span(kind: _TokenType, text: str) -> Markup:
    while kind not in STANDARD_TYPES and kind.parent is not None:
        kind = kind.parent
    if not text or kind in _PLAIN:
        return escape(text)
    return Markup('<span class="{}">{}</span>').format(STANDARD_TYPES[kind], text)
