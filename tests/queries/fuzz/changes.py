"""Random INSERT, UPDATE, DELETE and MERGE, each with RETURNING."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import NamedTuple

from tests.queries.fuzz.expressions import EMPTY, Leaf, Scope, scope_of
from tests.queries.fuzz.schema import TYPES, VALUES, Column, Relation
from tests.queries.fuzz.selects import Selects

# The views that take rows: by themselves, by a rule, by a trigger.
_WRITABLE_VIEWS = ("adults", "ruled", "hooked")
_PARAMETER = re.compile(r"\$(\d+)")
_KEYS = ("id", "code", "order_id")


class Query(NamedTuple):
    sql: str
    values: list[str | None]


def random_query(seed: str, relations: Sequence[Relation]) -> Query:
    """Return a query with the values of its parameters, the same for the same seed."""
    draft = Statements(random.Random(seed), relations)
    statement = draft.statement()
    # Not all that was drawn was used.
    used = sorted({int(number) for number in _PARAMETER.findall(statement)})
    return Query(
        _PARAMETER.sub(lambda match: f"${used.index(int(match[1])) + 1}", statement),
        [draft.values[number - 1] for number in used],
    )


class Statements(Selects):
    def statement(self) -> str:
        """Return a query, or one time in four a change, which may stand in a WITH."""
        if self.often(0.25):
            return self.columns_only()
        if self.often(0.65):
            return self.select(self.types(5))
        target = self.pick(
            [
                relation
                for relation in self.relations
                if relation.kind in "rp" or relation.name in _WRITABLE_VIEWS
            ]
        )
        types = [self.pick(target.columns).type for _ in range(self.pick([1, 2, 3]))]
        change = self.pick([self._insert, self._update, self._delete, self._merge])
        statement = change(target, types)
        if self.often(0.8):
            return statement
        name = self.name("w")
        self.tables = [self.table_of(name, types)]
        return f"WITH {name} AS ({statement}) {self.using_tables(types)}"

    def _own(self, target: Relation, alias: str) -> list[Leaf]:
        return [Leaf(f"{alias}.{c.name}", c.type) for c in target.columns]

    def _returning(
        self, target: Relation, alias: str, types: Sequence[str], *more: Leaf
    ) -> str:
        """Return the clause, over the target's columns, old, new and others."""
        leaves = [*self._own(target, alias), *more, Leaf(alias, "row")]
        if self.often(0.3):
            leaves += self._own(target, "old") + self._own(target, "new")
            # Where there is no old row, `old.x IN (SELECT …)` crashes PostgreSQL 18.6.
            self.fuel = 0
        return f"RETURNING {self._targets(types, scope_of(leaves))}"

    def _value(self, column: Column, scope: Scope) -> str:
        if column.required or self.often(0.2):
            return f"'{self.pick(VALUES[column.type])}'"
        if self.often(0.3):
            return "NULL"
        return f"CAST({self.leaf(column.type, scope)} AS {TYPES[column.type]})"

    def _columns(self, target: Relation) -> list[Column]:
        """Return the columns that an insert names: the required, and some others."""
        return [
            column
            for column in target.columns
            if not column.generated and (column.required or self.often(0.5))
        ]

    def _row(self, columns: Sequence[Column], scope: Scope) -> str:
        """Return a row to insert, its keys mostly new ones."""
        return ", ".join(
            str(self.chance.randint(1, 200))
            if column.name in _KEYS and column.required
            else self._value(column, scope)
            for column in columns
        )

    def _insert(self, target: Relation, types: Sequence[str]) -> str:
        alias = self.name("t")
        columns = self._columns(target)
        names = ", ".join(column.name for column in columns)
        head = f"INSERT INTO fuzz.{target.name} AS {alias}"
        if not columns:
            body = "DEFAULT VALUES"
        elif self.often(0.3):
            source = self.from_clause(EMPTY)
            row = self._row(columns, scope_of(source.leaves))
            body = f"({names}) SELECT {row} FROM {source.sql} LIMIT 1"
        else:
            rows = [
                f"({self._row(columns, EMPTY)})" for _ in range(self.pick([1, 1, 2]))
            ]
            body = f"({names}) VALUES {', '.join(rows)}"
        conflict = ""
        keys = {"people": "id", "codes": "code", "touched": "id", "doubtful": "id"}
        if target.name in keys and self.often(0.6):
            conflict = f" ON CONFLICT ({keys[target.name]}) " + self.pick(
                ["DO NOTHING", f"DO UPDATE SET {self._set(target, alias)}"]
            )
        return f"{head} {body}{conflict} {self._returning(target, alias, types)}"

    def _set(self, target: Relation, alias: str, *leaves: Leaf) -> str:
        scope = scope_of([*self._own(target, alias), *leaves])
        columns = [
            column
            for column in target.columns
            if not column.generated and column.name not in _KEYS
        ] or [target.columns[-1]]
        chosen = self.chance.sample(columns, min(len(columns), 2))
        return ", ".join(f"{c.name} = {self._value(c, scope)}" for c in chosen)

    def _choice(
        self, keyword: str, target: Relation, alias: str
    ) -> tuple[str, list[Leaf]]:
        """Return which rows to change, and what is joined to them."""
        choice, others = "", []
        if self.often(0.4):
            source = self.from_clause(EMPTY)
            choice, others = f" {keyword} {source.sql}", source.leaves
        if self.often(0.6):
            scope = scope_of([*self._own(target, alias), *others])
            choice += f" WHERE {self.predicate(scope)}"
        return choice, others

    def _update(self, target: Relation, types: Sequence[str]) -> str:
        alias = self.name("t")
        choice, others = self._choice("FROM", target, alias)
        return (
            f"UPDATE fuzz.{target.name} AS {alias} "
            f"SET {self._set(target, alias, *others)}{choice} "
            f"{self._returning(target, alias, types, *others)}"
        )

    def _delete(self, target: Relation, types: Sequence[str]) -> str:
        alias = self.name("t")
        choice, others = self._choice("USING", target, alias)
        return (
            f"DELETE FROM fuzz.{target.name} AS {alias}{choice} "
            f"{self._returning(target, alias, types, *others)}"
        )

    def _merge(self, target: Relation, types: Sequence[str]) -> str:
        alias = self.name("t")
        key = target.columns[0]
        source = self._single(EMPTY)
        same = [leaf.sql for leaf in source.columns() if leaf.type == key.type]
        on = f"{alias}.{key.name} = {self.pick(same) if same else '1'}"
        others = source.leaves
        own = self._own(target, alias)
        columns = self._columns(target) or [
            c for c in target.columns if not c.generated
        ]
        names = ", ".join(column.name for column in columns)
        fitting = self.predicate(scope_of([*own, *others]))
        row = self._row(columns, scope_of(others))
        clauses = [
            f"WHEN MATCHED AND {fitting} THEN DELETE",
            f"WHEN MATCHED THEN UPDATE SET {self._set(target, alias, *others)}",
            "WHEN MATCHED THEN DO NOTHING",
            f"WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({row})",
            "WHEN NOT MATCHED BY SOURCE AND random() < 0.5 THEN DELETE",
            f"WHEN NOT MATCHED BY SOURCE THEN UPDATE SET {self._set(target, alias)}",
        ]
        chosen = sorted(self.chance.sample(range(len(clauses)), 2))
        action = Leaf("merge_action()", "text")
        return (
            f"MERGE INTO fuzz.{target.name} AS {alias} USING {source.sql} ON {on} "
            f"{' '.join(clauses[number] for number in chosen)} "
            f"{self._returning(target, alias, types, *others, action)}"
        )
