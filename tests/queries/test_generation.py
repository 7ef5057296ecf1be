"""Modules are the same for the same queries, change with them alone, and run."""

from __future__ import annotations

import datetime as dt
import importlib
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from msgspec.structs import astuple
from psycopg import Connection
from psycopg.types.json import Jsonb

from drystone.database.session import connect, connect_async
from drystone.errors import QueryError
from drystone.migrations.files import Migration, read_migrations
from drystone.queries.generation.project import Generated, Package, generate, is_fresh
from drystone.queries.reading.files import Area, read_areas
from drystone.queries.reading.lexer import Query
from drystone.queries.runtime.values import Row
from drystone.settings import Settings
from tests.queries import many_queries
from tests.queries.conftest import Build

FILES, EACH = 20, 25

VALUES: dict[str, Any] = {
    "id": 1,
    "name": "one",
    "note": None,
    "state": "new",
    "day": dt.date(2026, 1, 1),
    "tags": ["a"],
    "limit_rows": 2,
    "tag": "b",
    "count": 3,
    "thing": SimpleNamespace(id=2, name="two"),
    "detail": {"a": [1]},
}

ODD = '''\
-- name: class(id)^
-- Its "name" is a keyword, with a \\ and """ in the comment, and an ending "
SELECT i.id AS int, i.name AS str, i.tags AS list, i.name = 'x' AS bool, 1.5 AS float
FROM shop.items AS i
WHERE i.id = :id;

-- name: type()$
SELECT i.name AS type FROM shop.items AS i ORDER BY i.id LIMIT 1;

-- name: quotes()
SELECT
    'it''s """ here' AS triple,
    $$a dollar " quote \\ $$ AS dollar,
    $fn$ $$ nested $$ $fn$ AS nested,
    E'tab\\t, quote\\' and \\\\ backslash\\n' AS escaped,
    U&'d\\0061ta' AS unicode_escape,
    'größer — 漢字 🐘' AS "größe",
    'a\\' AS trailing;

-- name: ends_in_a_quote()$
SELECT 1 AS "id";

-- name: ends_in_a_backslash()$
SELECT 'a' AS a WHERE 'x' <> '\\';

-- name: dict(print, self)^
-- order list: a.dict
-- order len: a.dict DESC
SELECT a.dict, a.len
FROM (VALUES (:print::text, :self::integer)) AS a (dict, len)
ORDER BY a.dict;
'''


@dataclass(frozen=True)
class Project:
    """A folder of queries and migrations, for a database that has the latter."""

    folder: Path
    package: Package
    connect: Callable[[], Any]

    @property
    def areas(self) -> list[Area]:
        return read_areas([self.folder / "sql"])

    @property
    def migrations(self) -> list[Migration]:
        return read_migrations([self.folder / "migrations" / "shop"])

    def is_fresh(self) -> bool:
        return is_fresh(self.areas, self.migrations, self.package)

    def generate(self) -> Generated:
        with self.connect() as connection:
            return generate(connection, self.areas, self.migrations, self.package)

    def area(self, number: int) -> Path:
        return self.folder / "sql" / "shop" / f"area_{number:02}.sql"

    def module(self, number: int) -> Path:
        return self.package.folder / "shop" / f"area_{number:02}.py"

    def manifest(self, number: int) -> Path:
        return self.folder / "sql" / "described" / "shop" / f"area_{number:02}.json"


@pytest.fixture
def make(
    tmp_path: Path, empty_url: str, package: Package
) -> Callable[[int, int], Project]:
    """Make a project of so many files, of so many queries each."""

    def project(files: int, each: int) -> Project:
        migration = tmp_path / "migrations" / "shop" / "shop-0001-create.sql"
        migration.parent.mkdir(parents=True)
        migration.write_text(many_queries.schema())
        migration.with_suffix(".rollback.sql").write_text("DROP SCHEMA shop CASCADE;")
        with connect(empty_url, Settings()) as connection:
            connection.execute(migration.read_bytes())
        many_queries.write_queries(tmp_path / "sql", files=files, each=each)
        return Project(tmp_path, package, lambda: connect(empty_url, Settings()))

    return project


