"""Tables as migrations make them: what a rule needs to know of what is there already.

Names are schema-qualified, ``public`` where the file gives no schema, and not quoted.
Types are as PostgreSQL prints them without a modifier: ``character varying``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field


@dataclass(slots=True)
class Column:
    """A column; ``modifiers`` are varchar's length, or numeric's precision and scale.

    ``not_null`` holds when every row is known to have a value: a NOT NULL that is NOT
    VALID does not count. ``has_default`` also holds for identity and generated columns.
    """

    name: str
    type: str
    modifiers: tuple[int, ...] = ()
    array: bool = False
    not_null: bool = False
    has_default: bool = False
    generated: bool = False
    identity: bool = False
    collation: str | None = None


@dataclass(slots=True)
class Constraint:
    """A constraint; ``kind`` is check, primary, unique, foreign, exclude or not_null.

    ``columns`` are the table's own; ``expression`` is a check's, deparsed; ``proves``
    are the columns that a check shows to be not null (``col IS NOT NULL``).
    """

    name: str
    kind: str
    columns: tuple[str, ...] = ()
    valid: bool = True
    expression: str = ""
    proves: frozenset[str] = frozenset()
    references: str | None = None
    referenced: tuple[str, ...] = ()


@dataclass(slots=True)
class Index:
    """An index; an expression among ``columns`` is None, ``predicate`` is deparsed.

    ``uses`` are all the table's columns that it reads, in expressions and its
    predicate too; ``labels`` are what a name that PostgreSQL makes for it consists of.
    """

    name: str
    table: str
    columns: tuple[str | None, ...]
    unique: bool = False
    method: str = "btree"
    predicate: str | None = None
    expressions: tuple[str, ...] = ()
    uses: frozenset[str] = frozenset()
    labels: tuple[str, ...] = ()


@dataclass(slots=True)
class Table:
    """A table, or what queries use as one.

    ``kind`` is table, partitioned, partition, foreign, view or materialized view; a
    partition that has partitions itself is partitioned. ``is_default`` is the partition
    of what no other one takes. ``created_in`` is the id of the migration that made it,
    empty for a table that no file makes: its columns are not ``known``. ``grants`` are
    the privileges of each role, in lower case.
    """

    name: str
    created_in: str
    kind: str = "table"
    parent: str | None = None
    is_default: bool = False
    columns: dict[str, Column] = field(default_factory=dict)
    constraints: dict[str, Constraint] = field(default_factory=dict)
    indexes: dict[str, Index] = field(default_factory=dict)
    grants: dict[str, set[str]] = field(default_factory=dict)
    known: bool = True

    @property
    def is_partition(self) -> bool:
        """Whether it is a part of its parent, and not only inherits from it."""
        return self.parent is not None and self.kind != "table"

    @property
    def has_rows(self) -> bool:
        """Whether rows are stored in it, not only in its partitions or elsewhere."""
        return self.kind in ("table", "partition", "materialized view")

    @property
    def is_view(self) -> bool:
        """Whether it has no rows of its own."""
        return self.kind == "view"


@dataclass(slots=True)
class Schema:
    """Everything that was made so far, by name.

    ``types`` has enums, domains and composites with the migration that made them, as
    have ``functions``, ``schemas``, ``sequences`` and ``extensions``; ``steady`` are
    the functions declared IMMUTABLE or STABLE, ``checked_domains`` the domains that
    refuse values. ``schema_grants`` are the roles that may use a schema;
    ``default_grants`` what ALTER DEFAULT PRIVILEGES gives on tables to come, by schema
    (or ``""``) and role.
    """

    tables: dict[str, Table] = field(default_factory=dict)
    types: dict[str, str] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)
    schemas: dict[str, str] = field(default_factory=dict)
    sequences: dict[str, str] = field(default_factory=dict)
    extensions: dict[str, str] = field(default_factory=dict)
    steady: set[str] = field(default_factory=set)
    checked_domains: set[str] = field(default_factory=set)
    schema_grants: dict[str, set[str]] = field(default_factory=dict)
    default_grants: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    def index(self, name: str) -> Index | None:
        """Return an index by its qualified name."""
        return next(
            (t.indexes[name] for t in self.tables.values() if name in t.indexes), None
        )

    def owner(self, name: str) -> Table | None:
        """Return the table of that name, or the one whose index has that name."""
        if name in self.tables:
            return self.tables[name]
        index = self.index(name)
        return self.tables.get(index.table) if index else None

    def family(self, name: str) -> list[Table]:
        """Return a table and all that inherit from it; none if it is unknown."""
        if name not in self.tables:
            return []
        children = [each for each in self.tables.values() if each.parent == name]
        return [self.tables[name]] + [
            below for child in children for below in self.family(child.name)
        ]

    def heirs(self, name: str) -> list[str]:
        """Return the names of a table and of all that inherit from it."""
        return [each.name for each in self.family(name)] or [name]

    def parts(self, name: str) -> list[str]:
        """Return the names of a table, of its partitions, and of theirs."""
        below = self.family(name)[1:]
        return [name] + [each.name for each in below if each.is_partition]

    def default_parts(self, parent: str) -> list[str]:
        """Return a table's default partition, if it has one, and the parts of that."""
        every = self.tables.values()
        found = [t.name for t in every if t.parent == parent and t.is_default]
        return self.parts(found[0]) if found else []

    def references(self, name: str) -> list[str]:
        """Return the tables that a table's foreign keys refer to."""
        table = self.tables.get(name)
        constraints = table.constraints.values() if table else ()
        return [each.references for each in constraints if each.references]

    def referring(self, to: Collection[str]) -> list[Table]:
        """Return the tables with a foreign key to one of some tables."""
        return [
            table
            for table in self.tables.values()
            if any(each.references in to for each in table.constraints.values())
        ]
