"""Random queries: grouped, windowed, recursive, united …"""

from __future__ import annotations

from collections.abc import Sequence

from tests.queries.fuzz import grammar
from tests.queries.fuzz.expressions import EMPTY, Leaf, Scope, scope_of
from tests.queries.fuzz.schema import TYPES
from tests.queries.fuzz.sources import Source, Sources

_OPERATIONS = ["UNION", "INTERSECT", "EXCEPT"]


class Selects(Sources):
    def select(
        self, types: Sequence[str], outer: Scope = EMPTY, *, one: bool = False
    ) -> str:
        """Return a query of any kind; with ``one``, it gives at most one row."""
        if self.spend():
            draw = self.chance.random()
            if draw < 0.1:
                return self._limited(self._united(types, outer), one=one)
            if draw < 0.14:
                values = self.values_of(types, outer)
                names = ", ".join(self._names(types))
                query = f"SELECT v.* FROM ({values}) AS v ({names})"
                return self._limited(query, one=one)
            if draw < 0.26:
                return self._with(types, outer, one=one)
        return self._plain(types, outer, one=one)

    def columns_only(self) -> str:
        """Return a query for columns, which joins and conditions alone decide about."""
        source = self.from_clause(EMPTY)
        columns = source.columns()
        chosen = self.chance.sample(columns, min(len(columns), 4))
        query = f"SELECT {', '.join(leaf.sql for leaf in chosen)} FROM {source.sql}"
        if self.often(0.7):
            query += f" WHERE {self.predicate(scope_of(chosen))}"
        return query

    def _names(self, types: Sequence[str]) -> list[str]:
        return [f"c{number}" for number in range(1, len(types) + 1)]

    def _limited(self, query: str, *, one: bool) -> str:
        if one:
            query += self.pick([" LIMIT 1", " FETCH FIRST ROW ONLY", " LIMIT 1"])
        elif self.often(0.05):
            query += self.pick([" LIMIT 2", " LIMIT 0", " LIMIT ALL"])
        if self.often(0.05):
            query += " OFFSET 1"
        return query

    def _united(self, types: Sequence[str], outer: Scope) -> str:
        """Return two queries, one of them perhaps such a pair itself."""
        left = f"({self.select(types, outer)})"
        right = f"({self.select(types, outer)})"
        if self.often(0.3):
            more = f"({self._plain(types, outer)})"
            right = f"({right} {self._operation()} {more})"
        return f"{left} {self._operation()} {right}"

    def _operation(self) -> str:
        return self.pick(_OPERATIONS) + (" ALL" if self.often(0.5) else "")

    def _plain(
        self,
        types: Sequence[str],
        outer: Scope,
        *,
        one: bool = False,
        source: Source | None = None,
    ) -> str:
        """Return a query without WITH and set operations, of this source or any."""
        some = self._some(outer.inner) if self.often(0.5) else []
        if source is None and self.often(0.1 if self.fuel > 0 else 0.02):
            query = f"SELECT {self._targets(types, scope_of(some))}"
            if self.often(0.3):
                query += f" WHERE {self.predicate(scope_of(some))}"
            return self._limited(query, one=one)
        source = source or self.from_clause(outer)
        scope = scope_of([*source.leaves, *some])
        rest = f"FROM {source.sql}"
        if self.often(0.4):
            rest += f" WHERE {self.predicate(scope)}"
        draw = self.chance.random()
        if draw < (0.4 if one else 0.12):
            above = self._aggregated(types, scope)
            query = f"SELECT {self._targets(types, above)} {rest}{self._having(above)}"
            # It has one row at the most already.
            return query if self.often(0.9) else self._limited(query, one=one)
        if draw < 0.6:
            kinds = [self._grouped, self._windowed, self._distinct]
            query = self.pick(kinds)(types, scope, rest)
            return self._limited(query, one=one)
        query = f"SELECT {self._targets(types, scope, sets=self.often(0.05))} {rest}"
        if self.often(0.15):
            query += " ORDER BY 1 NULLS FIRST"
        return self._limited(query, one=one)

    def _distinct(self, types: Sequence[str], scope: Scope, rest: str) -> str:
        targets = self._targets(types, scope)
        key = self.leaf("int", scope)
        if "." not in key or self.often(0.7):
            return f"SELECT DISTINCT {targets} {rest}"
        return f"SELECT DISTINCT ON ({key}) {targets} {rest} ORDER BY {key}"

    def _targets(
        self, types: Sequence[str], scope: Scope, *, sets: bool = False
    ) -> str:
        def target(type_: str) -> str:
            if sets and type_ in grammar.SETS:
                return self.filled(self.pick(grammar.SETS[type_]), scope)
            fitting = any(leaf.type == type_ for leaf in scope.leaves)
            if fitting and self.often(0.5):
                return self.leaf(type_, scope)
            return self.expression(type_, scope)

        return ", ".join(
            f"{target(type_)} AS {name}"
            for name, type_ in zip(self._names(types), types, strict=True)
        )

    def _having(self, grouped: Scope) -> str:
        return f" HAVING {self.predicate(grouped)}" if self.often(0.2) else ""

    def _aggregated(self, types: Sequence[str], scope: Scope) -> Scope:
        """Return the scope above an aggregation: calls of aggregates."""
        wanted = [type_ for type_ in types if type_ in grammar.AGGREGATES]
        wanted += self.types(2)
        leaves = []
        for type_ in wanted:
            template, cast, to = self.pick(grammar.AGGREGATES[type_]).partition("::")
            call = self.filled_leaves(template, scope)
            if self.often(0.2):
                call += f" FILTER (WHERE {self.condition(scope)})"
            if cast:
                call = f"({call})::{to}"
            if self.often(0.05):
                call = f"(SELECT {call})"
            leaves.append(Leaf(call, type_))
        return Scope(leaves, [])

    def filled_leaves(self, template: str, scope: Scope, type_: str = "int") -> str:
        """Fill a template shallowly: no aggregate may end up in an aggregate."""
        fuel, self.fuel = self.fuel, min(self.fuel, self.pick([0, 0, 2]))
        try:
            return self.filled(template, scope, type_)
        finally:
            self.fuel = fuel

    def _grouped(self, types: Sequence[str], scope: Scope, rest: str) -> str:
        columns = [leaf for leaf in scope.leaves if leaf.type in TYPES]
        keys = self.chance.sample(columns, min(len(columns), 3))
        if keys and self.often(0.3):
            type_ = self.pick(list(TYPES))
            key = self.filled_leaves("coalesce(<T>, <T>)", scope, type_)
            keys[0] = Leaf(key, type_)
        aggregated = self._aggregated(types, scope)
        leaves = [*keys, *aggregated.leaves]
        clause, sets = self._keys([key.sql for key in keys])
        if sets and keys:
            leaves.append(Leaf(f"GROUPING({keys[0].sql})", "int"))
        grouped = Scope(leaves, [])
        query = f"SELECT {self._targets(types, grouped)} {rest} GROUP BY {clause}"
        return query + self._having(grouped)

    def _keys(self, keys: Sequence[str]) -> tuple[str, bool]:
        """Return a GROUP BY's list, and whether it has grouping sets."""
        plain = ", ".join(keys)
        if not keys:
            return "()", False
        if self.often(0.5):
            return (f"DISTINCT {plain}" if self.often(0.1) else plain), False
        first, *others = keys
        rest = ", ".join(others)
        clauses = [
            f"ROLLUP ({plain})",
            f"CUBE ({plain})",
            f"GROUPING SETS (({plain}), ({first}))",
            f"GROUPING SETS (({plain}), ())",
            f"GROUPING SETS (({plain}))",
        ]
        if others:
            clauses += [
                f"{first}, ROLLUP ({rest})",
                f"GROUPING SETS (({first}), ({rest}))",
                f"ROLLUP ({first}), CUBE ({rest})",
            ]
        return self.pick(clauses), True

    def _windowed(self, types: Sequence[str], scope: Scope, rest: str) -> str:
        leaves = []
        named = self.often(0.2)
        for type_ in [*types, "big"]:
            for template in grammar.WINDOWS.get(type_, []):
                if self.often(0.3):
                    call, cast, to = template.partition("::")
                    over = "w" if named else f"({self._window(scope)})"
                    call = self.filled_leaves(call, scope)
                    leaves.append(Leaf(f"({call} OVER {over}){cast}{to}", type_))
        # Only at their own level: a query within cannot hold them.
        above = Scope([*leaves, *leaves, *scope.leaves], scope.inner)
        window = f" WINDOW w AS ({self._window(scope)})" if named else ""
        return f"SELECT {self._targets(types, above)} {rest}{window}"

    def _window(self, scope: Scope) -> str:
        parts = []
        if self.often(0.4):
            parts.append(f"PARTITION BY {self.leaf('int', scope)}::integer")
        frame = self.pick(grammar.FRAMES)
        if self.often(0.6) or frame.startswith("GROUPS"):
            parts.append(f"ORDER BY {self.leaf('text', scope)}::text")
        parts.append(frame)
        return " ".join(part for part in parts if part)

    def _with(self, types: Sequence[str], outer: Scope, *, one: bool) -> str:
        """Return a query after one or two common table expressions."""
        before = self.tables
        recursive = self.often(0.4)
        items = []
        for _ in range(self.pick([1, 1, 2])):
            name = self.name("w")
            own = types if self.often(0.5) else self.types(3)
            if recursive:
                item, own = self._recursive(name, own)
            else:
                how = self.pick(["", "", "MATERIALIZED ", "NOT MATERIALIZED "])
                item = f"{name} AS {how}({self.select(own, outer)})"
            items.append(item)
            self.tables = [*self.tables, self.table_of(name, own)]
        query = self.using_tables(types, outer, one=one)
        self.tables = before
        return f"WITH {'RECURSIVE ' if recursive else ''}{', '.join(items)} {query}"

    def using_tables(
        self, types: Sequence[str], outer: Scope = EMPTY, *, one: bool = False
    ) -> str:
        """Return a query that most likely uses common table expressions in scope."""
        source = self._common(EMPTY) if self.often(0.5) else None
        return self._plain(types, outer, one=one, source=source)

    def _recursive(self, name: str, types: Sequence[str]) -> tuple[str, list[str]]:
        """Return an item that counts to two in its last column, and its types."""
        alias = self.name("r")
        own = [
            Leaf(f"{alias}.{column}", type_, column)
            for column, type_ in zip(self._names(types), types, strict=True)
        ]
        depth = f"{alias}.c{len(types) + 1}"
        joined, scope = f"{name} AS {alias}", scope_of(own)
        if self.often(0.5):
            other = self._table(EMPTY)
            scope = scope_of([*own, *other.leaves])
            join = self.pick(["JOIN", "LEFT JOIN"])
            joined += f" {join} {other.sql} ON {self.condition(scope)}"
        where = f"{depth} < 2"
        if self.often(0.3):
            where += f" AND {self.condition(scope)}"
        first, source = [self.leaf(type_, EMPTY) for type_ in types], ""
        if self.often(0.4):
            first = [f"q.{column}" for column in self._names(types)]
            source = f" FROM ({self._plain(types, EMPTY, one=True)}) AS q"
        following = [self.leaf(type_, scope) for type_ in types]
        query = (
            f"SELECT {self._cast(first, types)}, 0{source} "
            f"{self.pick(['UNION', 'UNION ALL'])} "
            f"SELECT {self._cast(following, types)}, {depth} + 1 "
            f"FROM {joined} WHERE {where}"
        )
        types = [*types, "int"]
        return f"{name} ({', '.join(self._names(types))}) AS ({query})", types

    def _cast(self, values: Sequence[str], types: Sequence[str]) -> str:
        """Return a list in which each value is of its type to the letter."""
        return ", ".join(
            f"CAST({value} AS {TYPES[type_]})"
            for value, type_ in zip(values, types, strict=True)
        )