@pytest.fixture
def project(make: Callable[[int, int], Project]) -> Project:
    """A small project, as it was generated."""
    small = make(3, 6)
    small.generate().write()
    return small


def _ruff(folder: Path) -> None:
    """Let ruff look at generated files as if nothing excused them."""
    commands = (["format", "--check", "--diff"], ["check", "--select", "F,E9"])
    for command in commands:
        ruff = [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache"]
        found = subprocess.run(
            [*ruff, str(folder)], capture_output=True, text=True, check=False
        )
        assert found.returncode == 0, found.stdout + found.stderr


def _bare(folder: Path) -> None:
    """Take back what the modules say against being checked."""
    for path in folder.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace("# ruff: noqa\n", ""), encoding="utf-8")


# --- The same every time --------------------------------------------------------------


NESTED = """
-- name: all_brands()
SELECT
    brand.id,
    brand.name,
    item.id AS "brand_items[].id",
    item.name AS "brand_items[].name",
    item.price AS "brand_items[].price",
    photo.id AS "brand_items[].photo.id",
    review.id AS "brand_items[].reviews[].id",
    review.stars AS "brand_items[].reviews[].stars"
FROM shop.brands AS brand
LEFT JOIN shop.items AS item ON item.brand_id = brand.id
LEFT JOIN shop.photos AS photo ON photo.item_id = item.id
LEFT JOIN shop.reviews AS review ON review.item_id = item.id;
"""


def test_deep_objects_are_written_as_ruff_would_have_them(
    build: Build, package: Package, shop: Connection[Any]
) -> None:
    acme, bolt = build(NESTED).all_brands(shop)
    _bare(package.folder)
    _ruff(package.folder)
    (anvil,) = acme.brand_items[:1]
    assert (anvil.name, len(anvil.reviews)) == ("anvil", 2)
    assert bolt.brand_items[0].photo is None


def test_500_queries_are_generated_as_ruff_would_have_them_and_alike_twice(
    make: Callable[[int, int], Project],
) -> None:
    project = make(FILES, EACH)
    generated = project.generate()
    assert [each.error for each in generated.failed] == []
    assert sum(len(area.queries) for area in project.areas) == FILES * EACH
    assert project.generate().files == generated.files
    assert len(generated.write()) == len(generated.files)
    assert project.generate().write() == []
    assert project.is_fresh()
    _bare(project.package.folder)
    _ruff(project.package.folder)


@pytest.mark.parametrize("place", ["before", "behind"])
def test_a_new_query_changes_its_areas_module_and_manifest_alone(
    project: Project, place: str
) -> None:
    path, query = project.area(1), "-- name: one()$\nSELECT 1 AS one;\n"
    there = path.read_text()
    path.write_text(query + there if place == "before" else there + query)
    assert project.generate().write() == [project.module(1), project.manifest(1)]


def test_a_module_whose_file_is_gone_is_deleted(project: Project) -> None:
    project.area(1).unlink()
    assert project.module(1) in project.generate().write()
    assert not project.module(1).exists()
    assert not project.manifest(1).exists()
    assert project.module(0).exists()
    assert project.is_fresh()


def test_what_nobody_generated_is_left_alone(project: Project) -> None:
    own = project.package.folder / "shop" / "helpers.py"
    own.write_text('"""Written by hand."""\n')
    assert project.is_fresh()
    assert project.generate().write() == []
    assert own.exists()


# --- Fresh or stale -------------------------------------------------------------------


def _change_query(project: Project) -> None:
    path = project.area(2)
    path.write_text(path.read_text().replace("ORDER BY", "ORDER  BY"))


def _change_comment(project: Project) -> None:
    path = project.area(0)
    path.write_text(path.read_text().replace("All of them", "Each of them"))


def _change_module(project: Project) -> None:
    with project.module(2).open("a") as file:
        file.write("\n")


def _change_types(project: Project) -> None:
    with (project.package.folder / "shop" / "types.py").open("a") as file:
        file.write("\n")


def _delete_module(project: Project) -> None:
    project.module(0).unlink()


