"""Files of named queries, read exactly.

aiosql's format marks queries by ``-- name: …`` comments and parameters by ``:name``.
Both are found here in the tokens of PostgreSQL's own scanner, so that nothing inside a
string, a dollar quote (Cypher!), a cast or an array slice is mistaken for one.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import postgast

from drystone.errors import Location, QueryError

pb = postgast.pg_query_pb2

_COLON, _DOT, _OPEN, _CLOSE = pb.ASCII_58, pb.ASCII_46, pb.ASCII_91, pb.ASCII_93
_COMMENTS = {pb.SQL_COMMENT, pb.C_COMMENT}

_HEADER = re.compile(r"--\s*name\s*:\s*(?P<rest>.*)")
_HEADER_LINE = re.compile(r"^[ \t]*--\s*name\s*:", re.MULTILINE)
_RECORD_CLASS = re.compile(r"--\s*record_class\s*:")
_SIGNATURE = re.compile(
    r"(?P<name>\w[\w-]*)\s*"
    r"(?:\((?P<parameters>[^)]*)\))?\s*"
    r"(?P<operator><!|\*!|[\^$!#]|)"
)
_OPTIONAL_PARAMETERS = {"#", "*!", "<!"}


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a file of queries."""

    path: Path
    text: str

    def location(self, position: int) -> Location:
        """Return the line and the column of a character."""
        before = self.text[:position]
        return Location(
            self.path, before.count("\n") + 1, position - before.rfind("\n")
        )

    def excerpt(self, position: int) -> str:
        """Show the line of a character, and a caret below it."""
        location = self.location(position)
        shown = self.text.split("\n")[location.line - 1].rstrip("\r")
        number = f"{location.line:>5} | "
        caret = " " * (len(number) + (location.column or 1) - 1) + "^"
        return f"{number}{shown}\n{caret}"


@dataclass(frozen=True, slots=True)
class Query:
    """One named query of a file.

    ``sql`` has ``$1``, ``$2`` … in place of the parameters, which are named in that
    order by ``parameters``; ``x.y`` there means attribute y of parameter x.
    """

    name: str
    operator: str
    declared: tuple[str, ...]
    documentation: str
    sql: str
    parameters: tuple[str, ...]
    location: Location
    source: Source = field(repr=False, compare=False)
    # Where the pieces of ``sql`` came from: positions there, and in the file.
    origins: tuple[tuple[int, int], ...] = field(repr=False, compare=False)

    def place(self, position: int) -> tuple[Location, str]:
        """Return where a character of ``sql`` is in the file, and its line, marked."""
        place = (position, len(self.source.text))
        piece, origin = self.origins[bisect_right(self.origins, place) - 1]
        at = origin + position - piece
        return self.source.location(at), self.source.excerpt(at)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: int
    start: int
    end: int
    word: bool


def read_queries(path: Path) -> list[Query]:
    """Read the named queries of a file.

    Raises QueryError, with file, line and column, for a header that is malformed, a
    parameter that is undeclared or unused, and SQL that PostgreSQL cannot parse.
    """
    return parse_queries(path.read_text(encoding="utf-8-sig"), path=path)


def parse_queries(text: str, *, path: Path) -> list[Query]:
    """Read the named queries of a text, as :func:`read_queries` does."""
    queries = []
    for found in each_query(text, path=path):
        if isinstance(found, QueryError):
            raise found
        queries.append(found)
    return queries


def each_query(text: str, *, path: Path) -> Iterator[Query | QueryError]:
    """Read the named queries of a text one by one.

    What :func:`read_queries` would raise for a query comes in its place, and hides no
    other one.
    """
    source = Source(path, text)
    places: dict[str, Location] = {}
    for piece in _pieces(source):
        if isinstance(piece, QueryError):
            yield piece
            continue
        try:
            query = _Reader(source, piece).read()
            _check_name(query, places)
        except QueryError as error:
            yield error
        else:
            yield query


def _check_name(query: Query, places: dict[str, Location]) -> None:
    place = places.setdefault(query.name, query.location)
    if place is not query.location:
        raise QueryError(
            f"two queries are called {query.name}",
            location=query.location,
            hint=f"The other one is at line {place.line}.",
        )


