"""Columns and constraints, from their definitions to the model."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from drystone.review.lint.schema import names
from drystone.review.lint.schema.model import Column, Constraint, Index, Schema, Table
from drystone.review.lint.schema.names import pb

KINDS = {
    pb.CONSTR_NOTNULL: "not_null",
    pb.CONSTR_CHECK: "check",
    pb.CONSTR_PRIMARY: "primary",
    pb.CONSTR_UNIQUE: "unique",
    pb.CONSTR_EXCLUSION: "exclude",
    pb.CONSTR_FOREIGN: "foreign",
}
_LABELS = {
    "not_null": "not_null",
    "check": "check",
    "primary": "pkey",
    "unique": "key",
    "exclude": "excl",
    "foreign": "fkey",
}
_FILLS = {pb.CONSTR_DEFAULT, pb.CONSTR_IDENTITY, pb.CONSTR_GENERATED}
INDEXED = {"primary", "unique", "exclude"}


def taken(table: Table) -> set[str]:
    """Return the names of a table's indexes and constraints.

    A name that is made up begins with the table's, and so meets no other table's.
    """
    return {*map(names.local, table.indexes), *table.constraints}


def is_serial(definition: Any) -> bool:
    """Tell whether a column is declared serial, bigserial or smallserial."""
    written = names.parts(definition.type_name.names)
    return len(written) == 1 and written[0] in names.SERIALS


def is_enforced(constraint: Any) -> bool:
    """Tell whether a constraint is for rows at all; keys always are."""
    unenforced = {pb.CONSTR_CHECK, pb.CONSTR_FOREIGN}
    return constraint.contype not in unenforced or bool(constraint.is_enforced)


def inline_constraints(definition: Any, *kinds: int) -> list[Any]:
    """Return the constraints of some kinds that stand beside a column."""
    every = (each.constraint for each in definition.constraints)
    return [each for each in every if each.contype in kinds]


def constraints_of(element: Any, *kinds: int) -> list[Any]:
    """Return the constraints of some kinds that a part of CREATE or ALTER TABLE has."""
    if isinstance(element, pb.ColumnDef):
        return inline_constraints(element, *kinds)
    is_one = isinstance(element, pb.Constraint) and element.contype in kinds
    return [element] if is_one else []


def read_column(definition: Any) -> Column:
    """Read a column's definition; its constraints are for :func:`constrain_inline`."""
    node = definition.type_name
    collation = names.parts(definition.coll_clause.collname)
    return Column(
        definition.colname,
        names.type_name(node),
        names.modifiers(node),
        array=bool(node.array_bounds),
        has_default=is_serial(definition)
        or bool(inline_constraints(definition, *_FILLS)),
        generated=bool(inline_constraints(definition, pb.CONSTR_GENERATED)),
        identity=bool(inline_constraints(definition, pb.CONSTR_IDENTITY)),
        collation=collation[-1] if collation else None,
    )


def add_column(schema: Schema, table: Table, definition: Any) -> None:
    """Add a column without its constraints, and its sequence."""
    column = read_column(definition)
    table.columns[column.name] = column
    if is_serial(definition) or column.identity:
        name = names.made_up(table.name, column.name, "seq", ())
        schema.sequences[names.sibling(name, table.name)] = table.created_in


def constrain_inline(schema: Schema, table: Table, definition: Any) -> None:
    """Add the constraints that stand beside a column."""
    enforced = not inline_constraints(definition, pb.CONSTR_ATTR_NOT_ENFORCED)
    for constraint in inline_constraints(definition, *KINDS):
        constrain(schema, table, constraint, column=definition.colname, valid=enforced)
    if is_serial(definition) or table.columns[definition.colname].identity:
        require(schema, table, definition.colname)


def constrain(
    schema: Schema, table: Table, node: Any, *, column: str = "", valid: bool = True
) -> Constraint:
    """Add a constraint, and what comes with it: its index, NOT NULL of a key.

    ``column`` is the one that it stands beside, ``valid`` whether rows satisfy it.
    """
    kind = KINDS[node.contype]
    if node.indexname:
        return _adopt(schema, table, node, kind)
    columns = _columns(node, kind, column)
    if kind == "not_null":
        return require(schema, table, columns[0], name=node.conname, valid=valid)
    constraint = Constraint(
        node.conname or _default_name(schema, table, node, kind, columns),
        kind,
        columns,
        valid=valid,
    )
    if kind == "check":
        constraint.expression = names.expression(node.raw_expr)
        constraint.proves = names.proven_not_null(node.raw_expr)
    if kind == "foreign":
        constraint.references = names.qualified(node.pktable)
        constraint.referenced = tuple(names.parts(node.pk_attrs)) or primary_key(
            schema.tables.get(constraint.references)
        )
    table.constraints[constraint.name] = constraint
    if kind in INDEXED:
        _add_backing_index(table, node, constraint)
    if kind == "primary":
        for each in columns:
            require(schema, table, each)
    return constraint


def require(
    schema: Schema, table: Table, column: str, *, name: str = "", valid: bool = True
) -> Constraint:
    """Make a column NOT NULL; since PostgreSQL 18 that is a constraint with a name."""
    found = not_null_of(table, column)
    if found is None:
        name = name or _inherited_name(schema, table, "not_null", (column,))
        name = name or names.made_up(table.name, column, "not_null", taken(table))
        found = Constraint(name, "not_null", (column,), valid=valid)
        table.constraints[name] = found
    found.valid = found.valid or valid
    if column in table.columns:
        table.columns[column].not_null = found.valid
    return found