def _delete_manifest(project: Project) -> None:
    project.manifest(0).unlink()


def _delete_queries(project: Project) -> None:
    project.area(0).unlink()


def _add_queries(project: Project) -> None:
    project.area(7).write_text("-- name: one()$\nSELECT 1 AS one;\n")


def _add_migration(project: Project) -> None:
    path = project.folder / "migrations" / "shop" / "shop-0002-again.sql"
    path.write_text("CREATE TABLE shop.again (id bigint);")
    path.with_suffix(".rollback.sql").write_text("DROP TABLE shop.again;")


def _change_migration(project: Project) -> None:
    path = project.folder / "migrations" / "shop" / "shop-0001-create.sql"
    path.write_text(path.read_text() + "CREATE TABLE shop.again (id bigint);")


def _add_module(project: Project) -> None:
    project.module(9).write_bytes(project.module(0).read_bytes())


@pytest.mark.parametrize(
    "change",
    [
        _change_query,
        _change_comment,
        _change_module,
        _change_types,
        _delete_module,
        _delete_manifest,
        _delete_queries,
        _add_queries,
        _add_migration,
        _change_migration,
        _add_module,
    ],
)
def test_after_any_change_modules_are_stale_until_they_are_generated(
    project: Project, change: Callable[[Project], None]
) -> None:
    assert project.is_fresh()
    change(project)
    assert not project.is_fresh()
    project.generate().write()
    assert project.is_fresh()


# --- Odd names and texts --------------------------------------------------------------


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_odd_names_and_texts_are_written_as_they_are(
    build: Build, shop: Connection[Any], package: Package, newline: str
) -> None:
    module = build(ODD.replace("\n", newline))
    item = module.class_(shop, id=1)
    assert (item.int, item.str, item.list) == (1, "anvil", ["heavy", None])
    assert module.type(shop) == "anvil"
    (row,) = module.quotes(shop)
    assert (row.triple, row.dollar) == ('it\'s """ here', 'a dollar " quote \\ ')
    assert (row.nested, row.trailing) == (" $$ nested $$ ", "a\\")
    assert row.escaped == "tab\t, quote' and \\ backslash\n"
    assert (row.unicode_escape, row.größe) == ("data", "größer — 漢字 🐘")
    assert module.ends_in_a_quote(shop) == 1
    assert module.ends_in_a_backslash(shop) == "a"
    assert astuple(module.dict(shop, print="p", self=4, order="len")) == ("p", 4)
    _bare(package.folder)
    _ruff(package.folder)


def _raise_first(generated: Generated) -> None:
    """Raise the error of the first query that is refused, if there is one."""
    for each in generated.failed:
        raise each.error or AssertionError(each.name)


@pytest.mark.parametrize("name", ["class", "None", "a b", "1st", "?column?"])
def test_a_column_that_python_cannot_name_is_refused(
    generated: Callable[[str], Generated], tmp_path: Path, name: str
) -> None:
    with pytest.raises(QueryError, match="is called") as caught:
        generated(f'-- name: odd()\nSELECT 1 AS "{name}", 2 AS b;\n')
    assert repr(name) in caught.value.message
    assert "odd" in caught.value.message
    assert caught.value.hint is not None
    assert caught.value.location is not None
    assert caught.value.location.file == tmp_path / "sql" / "shop" / "items.sql"


@pytest.mark.parametrize("name", ["class", "None", "lambda"])
def test_a_parameter_that_python_cannot_name_is_refused(
    generated: Callable[[str], Generated], name: str
) -> None:
    with pytest.raises(QueryError, match=name):
        _raise_first(
            generated(f"-- name: odd({name})$\nSELECT :{name}::integer AS one;\n")
        )


@pytest.mark.parametrize(
    ("name", "order"),
    [("values", ""), ("statement", ""), ("order", ""), ("int", "-- order up: one")],
)
def test_a_parameter_may_have_a_name_that_the_module_uses(
    build: Build, shop: Connection[Any], name: str, order: str
) -> None:
    query = f"SELECT :{name}::integer AS one ORDER BY one"
    module = build(f"-- name: odd({name})$\n{order}\n{query};\n")
    assert module.odd(shop, **{name: 5}) == 5


