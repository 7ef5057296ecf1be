"""Queries with one mistake each, made from the tokens of PostgreSQL's scanner.

A mutant is a file of queries in which a few characters differ. Where the mistake must
be told follows from the tokens that were changed: on their line, or up to where a
parser can first notice. What would still be valid SQL is not made, by the rules that
the functions below name.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import postgast
from psycopg import Connection

from drystone.queries.reading.files import Area
from drystone.queries.reading.lexer import character_positions

pb = postgast.pg_query_pb2

# A script may create what it uses, and is parsed only.
SCRIPT = "#"

_KEYWORDS = """
    SELECT FROM WHERE GROUP ORDER BY JOIN LIMIT UNION INSERT INTO VALUES UPDATE SET
    DELETE RETURNING CONFLICT HAVING CASE WHEN THEN END BETWEEN FILTER PARTITION OVER
    EXISTS DISTINCT AND DESC
"""
_CYPHER_KEYWORDS = {"MATCH", "WHERE", "WITH", "RETURN", "UNION"}
# How many tokens the parser may go on after a misspelt word.
_AHEAD = 5

_NAMES = """
SELECT a.attname FROM pg_catalog.pg_attribute AS a
UNION SELECT c.relname FROM pg_catalog.pg_class AS c
UNION SELECT p.proname FROM pg_catalog.pg_proc AS p
UNION SELECT t.typname FROM pg_catalog.pg_type AS t
UNION SELECT k.word FROM pg_catalog.pg_get_keywords() AS k
"""
_FUNCTIONS = """
SELECT
    p.proname,
    max(p.pronargs),
    bool_or(p.provariadic <> 0)
FROM pg_catalog.pg_proc AS p
GROUP BY p.proname
"""
_KEYS = """
SELECT
    format('%s.%s', c.relnamespace::regnamespace, c.relname),
    ARRAY(
        SELECT a.attname::text
        FROM pg_catalog.pg_attribute AS a
        WHERE a.attrelid = c.oid
            AND a.attnum = ANY (i.indkey::smallint[])
    )
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indrelid
WHERE i.indisunique
"""
_ENUMS = """
SELECT format('%s.%s.%s', c.relnamespace::regnamespace, c.relname, a.attname)
FROM pg_catalog.pg_attribute AS a
JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid
WHERE t.typtype = 'e'
"""


@dataclass(frozen=True, slots=True)
class Catalog:
    """What a database has: its names, functions, unique keys and columns of enums.

    ``functions`` are the largest number of arguments and whether there can be more.
    """

    names: set[str]
    functions: dict[str, tuple[int, bool]]
    keys: set[tuple[str, frozenset[str]]]
    enums: set[str]


def read_catalog(connection: Connection[Any]) -> Catalog:
    """Read what mistakes must not hit upon by chance."""
    return Catalog(
        names={name for (name,) in connection.execute(_NAMES)},
        functions={
            name: (most, more) for name, most, more in connection.execute(_FUNCTIONS)
        },
        keys={
            (table, frozenset(columns)) for table, columns in connection.execute(_KEYS)
        },
        enums={name for (name,) in connection.execute(_ENUMS)},
    )


class Token(NamedTuple):
    """A token: its text, where it is in the file, and whether it is a word."""

    text: str
    start: int
    end: int
    word: bool


class Edit(NamedTuple):
    """Characters to replace; the mistake is told between two positions."""

    start: int
    end: int
    text: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Written:
    """A query of a file, which begins at a position, and its tokens but comments."""

    area: Area
    name: str
    parameters: tuple[str, ...]
    tokens: list[Token]
    begin: int
    catalog: Catalog
    chance: random.Random = field(repr=False)

    @property
    def end(self) -> int:
        """Where its last token ends."""
        return self.tokens[-1].end

    def texts(self, at: int, count: int) -> list[str]:
        """Return some tokens' texts from a place on, empty ones behind the last."""
        found = [token.text for token in self.tokens[at : at + count]]
        return found + [""] * (count - len(found))

    def before(self, at: int) -> str:
        """Return the text of the token before another, or nothing."""
        return self.tokens[at - 1].text if at else ""

    def closing(self, opening: int) -> int:
        """Return the bracket that closes one."""
        depth = 0
        for at in range(opening, len(self.tokens)):
            depth += {"(": 1, ")": -1}.get(self.tokens[at].text, 0)
            if depth == 0:
                return at
        raise AssertionError(self.name)

    def clause_end(self, begin: int) -> int:
        """Return where the brackets around a place are closed, or the query ends."""
        depth = 0
        for at in range(begin, len(self.tokens)):
            depth += {"(": 1, ")": -1}.get(self.tokens[at].text, 0)
            if depth < 0:
                return at
        return len(self.tokens) - 1

    def misspelt(self, word: str) -> str:
        """Return a word with a slip of the finger that is no name of anything."""
        ends = range(1, len(word))
        slips = [word[:i] + word[i + 1 :] for i in ends]
        slips += [word[: i - 1] + word[i] + word[i - 1] + word[i + 1 :] for i in ends]
        slips += [word[:i] + word[i - 1 :] for i in range(1, len(word) + 1)]
        own = {token.text.lower() for token in self.tokens}
        names = self.catalog.names
        return self.chance.choice(
            [s for s in slips if s.lower() not in own and s.lower() not in names]
        )

    def slip(self, at: int, *, first: int | None = None) -> Edit:
        """Misspell a token; it is told on its line, or from ``first`` on."""
        token = self.tokens[at]
        begin = token.start if first is None else self.tokens[first].start
        return Edit(
            token.start, token.end, self.misspelt(token.text), begin, token.start
        )

    def ahead(self, at: int) -> int:
        """Return up to where the parser may notice a mistake in its words."""
        return self.tokens[min(at + _AHEAD, len(self.tokens) - 1)].start


