"""Writing modules of typed functions, one for each file of queries.

What is written is formatted already, and the same every time: a change in one query
changes its own lines and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from keyword import iskeyword

from drystone.errors import QueryError
from drystone.queries.describing.described import SCRIPT, DescribedQuery
from drystone.queries.describing.description import Parameter
from drystone.queries.generation.python import (
    WIDTH,
    Group,
    bracketed,
    called,
    docstring,
    head,
    imports,
    indented,
    laid_out,
    member,
    quoted,
    sql_literal,
)
from drystone.queries.generation.shapes import Branch, Leaf, branch_class, make_shape
from drystone.queries.generation.types import Kind, SqlType, TypeMap, class_name
from drystone.queries.reading.files import Area
from drystone.queries.reading.lexer import Query
from drystone.queries.runtime.choices import OrderBy, When, conditional, order_names

_BUILTINS = {"bool", "bytes", "float", "int", "list", "str"}
_BUILTIN = re.compile(rf"\b({'|'.join(sorted(_BUILTINS))})\b")
_SYNC, _ASYNC = "Connection[Any]", "AsyncConnection[Any]"
_MANY, _COUNT = "*!", "!"
# The operators of single rows.
_SINGLE = {"^", "<!", "$"}


def write_module(area: Area, queries: Sequence[DescribedQuery], types: TypeMap) -> str:
    """Return the module of an area, whose queries are described without an error.

    Raises QueryError for a result that no row can be made of.
    """
    module = _Module(types)
    for query in queries:
        _Function(module, query).write()
    folder = "/".join([area.folder.name, *area.path.relative_to(area.folder).parts])
    return module.text(f"Queries of {folder}.")


def write_types(schema: str, own: Sequence[SqlType], types: TypeMap) -> str:
    """Return the module with the enums and composite types of a schema."""
    used: set[tuple[str, str]] = set()
    parts = []
    for each in own:
        if each.kind is Kind.ENUM:
            used.add(("enum", "StrEnum"))
            comment = each.comment or f"The labels of {each.schema}.{each.name}."
            base = "StrEnum"
            fields = [f"{member(label)} = {quoted(label)}" for label in each.labels]
        else:
            used.add(("drystone.queries.runtime", "Row"))
            comment = each.comment or f"A value of {each.schema}.{each.name}."
            base = "Row"
            kinds = [types.given(oid) for oid in each.field_types]
            used |= {name for kind in kinds for name in kind.imports}
            pairs = zip(each.field_names, kinds, strict=True)
            fields = [f"{name}: {kind.annotation} | None" for name, kind in pairs]
        lines = [*docstring([comment]), "", *fields]
        body = "\n".join(f"    {line}".rstrip() for line in lines)
        parts.append(f"class {class_name(each.name)}({base}):\n{body}")
    names = {class_name(each.name) for each in own}
    used = {(m, n) for m, n in used if n not in {*names, "composite", "each"}}
    start = head(f"Types of schema {schema}.") + imports(used)
    return "\n\n\n".join([start, *parts]) + "\n"


@dataclass(slots=True)
class _Module:
    """A module while it is written: its imports, its names, and its row classes."""

    types: TypeMap
    imports: set[tuple[str, str]] = field(default_factory=set)
    names: dict[str, Query] = field(default_factory=dict)  # with who defines them
    rows: dict[str, str] = field(default_factory=dict)  # names by fields
    parts: list[str] = field(default_factory=list)

    def use(self, *names: tuple[str, str]) -> None:
        self.imports.update(names)

    def claim(self, name: str, query: Query) -> None:
        """Take a name for a query; raises QueryError if another one has it."""
        other = self.names.setdefault(name, query)
        if other is not query:
            raise _clash(query, f"{query.name} and {other.name} both", name)

    def text(self, title: str) -> str:
        used = {name for _, name in self.imports} | _BUILTINS
        for name in used & self.names.keys():
            query = self.names[name]
            raise _clash(query, query.name, name)
        body = "\n\n\n".join(self.parts)
        space = "\n\n\n" if body.startswith("class") else "\n\n"
        return f"{head(title)}{imports(self.imports)}{space}{body}\n"


class _Function:
    """One query's row classes, statement and function."""

    def __init__(self, module: _Module, query: DescribedQuery) -> None:
        self._module = module
        self._query = query
        name = query.query.name
        self._name = f"{name}_" if iskeyword(name) else name
        self._operator = query.query.operator
        self._constant = f"_{name.upper()}"
        module.claim(self._name, query.query)
        module.claim(self._constant, query.query)
        self._orders = order_names(query.pieces)
        self._chooses = bool(self._orders or conditional(query.pieces))

    def write(self) -> None:
        self._check_parameters()
        operator, columns = self._operator, self._query.described.columns
        if operator == SCRIPT:
            self._add("str", "str | None", "script", [])
        elif operator == _MANY:
            self._add("int", "int", "count_many", [])
        elif operator == _COUNT or not columns:
            self._add("int", "int", "count", [])
        else:
            self._write_reading()

    def _check_parameters(self) -> None:
        """Raise QueryError for a parameter whose name Python or the function has."""
        taken = {"connection", *(["order"] if self._orders else [])}
        for parameter in self._query.query.parameters:
            for part in parameter.split("."):
                if iskeyword(part) or (part in taken and "." not in parameter):
                    raise QueryError(
                        f"query {self._name} has a parameter called {part}, which its"
                        " function cannot have",
                        location=self._query.query.location,
                        hint="Give it another name.",
                    )

    def _write_reading(self) -> None:
        query = self._query
        shape = make_shape(
            query.query.name,
            query.described.columns,
            self._module.types,
            query.annotations.models,
        )
        leaves = _all_leaves(shape)
        for leaf in leaves:
            self._module.use(*leaf.type.imports)
        options: list[str] = []
        if self._operator == "$" or (len(leaves) == 1 and not shape.branches):
            item = leaves[0].annotation
        else:
            item = self._row_class(shape, f"{class_name(query.query.name)}Row")
            if shape.branches:
                self._module.use(("drystone.queries.runtime", "Nest"))
                nest = laid_out(_nest(shape, item), indent=4, prefix="nest=")
                options.append(nest)
            else:
                options.append(f"row={item}")
        converters = [
            f"{leaf.index}: {leaf.type.converter}"
            for leaf in leaves
            if leaf.type.converter
        ]
        if converters:
            options.append(indented(bracketed("converters=", converters), 4))
        if all(leaf.type.binary for leaf in leaves):
            options.append("binary=True")
        if self._operator not in _SINGLE:
            self._add(item, f"list[{item}]", "rows", options)
        elif query.described.one_row:
            self._add(item, item, "one", options)
        else:
            given = item.removesuffix(" | None")
            self._add(given, f"{given} | None", "row", options)

    # --- Row classes -----------------------------------------------------------------

    def _row_class(self, branch: Branch, name: str) -> str:
        """Add the class of an object; return the name of one that has the same."""
        self._module.use(("drystone.queries.runtime", "Row"))
        lines = []
        for key, each in branch.fields.items():
            if isinstance(each, Leaf):
                annotation = each.annotation
            else:
                below = self._row_class(each, branch_class(name, key))
                annotation = f"list[{below}]" if each.many else below
                if each.presence is not None and not each.many:
                    annotation += " | None"
            lines.append(f"    {key}: {self._visible(annotation, branch.fields)}")
        body = "\n".join(lines)
        if body not in self._module.rows:
            self._module.claim(name, self._query.query)
            self._module.rows[body] = name
            self._module.parts.append(
                f'class {name}(Row):\n    """A row of {self._query.name}."""\n\n{body}'
            )
        return self._module.rows[body]

    def _visible(self, annotation: str, hidden: Collection[str]) -> str:
        """Write a type so that a column of the same name does not hide it."""

        def named(match: re.Match[str]) -> str:
            if match[1] not in hidden:
                return match[1]
            self._module.use(("builtins", "builtins"))
            return f"builtins.{match[1]}"

        return _BUILTIN.sub(named, annotation)

    # --- The statement ---------------------------------------------------------------

    def _add(self, item: str, result: str, method: str, options: list[str]) -> None:
        query = self._query
        kind = "Choice" if self._chooses else "Statement"
        self._module.use(("typing", "Final"), ("drystone.queries.runtime", kind))
        text = self._pieces() if self._chooses else sql_literal(query.query.sql)
        parameters = [
            f"({quoted(name)}, {quoted(each.type)})"
            for name, each in zip(
                query.query.parameters, query.described.parameters, strict=True
            )
        ]
        if parameters:
            given = indented(bracketed("parameters=", parameters, "()"), 4)
            options = [given, *options]
        if query.annotations.replica:
            options = [*options, "replica=True"]
        arguments = [quoted(query.name), text, *options]
        lines = "".join(f"    {argument},\n" for argument in arguments)
        taken, values = self._arguments()
        self._module.parts.append(
            f"{self._constant}: Final = {kind}[{item}](\n{lines})"
        )
        self._add_function(result, method, taken, values)

    def _pieces(self) -> str:
        lines = []
        for piece in self._query.pieces:
            if isinstance(piece, When):
                self._module.use(("drystone.queries.runtime", "When"))
                condition = sql_literal(piece.condition)
                written = called("When", [str(piece.parameter), condition], indent=8)
            elif isinstance(piece, OrderBy):
                self._module.use(("drystone.queries.runtime", "OrderBy"))
                orders = [f"{quoted(n)}: {quoted(t)}" for n, t in piece.orders.items()]
                order_by = Group("OrderBy", [Group("", orders, "{}")])
                written = laid_out(order_by, indent=8)
            else:
                written = sql_literal(piece)
            lines.append(f"        {written},\n")
        return f"(\n{''.join(lines)}    )"

    # --- The function ----------------------------------------------------------------

    def _add_function(
        self,
        result: str,
        method: str,
        parameters: list[str],
        values: Sequence[str] | str,
    ) -> None:
        self._module.use(
            *(("psycopg", name) for name in ("AsyncConnection", "Connection")),
            *(("typing", name) for name in ("Any", "overload")),
            ("collections.abc", "Awaitable"),
        )
        later = f"Awaitable[{result}]"
        overloads = [
            f"@overload\n{self._signature(_SYNC, parameters, result)} ...",
            f"@overload\n{self._signature(_ASYNC, parameters, later)} ...",
        ]
        either = f"{_SYNC} | {_ASYNC}"
        lines = self._documentation()
        body = [f"    {each}".rstrip() for each in lines]
        body += [f"    {each}" for each in self._call(method, values).split("\n")]
        bare = result.removesuffix(" | None")
        union = f"{bare} | {later}{result.removeprefix(bare)}"
        both = self._signature(either, parameters, union)
        self._module.parts.append("\n".join([*overloads, both, *body]))

    def _call(self, method: str, values: Sequence[str] | str) -> str:
        """Write how the statement is run; many values get lines of their own."""
        statement, lines = self._constant, []
        names = {*self._query.query.declared, "connection"}
        local, chosen = _unlike("values", names), _unlike("statement", names)
        if isinstance(values, str):
            passed = values
        else:
            passed = bracketed("", values, "()", width=None) if values else ""
            line = f"    return {statement}.{method}(connection, {passed})"
            if values and (self._chooses or len(line) > WIDTH):
                start = f"{local} = "
                lines.append(bracketed(start, values, "()", width=WIDTH - 4))
                passed = local
        if self._chooses:
            order = ", order" if self._orders else ""
            lines.append(f"{chosen} = {statement}.pick({passed or '()'}{order})")
            statement = chosen
        passed = f", {passed}" if passed else ""
        lines.append(f"return {statement}.{method}(connection{passed})")
        return "\n".join(lines)

    def _arguments(self) -> tuple[list[str], Sequence[str] | str]:
        """Return the parameters as they are declared, and the values in their order."""
        query = self._query.query
        described = dict(
            zip(query.parameters, self._query.described.parameters, strict=True)
        )
        if self._operator == _MANY:
            return self._set_of(described), "sets"
        written = []
        for name in query.declared:
            if name in described:
                optional = " = None" if described[name].nullable else ""
                written.append(f"{name}: {self._taken(described[name])}{optional}")
            else:
                written.append(f"{name}: {self._protocol(name, described)}")
        if self._orders:
            self._module.use(("typing", "Literal"))
            names = ", ".join(quoted(order) for order in self._orders)
            written.append(f"order: Literal[{names}] = {quoted(self._orders[0])}")
        return written, query.parameters

    def _taken(self, parameter: Parameter) -> str:
        taken = self._module.types.taken(parameter.oid)
        self._module.use(*taken.imports)
        return f"{taken.annotation} | None" if parameter.nullable else taken.annotation

    def _set_of(self, described: dict[str, Parameter]) -> list[str]:
        """Add the class of one set of parameters, for a statement that takes many."""
        self._module.use(("typing", "NamedTuple"), ("collections.abc", "Iterable"))
        name = f"{class_name(self._query.query.name)}Set"
        self._module.claim(name, self._query.query)
        fields: dict[str, str] = {}
        for key, each in described.items():
            attribute = key.replace(".", "_")
            if attribute in {*fields, "count", "index"} or attribute[0] == "_":
                raise _clash(
                    self._query.query, f"parameters of {self._name}", attribute
                )
            fields[attribute] = self._taken(each)
        lines = [f"class {name}(NamedTuple):"]
        lines += [f'    """What {self._name} takes."""', ""]
        lines += [f"    {k}: {self._visible(v, fields)}" for k, v in fields.items()]
        self._module.parts.append("\n".join(lines))
        return [f"sets: Iterable[{name}]"]

    def _protocol(self, name: str, described: dict[str, Parameter]) -> str:
        """Add the protocol of a parameter whose attributes are used."""
        self._module.use(("typing", "Protocol"))
        kind = f"{class_name(self._query.query.name)}{class_name(name)}"
        self._module.claim(kind, self._query.query)
        lines = [f"class {kind}(Protocol):", f'    """{name} of {self._name}."""']
        for key, each in described.items():
            root, _, attribute = key.partition(".")
            if root == name:
                lines += ["", "    @property"]
                lines.append(f"    def {attribute}(self) -> {self._taken(each)}: ...")
        self._module.parts.append("\n".join(lines))
        return kind

    def _signature(self, connection: str, parameters: list[str], result: str) -> str:
        first = f"connection: {connection}"
        listed = [first, "*", *parameters] if parameters else [first]
        line = f"def {self._name}({', '.join(listed)}) -> {result}:"
        if len(line) + len(" ...") <= WIDTH:
            return line
        lines = "".join(f"    {each},\n" for each in listed)
        if len(f") -> {result}:") > WIDTH:
            result = f"(\n    {result}\n)"
        return f"def {self._name}(\n{lines}) -> {result}:"

    def _documentation(self) -> list[str]:
        query = self._query
        place = query.area.path.relative_to(query.area.folder).as_posix()
        line = query.query.location.line
        said = query.annotations.documentation or f"Run {query.name}."
        sql = [f"    {line}" for line in query.query.sql.splitlines()]
        where = f"{query.area.folder.name}/{place}:{line}::"
        return docstring([*said.splitlines(), "", where, "", *sql, ""])


def _clash(query: Query, who: str, name: str) -> QueryError:
    return QueryError(
        f"{who} would define {name} in one module, which has it already",
        location=query.location,
        hint="Rename a query or a parameter, or move it to another file.",
    )


def _unlike(name: str, others: Collection[str]) -> str:
    while name in others:
        name += "_"
    return name


def _all_leaves(branch: Branch) -> list[Leaf]:
    below = (leaf for each in branch.branches.values() for leaf in _all_leaves(each))
    return sorted([*branch.leaves, *below], key=lambda leaf: leaf.index)


def _nest(branch: Branch, name: str) -> Group:
    fields = [
        str(each.index)
        if isinstance(each, Leaf)
        else _nest(each, branch_class(name, key))
        for key, each in branch.fields.items()
    ]
    options = ["many=True"] if branch.many else []
    if branch.presence is not None:
        options.append(f"presence={branch.presence}")
    return Group("Nest", [name, Group("", fields), *options])