def _pieces(source: Source) -> Iterator[list[_Token] | QueryError]:
    """Yield the tokens from each header to the next, or why they cannot be told.

    An open quote swallows what is behind it: reading goes on at the next header.
    """
    start: int | None = 0
    while start is not None:
        tokens, broken = _scan(source, start)
        headers = [
            index
            for index, token in enumerate(tokens)
            if token.kind == pb.SQL_COMMENT
            and _HEADER.match(source.text[token.start : token.end])
        ]
        pieces = [tokens[i:j] for i, j in pairwise([*headers, len(tokens)])]
        if broken is None:
            yield from pieces
            return
        yield from pieces[:-1]
        yield QueryError(broken.message, location=source.location(broken.position))
        following = _HEADER_LINE.search(source.text, broken.position + 1)
        start = following.start() if following else None


@dataclass(frozen=True, slots=True)
class _Broken:
    """What the scanner cannot read, and where."""

    message: str
    position: int


class _Reader:
    """Turns the tokens from one header to the next into a query."""

    def __init__(self, source: Source, tokens: list[_Token]) -> None:
        self.source = source
        self.text = source.text
        self.header, *self.body = tokens

    def read(self) -> Query:
        name, operator, declared = self._signature()
        documentation, code = self._documentation()
        end = max((t.end for t in code if t.kind not in _COMMENTS), default=None)
        if end is None:
            raise self._error(f"query {name} is empty", self.header.start)
        code = [token for token in code if token.end <= end]
        sql, used, origins = self._numbered(name, code, declared)
        if declared is not None:
            roots = {parameter.partition(".")[0] for parameter in used}
            for unused in [p for p in declared if p not in roots]:
                raise self._error(
                    f"query {name} declares {unused} and never uses it",
                    self.header.start,
                )
        query = Query(
            name=name,
            operator=operator,
            declared=tuple(dict.fromkeys(p.partition(".")[0] for p in used)),
            documentation=documentation,
            sql=sql,
            parameters=used,
            location=self.source.location(self.header.start),
            source=self.source,
            origins=tuple(origins),
        )
        self._check_syntax(query)
        return query

    def _signature(self) -> tuple[str, str, tuple[str, ...] | None]:
        header = _HEADER.match(self._of(self.header))
        rest = header["rest"].strip() if header else ""
        match = _SIGNATURE.fullmatch(rest)
        if not match or match["name"][0].isdigit():
            raise self._error(
                f"{rest!r} is not a query's name, parameters and operator",
                self.header.start,
                hint="Write it as in: -- name: find_user(id)^",
            )
        name, operator = match["name"].replace("-", "_"), match["operator"]
        if match["parameters"] is None:
            if operator not in _OPTIONAL_PARAMETERS:
                raise self._error(
                    f"query {name} has no list of parameters",
                    self.header.start,
                    hint=f"Write {name}() if it takes none.",
                )
            return name, operator, None
        listed = [part.strip() for part in match["parameters"].split(",")]
        declared = tuple(part for part in listed if part)
        for parameter in declared:
            if not parameter.isidentifier():
                raise self._error(
                    f"{parameter!r} cannot be the name of a parameter",
                    self.header.start,
                )
        return name, operator, declared

    def _documentation(self) -> tuple[str, list[_Token]]:
        """Split off the comments between the header and the statement."""
        lines: list[str] = []
        for index, token in enumerate(self.body):
            comment = self._of(token)
            if token.kind != pb.SQL_COMMENT:
                return "\n".join(lines), self.body[index:]
            if not _RECORD_CLASS.match(comment):
                lines.append(comment.removeprefix("--").strip())
        return "\n".join(lines), []

    def _numbered(
        self, name: str, code: list[_Token], declared: tuple[str, ...] | None
    ) -> tuple[str, tuple[str, ...], list[tuple[int, int]]]:
        """Write ``$n`` for the parameters.

        Returns the SQL, the parameters in the order of their numbers, and where the
        pieces came from: pairs of a position in the SQL and one in the file.
        """
        pieces: list[str] = []
        origins: list[tuple[int, int]] = []
        used: list[str] = []
        position, written, depth, index = code[0].start, 0, 0, 0

        def write(piece: str, origin: int) -> None:
            nonlocal written
            origins.append((written, origin))
            pieces.append(piece)
            written += len(piece)

        while index < len(code):
            token = code[index]
            depth += (token.kind == _OPEN) - (token.kind == _CLOSE)
            if token.kind == pb.PARAM:
                raise self._error(
                    f"query {name} has a numbered parameter",
                    token.start,
                    hint="Give it a name: :id instead of $1.",
                )
            parameter, length = self._parameter(code, index, declared, depth)
            if parameter is None:
                index += 1
                continue
            if declared is not None and parameter.partition(".")[0] not in declared:
                raise self._error(
                    f"query {name} uses :{parameter}, which it does not declare",
                    token.start,
                    hint=f"Add it to the list: {name}({', '.join(declared)}, …)",
                )
            if parameter not in used:
                used.append(parameter)
            write(self.text[position : token.start], position)
            write(f"${used.index(parameter) + 1}", token.start)
            index += length
            position = code[index - 1].end
        write(self.text[position : code[-1].end], position)
        sql = "".join(pieces)
        return sql.rstrip("; \n\t"), tuple(used), origins

    def _parameter(
        self,
        code: list[_Token],
        index: int,
        declared: tuple[str, ...] | None,
        depth: int,
    ) -> tuple[str | None, int]:
        """Return the parameter that begins at a token, and its length in tokens."""
        token, following = code[index], code[index + 1 : index + 4]
        if token.kind != _COLON or not following:
            return None, 1
        first = following[0]
        if not first.word or first.start != token.end:
            return None, 1
        name = self._of(first)
        if depth and name not in (declared or ()):
            return None, 1  # the upper bound of a slice: a[1:n]
        if (
            len(following) == 3
            and following[1].kind == _DOT
            and following[1].start == first.end
            and following[2].word
            and following[2].start == following[1].end
        ):
            return f"{name}.{self._of(following[2])}", 4
        return name, 2

    def _check_syntax(self, query: Query) -> None:
        try:
            statements = postgast.parse(query.sql).stmts
        except postgast.PgQueryError as error:
            location, excerpt = query.place(max(error.cursorpos - 1, 0))
            raise QueryError(
                f"query {query.name}: {error.message}",
                location=location,
                excerpt=excerpt,
            ) from None
        if query.operator != "#" and len(statements) != 1:
            raise self._error(
                f"query {query.name} holds {len(statements)} statements instead of one",
                self.header.start,
                hint="Split it, or mark it as a script: #",
            )

    def _of(self, token: _Token) -> str:
        return self.text[token.start : token.end]

    def _error(
        self, message: str, position: int, hint: str | None = None
    ) -> QueryError:
        return QueryError(
            message,
            location=self.source.location(position),
            hint=hint,
            excerpt=self.source.excerpt(position),
        )


def _scan(source: Source, start: int) -> tuple[list[_Token], _Broken | None]:
    """Return the tokens from a position on, up to what is none."""
    text, broken = source.text[start:], None
    while True:
        try:
            scanned: Any = postgast.scan(text)
        except postgast.PgQueryError as error:
            at = min(max(error.cursorpos - 1, 0), len(text) - 1)
            broken = broken or _Broken(error.message, start + at)
            text = text[:at]
        else:
            break
    to_characters = character_positions(text)
    tokens = [
        _Token(
            kind=token.token,
            start=start + to_characters(token.start),
            end=start + to_characters(token.end),
            word=token.token == pb.IDENT or token.keyword_kind != pb.NO_KEYWORD,
        )
        for token in scanned.tokens
    ]
    return tokens, broken


def character_positions(text: str) -> Any:
    """Return a function from positions in the UTF-8 bytes to positions in the text."""
    if text.isascii():
        return lambda position: position
    positions: list[int] = []
    for index, character in enumerate(text):
        positions += [index] * len(character.encode())
    positions.append(len(text))
    return positions.__getitem__