@pytest.mark.parametrize(
    ("name", "order"), [("connection", ""), ("order", "-- order up: one")]
)
def test_a_parameter_that_the_function_has_already_is_refused(
    generated: Callable[[str], Generated], name: str, order: str
) -> None:
    query = f"SELECT :{name}::integer AS one ORDER BY one"
    with pytest.raises(QueryError, match=name):
        _raise_first(generated(f"-- name: odd({name})$\n{order}\n{query};\n"))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("a", "A"),
        ("foo_bar", "fooBar"),
        ("foo", "FooRow"),
        ("plain", "overload"),
        ("plain", "Connection"),
    ],
)
def test_names_that_clash_in_a_module_are_refused(
    generated: Callable[[str], Generated], first: str, second: str
) -> None:
    text = "-- name: {}()\nSELECT {} AS one, 2 AS two;\n"
    with pytest.raises(QueryError, match=second):
        _raise_first(generated(text.format(first, 1) + text.format(second, "'x'")))


def test_parameters_that_clash_in_a_set_are_refused(
    generated: Callable[[str], Generated],
) -> None:
    text = "UPDATE shop.items SET name = :a.b WHERE name = :a_b;"
    with pytest.raises(QueryError, match="a_b"):
        _raise_first(generated(f"-- name: odd(a, a_b)*!\n{text}\n"))


# --- What runs ------------------------------------------------------------------------


def _by_hand(connection: Connection[Any], query: Query) -> Any:
    """Execute a query's SQL as it is, and return what its operator promises."""
    values = [_value(name) for name in query.parameters]
    with psycopg.RawCursor(connection) as cursor:
        cursor.execute(query.sql.encode(), values)
        if query.operator in {"!", "*!"}:
            return cursor.rowcount
        rows = [row[0] if len(row) == 1 else row for row in cursor.fetchall()]
    if query.operator in {"$", "^", "<!"}:
        return rows[0] if rows else None
    return rows


def _value(name: str) -> Any:
    root, _, attribute = name.partition(".")
    value = getattr(VALUES[root], attribute) if attribute else VALUES[root]
    return Jsonb(value) if isinstance(value, dict) else value


def _arguments(module: Any, query: Query) -> dict[str, Any]:
    given = {name: VALUES[name] for name in query.declared}
    if query.operator != "*!":
        return given
    kind = "".join(part.capitalize() for part in query.name.split("_")) + "Set"
    return {"sets": [getattr(module, kind)(**given)]}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return astuple(value) if isinstance(value, Row) else value


@pytest.fixture
def written(
    make: Callable[[int, int], Project], monkeypatch: pytest.MonkeyPatch
) -> list[tuple[Any, Query, Any]]:
    """Modules with queries of every shape, and what each query returns by hand."""
    project = make(2, EACH)
    project.generate().write()
    monkeypatch.syspath_prepend(project.package.folder.parent)
    found = []
    with project.connect() as connection:
        for area in project.areas:
            module = importlib.import_module(f"{project.package.name}.{area.name}")
            for query in area.queries:
                with connection.transaction(force_rollback=True):
                    found.append((module, query, _by_hand(connection, query)))
    return found


def test_functions_return_what_their_sql_returns(
    written: list[tuple[Any, Query, Any]], empty_url: str
) -> None:
    with connect(empty_url, Settings()) as connection:
        for module, query, expected in written:
            function, arguments = getattr(module, query.name), _arguments(module, query)
            with connection.transaction(force_rollback=True):
                found = function(connection, **arguments)
            assert _plain(found) == expected, query.name


async def test_functions_return_the_same_to_those_who_await_them(
    written: list[tuple[Any, Query, Any]], empty_url: str
) -> None:
    async with await connect_async(empty_url, Settings()) as connection:
        for module, query, expected in written:
            function, arguments = getattr(module, query.name), _arguments(module, query)
            async with connection.transaction(force_rollback=True):
                found = await function(connection, **arguments)
            assert _plain(found) == expected, query.name