@dataclass(frozen=True, slots=True)
class Mutant:
    """A file with a mistake in one query, told in some of its lines."""

    kind: str
    area: Area
    query: str
    text: str
    lines: range
    about: str

    def __str__(self) -> str:
        return f"{self.area.name}.{self.query}: {self.about}"


def written_queries(
    areas: Iterable[Area], catalog: Catalog, *, seed: int
) -> Iterator[Written]:
    """Yield the queries of the areas that are described, as tokens."""
    chance = random.Random(seed)
    for area in areas:
        text = area.queries[0].source.text
        tokens = _scan(text)
        starts = [at for at, t in enumerate(tokens) if t.text.startswith("-- name:")]
        for query, begin, end in zip(
            area.queries, starts, [*starts[1:], None], strict=True
        ):
            if query.operator != SCRIPT:
                code = [t for t in tokens[begin:end] if not t.text.startswith("--")]
                yield Written(
                    area,
                    query.name,
                    query.declared,
                    code,
                    tokens[begin].start,
                    catalog,
                    chance,
                )


def mutants(queries: Iterable[Written], *, seed: int, most: int) -> list[Mutant]:
    """Return mutants of every kind, up to so many of each, the same for a seed."""
    all_queries = list(queries)
    found = []
    for kind, mutate in KINDS.items():
        edits = [(query, edit) for query in all_queries for edit in mutate(query)]
        chance = random.Random(f"{seed}/{kind}")
        for query, edit in chance.sample(edits, min(most, len(edits))):
            found.append(_mutant(kind, query, edit))
    return found


def _mutant(kind: str, query: Written, edit: Edit) -> Mutant:
    text = query.area.queries[0].source.text
    first, last = (text.count("\n", 0, at) + 1 for at in (edit.first, edit.last))
    return Mutant(
        kind,
        query.area,
        query.name,
        text[: edit.start] + edit.text + text[edit.end :],
        range(first, last + 1),
        f"{text[edit.start : edit.end]!r} became {edit.text!r} in line "
        f"{text.count(chr(10), 0, edit.start) + 1}",
    )


def _scan(text: str) -> list[Token]:
    to_characters = character_positions(text)
    tokens = []
    for token in postgast.scan(text).tokens:
        start, end = to_characters(token.start), to_characters(token.end)
        word = token.token == pb.IDENT or token.keyword_kind != pb.NO_KEYWORD
        tokens.append(Token(text[start:end], start, end, word))
    return tokens


# --- Names ----------------------------------------------------------------------------


def _qualified(query: Written) -> Iterator[int]:
    """Yield where ``x.y`` is a column: neither a table, a type nor a function."""
    schemas = {"core", "events", "public", "pg_catalog", "ag_catalog"}
    for at in range(1, len(query.tokens) - 2):
        one, dot, _, after = query.texts(at, 4)
        if (
            dot == "."
            and query.tokens[at].word
            and query.tokens[at + 2].word
            and one not in schemas
            and after not in {".", "("}
            and query.before(at) not in {".", ":"}
        ):
            yield at