def not_null_of(table: Table, column: str) -> Constraint | None:
    """Return a column's NOT NULL, valid or not."""
    return next(
        (
            each
            for each in table.constraints.values()
            if each.kind == "not_null" and each.columns == (column,)
        ),
        None,
    )


def primary_key(table: Table | None) -> tuple[str, ...]:
    """Return the columns of a table's primary key, if it is known."""
    constraints = table.constraints.values() if table else ()
    return next((c.columns for c in constraints if c.kind == "primary"), ())


def add_index(table: Table, node: Any) -> Index:
    """Add an index as CREATE INDEX describes it."""
    every = [each.index_elem for each in node.index_params]
    included = [each.index_elem for each in node.index_including_params]
    labels = [each.name or names.column_label(each.expr) for each in every + included]
    name = node.idxname or names.made_up(
        table.name, names.index_label(labels), "idx", taken(table)
    )
    uses = [each.name for each in every + included if each.name]
    for each in every:
        uses += names.column_references(each.expr)
    partial = node.HasField("where_clause")
    index = Index(
        names.sibling(name, table.name),
        table.name,
        tuple(each.name or None for each in every),
        unique=node.unique,
        method=node.access_method or "btree",
        predicate=names.expression(node.where_clause) if partial else None,
        expressions=tuple(names.expression(e.expr) for e in every if not e.name),
        uses=frozenset(uses + names.column_references(node.where_clause)),
        labels=tuple(labels),
    )
    table.indexes[index.name] = index
    return index


def copy_index(schema: Schema, index: Index, to: Table) -> None:
    """Give a table an index like another's, under a name that PostgreSQL makes."""
    primary = index.table in schema.tables and any(
        c.kind == "primary" and c.name == names.local(index.name)
        for c in schema.tables[index.table].constraints.values()
    )
    backed = index.table in schema.tables and (
        names.local(index.name) in schema.tables[index.table].constraints
    )
    label = "pkey" if primary else "key" if backed else "idx"
    name = names.made_up(
        to.name,
        "" if primary else names.index_label(index.labels),
        label,
        taken(to),
    )
    copied = replace(index, name=names.sibling(name, to.name), table=to.name)
    to.indexes[copied.name] = copied
    if backed:
        original = schema.tables[index.table].constraints[names.local(index.name)]
        to.constraints[name] = replace(original, name=name)


def _columns(node: Any, kind: str, column: str) -> tuple[str, ...]:
    if column:
        return (column,)
    match kind:
        case "check":
            return tuple(names.column_references(node.raw_expr))
        case "foreign":
            return tuple(names.parts(node.fk_attrs))
        case "exclude":
            return tuple(each.name for each in _excluded(node) if each.name)
    return tuple(names.parts(node.keys))


def _default_name(
    schema: Schema, table: Table, node: Any, kind: str, columns: tuple[str, ...]
) -> str:
    inherited = _inherited_name(schema, table, kind, columns)
    if inherited:
        return inherited
    labels = list(columns)
    if kind == "check":
        labels = names.column_references(node.raw_expr)
        labels = labels if len(labels) == 1 else []
    elif kind == "primary":
        labels = []
    elif kind == "exclude":
        labels = [e.name or names.column_label(e.expr) for e in _excluded(node)]
    if kind in INDEXED and kind != "primary":
        labels += names.parts(node.including)
    return names.made_up(
        table.name, names.index_label(labels), _LABELS[kind], taken(table)
    )


def _inherited_name(
    schema: Schema, table: Table, kind: str, columns: tuple[str, ...]
) -> str:
    """Return the name of the parent's constraint; one with an index has its own."""
    parent = schema.tables.get(table.parent or "")
    for each in parent.constraints.values() if parent and kind not in INDEXED else ():
        if (each.kind, each.columns) == (kind, columns):
            return each.name
    return ""


def _excluded(node: Any) -> list[Any]:
    return [pair.list.items[0].index_elem for pair in node.exclusions]


def _add_backing_index(table: Table, node: Any, constraint: Constraint) -> None:
    excluding = constraint.kind == "exclude"
    columns = [e.name or None for e in _excluded(node)] if excluding else []
    index = Index(
        names.sibling(constraint.name, table.name),
        table.name,
        tuple(columns) or constraint.columns,
        unique=not excluding,
        method=node.access_method or "btree",
        predicate=names.expression(node.where_clause)
        if node.HasField("where_clause")
        else None,
        uses=frozenset(constraint.columns).union(names.parts(node.including)),
        labels=(*constraint.columns, *names.parts(node.including)),
    )
    table.indexes[index.name] = index


def _adopt(schema: Schema, table: Table, node: Any, kind: str) -> Constraint:
    """Make an index that is there already the one of a constraint, under its name."""
    old = names.sibling(node.indexname, table.name)
    index = table.indexes.pop(old, None) or Index(old, table.name, (), unique=True)
    name = node.conname or node.indexname
    columns = tuple(filter(None, index.columns))
    index.name = names.sibling(name, table.name)
    table.indexes[index.name] = index
    constraint = Constraint(name, kind, columns)
    table.constraints[name] = constraint
    if kind == "primary":
        for column in columns:
            require(schema, table, column)
    return constraint
