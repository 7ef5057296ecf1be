"""What holds for all named queries of a system."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from psycopg import Connection, RawCursor

from drystone.queries.reading.annotations import read_annotations
from drystone.queries.reading.files import read_areas
from drystone.queries.runtime.choices import Choice
from drystone.queries.runtime.statement import Statement
from drystone.systems import shipped
from tests.conftest import PROJECT


class NamedQueries:
    """The queries of a system, as its SQL files and its generated modules have them."""

    def __init__(self, system: str) -> None:
        self.system = system
        areas = read_areas([shipped("sql")], systems=[system])
        self.modules = [f"drystone.systems.{area.name}" for area in areas]
        self.queries = [query for area in areas for query in area.queries]

    def without_documentation(self) -> list[str]:
        return [q.name for q in self.queries if not read_annotations(q).documentation]

    def never_run(self, *, flows: Iterable[str]) -> set[str]:
        """Those that neither the system's tests nor these modules of it mention."""
        package = PROJECT / "src" / "drystone" / "systems" / self.system
        files = [package / f"{flow}.py" for flow in flows]
        files += Path(__file__).parent.glob(f"*{self.system}*.py")
        trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files]
        nodes = [node for tree in trees for node in ast.walk(tree)]
        used = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
        return {query.name for query in self.queries} - used

    def for_replicas(self) -> set[str]:
        """Those that are marked, in SQL and in what was generated from it."""
        marked = {q.name for q in self.queries if read_annotations(q).replica}
        assert marked == self._replica_statements().keys()
        return marked

    def locking_for_replicas(self, connection: Connection[Any]) -> set[str]:
        """Those that are marked although they lock rows, of those without choices."""
        locking = set()
        for name, statement in self._replica_statements().items():
            if isinstance(statement, Statement):
                plan = b"EXPLAIN (GENERIC_PLAN) " + statement._sql
                lines = RawCursor(connection).execute(plan).fetchall()
                if any("LockRows" in line for (line,) in lines):
                    locking.add(name)
        return locking

    def _replica_statements(self) -> dict[str, Statement[Any] | Choice[Any]]:
        modules = [importlib.import_module(name) for name in self.modules]
        return {
            name.strip("_").lower(): each
            for module in modules
            for name, each in vars(module).items()
            if isinstance(each, Statement | Choice) and each.replica
        }
