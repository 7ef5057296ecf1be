"""What there is for threads and for asyncio does the same, statement by statement.

The two halves of a module are written side by side. Here the asynchronous one is turned
into what it would be for threads, both are brought into one form, and compared.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

import drystone

PACKAGE = Path(drystone.__file__).parent

# Twins that differ because threads and tasks do.
DIFFERENT = {
    "database/copy.py:copy_rows": "rows may come from an asynchronous iterable too",
    "database/pool.py:Pool.__init__": "options are read beside the loop",
    "database/pool.py:Pool._prepare": "only the monitor, which uses threads, asks less",
    "cache/caches.py:open_cache": "an embedded Redis is started beside the loop",
    "redis/links.py:Link.__init__": "a loop does not outlive a fork",
    "redis/links.py:Link._take": "a loop does not outlive a fork",
    "redis/links.py:_Line.ask": "redis-py's connections hang up in different ways",
    "queries/loading/adapter.py:_run": "the one for threads looks which is meant",
    "replicas/watching.py:watched": "threads are waited for, tasks are cancelled",
}

RENAMED = {
    "asynccontextmanager": "contextmanager",
    "asyncio.sleep": "time.sleep",
}

# An attribute of a connection for threads is a method of one for asyncio.
SETTERS = {"set_autocommit", "set_isolation_level", "set_read_only"}


def renamed(name: str) -> str:
    return RENAMED.get(name) or re.sub(r"Async|_async(?=_|$)", "", name)


class ForThreads(ast.NodeTransformer):
    """Turns asynchronous code into the same for threads, and all code into one form."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._named(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._named(ast.FunctionDef(**dict(ast.iter_fields(node))))

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._named(node)

    def _named(self, node: ast.FunctionDef | ast.ClassDef) -> ast.AST:
        node.name = renamed(node.name)
        if ast.get_docstring(node) is not None:
            del node.body[0]
        self.generic_visit(node)
        if isinstance(node, ast.FunctionDef):
            inline_what_is_used_once(node)
        return node

    def visit_Await(self, node: ast.Await) -> Any:
        return self.visit(node.value)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> Any:
        return self.visit(ast.For(**dict(ast.iter_fields(node))))

    def visit_AsyncWith(self, node: ast.AsyncWith) -> Any:
        return self.visit(ast.With(**dict(ast.iter_fields(node))))

    def visit_With(self, node: ast.With) -> ast.AST:
        self.generic_visit(node)
        if len(node.body) == 1 and isinstance(inner := node.body[0], ast.With):
            return ast.With([*node.items, *inner.items], inner.body)
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(renamed(node.id), node.ctx)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        whole = ast.unparse(node)
        if whole in RENAMED:
            return ast.parse(RENAMED[whole], mode="eval").body
        return ast.Attribute(node.value, renamed(node.attr), node.ctx)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        return node.slice if ast.unparse(node.value) == "Awaitable" else node

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        self.generic_visit(node)
        match node.value:
            case ast.Call(func=ast.Attribute(value=of, attr=name), args=[value]):
                if name in SETTERS:
                    target = ast.Attribute(of, name.removeprefix("set_"), ast.Store())
                    return ast.Assign([target], value, lineno=0)
        return node


def inline_what_is_used_once(function: ast.FunctionDef) -> None:
    """Put what is given a name, and used by the next statement only, into its place."""
    for node in ast.walk(function):
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        at = 0
        while at + 1 < len(body):
            match body[at]:
                case ast.Assign(targets=[ast.Name(id=name)], value=value) | (
                    ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
                ) if [uses(function, name), uses(body[at + 1], name)] == [1, 1]:
                    body[at + 1] = Inlined(name, value).visit(body[at + 1])
                    del body[at]
                case _:
                    at += 1


class Inlined(ast.NodeTransformer):
    def __init__(self, name: str, value: ast.expr) -> None:
        self.name = name
        self.value = value

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self.value if node.id == self.name else node


def uses(node: ast.AST, name: str) -> int:
    return sum(
        isinstance(part, ast.Name)
        and part.id == name
        and isinstance(part.ctx, ast.Load)
        for part in ast.walk(node)
    )


def named(nodes: list[ast.stmt]) -> dict[str, ast.stmt]:
    return {
        node.name: node
        for node in nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }


def parts(threads: ast.AST, asyncio: ast.AST) -> Iterator[tuple[str, ast.AST, ast.AST]]:
    """Two functions, or the methods of two classes and what is around these."""
    if isinstance(threads, ast.ClassDef) and isinstance(asyncio, ast.ClassDef):
        ours, theirs = named(threads.body), named(asyncio.body)
        theirs = {renamed(name): method for name, method in theirs.items()}
        for name in ours.keys() & theirs.keys():
            threads.body.remove(ours[name])
            asyncio.body.remove(theirs[name])
            yield f".{name}", ours[name], theirs[name]
    yield "", threads, asyncio


def twins() -> Iterator[tuple[str, ast.AST, ast.AST]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if PACKAGE / "systems" in path.parents:
            continue
        there = named(ast.parse(path.read_text(encoding="utf-8")).body)
        for name, node in there.items():
            if (twin := there.get(renamed(name))) not in {None, node}:
                place = f"{path.relative_to(PACKAGE).as_posix()}:{renamed(name)}"
                for part, threads, asyncio in parts(twin, node):
                    yield f"{place}{part}", threads, asyncio


def in_one_form(node: ast.AST) -> str:
    return ast.unparse(ast.fix_missing_locations(ForThreads().visit(node)))


TWINS = sorted(twins(), key=itemgetter(0))


@pytest.mark.parametrize(
    ("place", "threads", "asyncio"), TWINS, ids=[place for place, *_ in TWINS]
)
def test_twins_do_the_same(place: str, threads: ast.AST, asyncio: ast.AST) -> None:
    if place in DIFFERENT:
        assert in_one_form(asyncio) != in_one_form(threads), "no exception any more"
    else:
        assert in_one_form(asyncio) == in_one_form(threads)


def test_there_are_twins() -> None:
    assert len(TWINS) > 60
    assert DIFFERENT.keys() <= {place for place, *_ in TWINS}


def test_a_difference_is_seen() -> None:
    threads = ast.parse("def get(it):\n    with it.a() as b:\n        return b.x(1)")
    asyncio = (
        "async def get_async(it):\n    async with it.a() as b:\n"
        "        c = await b.x({})\n        return c"
    )
    assert in_one_form(ast.parse(asyncio.format(1))) == in_one_form(threads)
    assert in_one_form(ast.parse(asyncio.format(2))) != in_one_form(threads)