def _columns(query: Written) -> Iterator[Edit]:
    for at in _qualified(query):
        yield query.slip(at + 2, first=at)
    for _, columns, _ in inserts_of(query):
        for at in columns:
            yield query.slip(at)


def _aliases(query: Written) -> Iterator[Edit]:
    for at in _qualified(query):
        yield query.slip(at)


def _tables(query: Written) -> Iterator[Edit]:
    for at, token in enumerate(query.tokens):
        if token.text in {"FROM", "JOIN", "INTO", "UPDATE", "USING"}:
            schema, dot, *rest = query.texts(at + 1, 4)
            is_call = rest[1:] == ["("] and token.text != "INTO"
            if (
                dot == "."
                and schema in {"core", "events", "pg_catalog"}
                and not is_call
            ):
                yield query.slip(at + 3, first=at + 1)


def _common_tables(query: Written) -> Iterator[Edit]:
    named = {
        token.text
        for at, token in enumerate(query.tokens)
        if query.before(at) in {"WITH", "RECURSIVE", ","}
        and query.texts(at + 1, 1) == ["AS"]
    }
    for at, token in enumerate(query.tokens):
        follows = query.before(at) in {"FROM", "JOIN", "USING"}
        if follows and token.text in named and query.texts(at + 1, 1) != ["."]:
            yield query.slip(at)


def _types(query: Written) -> Iterator[Edit]:
    for at, token in enumerate(query.tokens):
        if token.text == "::":
            dotted = query.texts(at + 2, 1) == ["."]
            yield query.slip(at + 3 if dotted else at + 1, first=at + 1)


def _calls(query: Written) -> Iterator[int]:
    """Yield the names of functions that are called, other than cypher()."""
    for at, token in enumerate(query.tokens):
        if (
            token.text in query.catalog.functions
            and token.text != "cypher"
            and query.texts(at + 1, 1) == ["("]
            and query.before(at) not in {"AS", "INTO"}
        ):
            yield at


def _functions(query: Written) -> Iterator[Edit]:
    for at in _calls(query):
        first = at - 2 if query.before(at) == "." else at
        yield query.slip(at, first=first)._replace(last=query.ahead(at))


def _parameters(query: Written) -> Iterator[Edit]:
    for at, token in enumerate(query.tokens):
        if token.text in query.parameters and query.before(at) == ":":
            yield query.slip(at)


def _labels(query: Written) -> Iterator[Edit]:
    """Misspell labels that are compared with the column of an enum."""
    tables = {
        alias: f"{schema}.{table}"
        for at in range(len(query.tokens) - 4)
        for schema, dot, table, word, alias in [query.texts(at, 5)]
        if (dot, word) == (".", "AS")
    }
    for at in _qualified(query):
        alias, _, column, operator, literal = query.texts(at, 5)
        name = f"{tables.get(alias)}.{column}"
        if name in query.catalog.enums and operator == "=" and literal[0] == "'":
            token = query.tokens[at + 4]
            wrong = f"'{query.misspelt(literal[1:-1])}'"
            yield Edit(token.start, token.end, wrong, token.start, token.start)


# --- Syntax ---------------------------------------------------------------------------


def _keywords(query: Written) -> Iterator[Edit]:
    """Misspell keywords; not INNER, LEFT and their kin, which could be aliases then."""
    wanted = set(_KEYWORDS.split())
    for at, token in enumerate(query.tokens):
        if token.text in wanted:
            yield query.slip(at)._replace(last=query.ahead(at))


def _commas(query: Written) -> Iterator[Edit]:
    """Leave out commas, but not where what is left has another meaning.

    That is between strings on two lines, which become one, before a sign, which
    subtracts then, and between names, of which one becomes the alias of the other.
    Elsewhere too it may look like a type, a modifier or an operator
    class for a while, so that the mistake is told anywhere in the query.
    """
    for at, token in enumerate(query.tokens):
        if token.text != ",":
            continue
        before, (after, next_) = query.before(at), query.texts(at + 1, 2)
        left, right = before[:1], after[:1]
        renames = before.isidentifier() and after.isidentifier() and next_ not in ".("
        if right not in {"-", "+"} and {left, right} != {"'"} and not renames:
            yield Edit(token.start, token.end, "", query.begin, query.end)


