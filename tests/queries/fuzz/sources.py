"""What may stand in FROM: tables, joins, subqueries, functions, VALUES."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.queries.fuzz import grammar
from tests.queries.fuzz.expressions import (
    EMPTY,
    Expressions,
    Leaf,
    Scope,
    scope_of,
)
from tests.queries.fuzz.schema import TYPES


class Source(NamedTuple):
    """An item of FROM; ``leaves`` has its columns in their order, then whole rows."""

    sql: str
    leaves: list[Leaf]
    # A join that needs parentheses as the right side of another.
    bare: bool = False

    def operand(self) -> str:
        return f"({self.sql})" if self.bare else self.sql

    def columns(self) -> list[Leaf]:
        return [leaf for leaf in self.leaves if leaf.type != "row"]


class Sources(Expressions):
    # The common table expressions in scope.
    tables: Sequence[tuple[str, list[Leaf]]] = ()

    def table_of(self, name: str, types: Sequence[str]) -> tuple[str, list[Leaf]]:
        """Return a common table expression with the columns c1, c2, …"""
        columns = self.aliased("", name, types, row=False).leaves
        return name, columns

    def from_clause(self, outer: Scope) -> Source:
        """Return one item or several, joined in one way or another."""
        size = self.pick([1, 1, 1, 2, 2, 3, 3, 4] if self.fuel > 0 else [1, 1, 2])
        source = self._joined(size, outer)
        if self.often(0.1):
            other = self._single(scope_of(source.leaves))
            return Source(f"{source.sql}, {other.sql}", [*source.leaves, *other.leaves])
        return source

    def _joined(self, size: int, outer: Scope) -> Source:
        """Return a join of so many items, nested at random."""
        if size == 1:
            return self._single(outer)
        left_size = self.pick([1, size - 1])
        kind = self.pick(["INNER", "LEFT", "LEFT", "RIGHT", "FULL", "CROSS", "USING"])
        left = self._joined(left_size, outer)
        # The right side may look at the left one where all its rows are there.
        lateral = kind in ("INNER", "LEFT", "CROSS") and self.often(0.4)
        right = self._joined(
            size - left_size, scope_of(left.leaves) if lateral else outer
        )
        if kind == "USING":
            return self._using(left, right)
        leaves = [*left.leaves, *right.leaves]
        if kind == "CROSS":
            return Source(f"{left.sql} CROSS JOIN {right.operand()}", leaves, bare=True)
        condition = self._on(left, right, outer, hashable=kind == "FULL")
        join = f"{left.sql} {kind} JOIN {right.operand()} ON {condition}"
        if self.often(0.15):
            return self._renamed(f"({join})", [*left.columns(), *right.columns()])
        if self.often(0.2):
            return Source(f"({join})", leaves)
        return Source(join, leaves, bare=True)

    def _on(self, left: Source, right: Source, outer: Scope, *, hashable: bool) -> str:
        """Return a join's condition, mostly x = y; hashable ones are nothing else."""
        pairs = [
            (one.sql, other.sql)
            for one in left.columns()
            for other in right.columns()
            if one.type == other.type
        ]
        both = [*left.leaves, *right.leaves, *self._some(outer.inner)]
        if hashable and not pairs:
            return "true"
        if not hashable and (not pairs or self.often(0.25)):
            return self.predicate(scope_of(both))
        one, other = self.pick(pairs)
        if not hashable and self.often(0.3):
            return f"{one} = {other} AND {self.predicate(scope_of(both))}"
        return f"{one} = {other}"

    def _using(self, left: Source, right: Source) -> Source:
        """Return a join by names, natural or not, under an alias of its own."""
        kind = self.pick(["INNER", "LEFT", "RIGHT", "FULL"])
        leaves = [*left.leaves, *right.leaves]
        columns = [*left.columns(), *right.columns()]
        names = [leaf.name for leaf in columns]
        others = [leaf.name for leaf in right.columns()]
        merged = [
            leaf
            for leaf in left.columns()
            if leaf.name in others and names.count(leaf.name) == 2
        ]
        if not merged:
            join = f"{left.sql} CROSS JOIN {right.operand()}"
            return Source(join, leaves, bare=True)
        if self.often(0.3):
            join = f"{left.sql} NATURAL {kind} JOIN {right.operand()}"
        else:
            merged = self.chance.sample(merged, self.chance.randint(1, len(merged)))
            using = ", ".join(leaf.name for leaf in merged)
            join = f"{left.sql} {kind} JOIN {right.operand()} USING ({using})"
            if self.often(0.5):
                alias = self.name("u")
                own = [Leaf(f"{alias}.{leaf.name}", *leaf[1:]) for leaf in merged]
                return Source(f"{join} AS {alias}", [*own, *own, *leaves], bare=True)
        common = {leaf.name for leaf in merged}
        rest = [leaf for leaf in columns if leaf.name not in common]
        return self._renamed(f"({join})", [*merged, *rest])

    def _renamed(self, join: str, columns: Sequence[Leaf]) -> Source:
        """Put an alias with new names over a join; they hide the tables' own."""
        types = [leaf.type for leaf in columns]
        return self.aliased(join, self.name("j"), types, row=False)

    def aliased(
        self, item: str, alias: str, types: Sequence[str], *, row: bool = True
    ) -> Source:
        names = [f"c{number}" for number in range(1, len(types) + 1)]
        leaves = [
            Leaf(f"{alias}.{name}", type_, name)
            for name, type_ in zip(names, types, strict=True)
        ]
        if row:
            leaves.append(Leaf(alias, "row"))
        return Source(f"{item} AS {alias} ({', '.join(names)})", leaves)

    def _single(self, outer: Scope) -> Source:
        if self.fuel <= 0:
            return self._table(outer)
        kinds: list[Callable[[Scope], Source]] = [
            *[self._table] * 8,
            *[self._subquery] * 2,
            *[self._function] * 2,
            self._rows,
            *[self._common] * (6 if self.tables else 0),
        ]
        return self.pick(kinds)(outer)

    def _table(self, outer: Scope) -> Source:
        relation = self.pick(self.relations)
        alias = self.name("t")
        item = f"fuzz.{relation.name}"
        if relation.kind in "rp" and self.often(0.05):
            item = f"ONLY {item}"
        columns = [(column.name, column.type) for column in relation.columns]
        if self.often(0.05):
            return self.aliased(item, alias, [type_ for _, type_ in columns])
        leaves = [Leaf(f"{alias}.{name}", type_, name) for name, type_ in columns]
        sample = ""
        if relation.kind in "rpm" and self.often(0.03):
            sample = " TABLESAMPLE bernoulli (50) REPEATABLE (1)"
        return Source(f"{item} AS {alias}{sample}", [*leaves, Leaf(alias, "row")])

    def _common(self, outer: Scope) -> Source:
        name, columns = self.pick(self.tables)
        alias = self.name("w")
        leaves = [Leaf(f"{alias}.{c.name}", c.type, c.name) for c in columns]
        return Source(f"{name} AS {alias}", [*leaves, Leaf(alias, "row")])

    def _subquery(self, outer: Scope) -> Source:
        types = self.types()
        lateral = self.often(0.4)
        query = self.select(types, outer if lateral else EMPTY)
        return self.aliased(
            f"{'LATERAL ' if lateral else ''}({query})", self.name("s"), types
        )

    def _function(self, outer: Scope) -> Source:
        scope = outer if self.often(0.5) else EMPTY
        if self.often(0.15):
            call, types = self.pick(grammar.RECORDS)
            names = [(f"a{n}", type_) for n, type_ in enumerate(types)]
            alias = self.name("r")
            definition = ", ".join(f"{name} {TYPES[type_]}" for name, type_ in names)
            return Source(
                f"{self.filled(call, scope)} AS {alias} ({definition})",
                [Leaf(f"{alias}.{name}", type_, name) for name, type_ in names],
            )
        call, types = self.pick(grammar.FUNCTIONS)
        item = self.filled(call, scope)
        if "COLUMNS" not in call and self.often(0.25):
            return self.aliased(
                f"{item} WITH ORDINALITY", self.name("f"), [*types, "big"]
            )
        return self.aliased(item, self.name("f"), types)

    def _rows(self, outer: Scope) -> Source:
        types = self.types()
        return self.aliased(f"({self.values_of(types, EMPTY)})", self.name("v"), types)

    def values_of(self, types: Sequence[str], scope: Scope) -> str:
        """Return a VALUES of one to three rows."""
        rows = [
            ", ".join(self.leaf(type_, scope) for type_ in types)
            for _ in range(self.chance.randint(1, 3))
        ]
        return f"VALUES {', '.join(f'({row})' for row in rows)}"

    def _some(self, leaves: Sequence[Leaf]) -> list[Leaf]:
        return self.chance.sample(leaves, min(len(leaves), 2))