def _brackets(query: Written) -> Iterator[Edit]:
    """Leave out brackets, which the parser may notice anywhere in the query."""
    for token in query.tokens:
        if token.text in {"(", ")"}:
            yield Edit(token.start, token.end, "", query.begin, query.end)


# --- Meaning --------------------------------------------------------------------------


def _arguments(query: Written) -> Iterator[Edit]:
    """Pass more arguments than any function of that name takes."""
    for at in _calls(query):
        most, more = query.catalog.functions[query.tokens[at].text]
        opening = query.tokens[at + 1]
        if not more:
            surplus = ", ".join(["NULL"] * (most + 1))
            separator = "" if query.texts(at + 2, 1) == [")"] else ", "
            first = query.tokens[at - 2 if query.before(at) == "." else at].start
            text, last = surplus + separator, query.ahead(at)
            yield Edit(opening.end, opening.end, text, first, last)


def _ambiguous(query: Written) -> Iterator[Edit]:
    """Leave out a table's name where two tables are joined by a column of one name."""
    for at in _qualified(query):
        one, _, column, equals, other, _, same = query.texts(at, 7)
        joined = query.before(at) == "ON" and equals == "=" and one != other
        if joined and column == same:
            name = query.tokens[at + 2]
            yield Edit(query.tokens[at].start, name.start, "", name.start, name.start)


def _selects(query: Written) -> Iterator[tuple[int, int, int | None]]:
    """Yield SELECTs of a plain column first: their beginning, end, and GROUP BY."""
    plain = set(_qualified(query))
    for at, token in enumerate(query.tokens):
        if token.text == "SELECT" and at + 1 in plain:
            own = list(_own_tokens(query, at + 1))
            texts = [query.tokens[each].text for each in own]
            end = own[texts.index("UNION")] if "UNION" in texts else own[-1] + 1
            grouped = [each for each in own if query.tokens[each].text == "GROUP"]
            yield at, end, next((each for each in grouped if each < end), None)


def _own_tokens(query: Written, begin: int) -> Iterator[int]:
    """Yield the tokens from a place on that are in no deeper brackets."""
    at, end = begin, query.clause_end(begin)
    while at < end:
        yield at
        at = query.closing(at) + 1 if query.tokens[at].text == "(" else at + 1


def _aggregates(query: Written) -> Iterator[Edit]:
    """Put an aggregate beside a plain column in a SELECT without GROUP BY."""
    for at, end, grouped in _selects(query):
        column = query.tokens[at + 1]
        if grouped is None and "FOR" not in query.texts(at, end - at):
            text, last = "count(*) AS surplus, ", query.tokens[end].start
            yield Edit(column.start, column.start, text, column.start, last)


def _groupings(query: Written) -> Iterator[Edit]:
    """Leave out GROUP BY where a plain column stands beside an aggregate."""
    aggregates = {"count", "min", "max", "sum", "avg"}
    for at, end, grouped in _selects(query):
        if grouped is None or not aggregates & set(query.texts(at, grouped - at)):
            continue
        stop = next(
            position
            for position in range(grouped + 2, end + 1)
            if query.tokens[position].text in {"ORDER", "HAVING", "LIMIT"}
            or position == end
        )
        yield Edit(
            query.tokens[grouped].start,
            query.tokens[stop].start,
            "",
            query.tokens[at].start,
            query.tokens[end].start,
        )


def _operators(query: Written) -> Iterator[Edit]:
    """Compare columns by operators of vectors or ranges; no SET begins with ``x.y``."""
    for at in _qualified(query):
        token = query.tokens[at + 3]
        if token.text in {"=", "<", ">", "<=", ">=", "<>"}:
            wrong = query.chance.choice(["<#>", "-|-"])
            yield Edit(token.start, token.end, wrong, token.start, token.start)


def inserts_of(query: Written) -> Iterator[tuple[str, list[int], int]]:
    """Yield the INSERTs: the table, the columns, and the bracket behind them."""
    for at in range(len(query.tokens) - 5):
        if query.texts(at, 2) == ["INSERT", "INTO"]:
            table = "".join(query.texts(at + 2, 3))
            opening = at + 7 if query.texts(at + 5, 1) == ["AS"] else at + 5
            closing = query.closing(opening)
            yield table, list(range(opening + 1, closing, 2)), closing


def _values(query: Written) -> Iterator[Edit]:
    """Leave out a column of an INSERT, but none of its values."""
    for _, columns, _ in inserts_of(query):
        for at in columns[1:]:
            start, end = query.tokens[at - 1].start, query.tokens[at].end
            yield Edit(start, end, "", query.begin, query.end)


def conflict_targets(query: Written) -> Iterator[tuple[str, list[str], int, int]]:
    """Yield the columns that ON CONFLICT names: their table, and the brackets' places.

    Targets of expressions are left out.
    """
    inserts = list(inserts_of(query))
    for at in range(len(query.tokens)):
        if query.texts(at, 3) == ["ON", "CONFLICT", "("]:
            table = [table for table, _, closing in inserts if closing < at][-1]
            end = query.closing(at + 2)
            target = query.texts(at + 3, end - at - 3)
            if set(target[1::2]) <= {","}:
                yield table, target[::2], at + 2, end


def _conflicts(query: Written) -> Iterator[Edit]:
    """Let ON CONFLICT name a column less, or another, so that no unique index fits.

    PostgreSQL gives such errors no place.
    """
    for table, target, opening, closing in conflict_targets(query):
        wrong = [[name for name in target if name != left_out] for left_out in target]
        wrong += [
            [query.tokens[at].text]
            for other, columns, _ in inserts_of(query)
            for at in columns
            if other == table
        ]
        for columns in wrong:
            if columns and (table, frozenset(columns)) not in query.catalog.keys:
                yield Edit(
                    query.tokens[opening].end,
                    query.tokens[closing].start,
                    ", ".join(columns),
                    query.begin,
                    query.end,
                )


# --- Cypher ---------------------------------------------------------------------------


def _cypher(query: Written) -> Iterator[tuple[int, list[Token]]]:
    """Yield calls of cypher(): where its closing bracket is, and Cypher's tokens."""
    for at, token in enumerate(query.tokens):
        if token.text == "cypher":
            literal = query.tokens[at + 4]
            tokens = [
                token._replace(
                    start=token.start + literal.start + 2,
                    end=token.end + literal.start + 2,
                )
                for token in _scan(literal.text[2:-2])
            ]
            yield query.closing(at + 1), tokens


def _cypher_syntax(query: Written) -> Iterator[Edit]:
    """Misspell keywords and variables, leave out commas and brackets.

    A label or a property that does not exist is no mistake in Cypher.
    """
    for _, tokens in _cypher(query):
        end = tokens[-1].end
        for at, token in enumerate(tokens[:-1]):
            if token.text in _CYPHER_KEYWORDS:
                wrong = query.misspelt(token.text)
                yield Edit(token.start, token.end, wrong, token.start, end)
            elif (
                token.word and tokens[at + 1].text == "." and tokens[at - 1].text != "$"
            ):
                wrong = query.misspelt(token.text)
                yield Edit(token.start, token.end, wrong, token.start, token.start)
            elif token.text in {",", "(", ")", "[", "]"}:
                yield Edit(token.start, token.end, "", token.start, end)


def _cypher_columns(query: Written) -> Iterator[Edit]:
    """Define a column more, or one less, than Cypher returns."""
    for closing, _ in _cypher(query):
        opening = closing + 3
        end = query.tokens[query.closing(opening)]
        more = ", surplus ag_catalog.agtype"
        yield Edit(end.start, end.start, more, query.begin, query.end)
        commas = [
            query.tokens[at].start
            for at in range(opening, query.closing(opening))
            if query.tokens[at].text == ","
        ]
        if commas:
            yield Edit(commas[-1], end.start, "", query.begin, query.end)


KINDS: dict[str, Callable[[Written], Iterator[Edit]]] = {
    "column misspelt": _columns,
    "alias misspelt": _aliases,
    "table misspelt": _tables,
    "common table misspelt": _common_tables,
    "type misspelt": _types,
    "function misspelt": _functions,
    "parameter misspelt": _parameters,
    "label misspelt": _labels,
    "keyword misspelt": _keywords,
    "comma missing": _commas,
    "bracket missing": _brackets,
    "argument too many": _arguments,
    "column ambiguous": _ambiguous,
    "aggregate beside a column": _aggregates,
    "GROUP BY missing": _groupings,
    "operator of other types": _operators,
    "value too many": _values,
    "ON CONFLICT without an index": _conflicts,
    "Cypher misspelt": _cypher_syntax,
    "Cypher's columns": _cypher_columns,
}
