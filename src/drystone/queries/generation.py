"""From files of queries to modules of functions, and whether the two still agree.

Beside the queries lie manifests, one for each area: what was described, and digests of
the SQL and of the module. While neither they nor the migrations have changed, checking
needs no database.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psycopg import Connection

from drystone.errors import Location, QueryError, SettingsError
from drystone.migrations.files import Migration
from drystone.queries.described import DescribedQuery, describe_areas
from drystone.queries.description import Describer
from drystone.queries.files import Area
from drystone.queries.modules import write_module, write_types
from drystone.queries.source import GENERATED
from drystone.queries.types import TypeMap

# Changes with what is written for the same queries, so that old modules are noticed.
_VERSION = 1
_MANIFESTS = "described"
_SCHEMA = "schema.json"


@dataclass(frozen=True, slots=True)
class Package:
    """Where modules are written, and what they are imported as."""

    name: str
    folder: Path


@dataclass(slots=True)
class Generated:
    """Files as they should be, by path, and the queries that are wrong."""

    files: dict[Path, str] = field(default_factory=dict)
    failed: list[DescribedQuery] = field(default_factory=list)

    def write(self, package: Package) -> list[Path]:
        """Write what differs, delete what nothing generates any more; return both.

        Raises SettingsError where a file cannot be written.
        """
        changed = self.stale(package)
        for path in changed:
            try:
                if path in self.files:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(self.files[path], encoding="utf-8")
                else:
                    path.unlink()
            except OSError as error:
                raise SettingsError(
                    f"a generated file cannot be written: {error.strerror}",
                    location=Location(path, 1),
                ) from error
        return changed

    def stale(self, package: Package) -> list[Path]:
        """Return the files that differ from what should be there."""
        differing = [
            path
            for path, text in self.files.items()
            if not path.is_file() or path.read_text(encoding="utf-8") != text
        ]
        surplus = [
            path
            for path in sorted(package.folder.rglob("*.py"))
            if path not in self.files and _is_generated(path)
        ]
        return sorted([*differing, *surplus])


def generate(
    connection: Connection[Any],
    areas: Sequence[Area],
    migrations: Sequence[Migration],
    package: Package,
) -> Generated:
    """Describe the queries on a migrated database and write their modules, in memory.

    The connection must be in autocommit and for this alone.
    """
    result = Generated()
    describer, types = Describer(connection), TypeMap(connection, package.name)
    by_area: dict[str, list[DescribedQuery]] = {area.name: [] for area in areas}
    for query in describe_areas(describer, areas):
        by_area[query.area.name].append(query)
        if query.error is not None:
            result.failed.append(query)
    if result.failed:
        return result
    for area in areas:
        queries = by_area[area.name]
        path = package.folder.joinpath(*area.names).with_suffix(".py")
        try:
            result.files[path] = write_module(area, queries, types)
        except QueryError as error:
            error.location = error.location or Location(area.path, 1)
            raise
        manifest = _manifest(queries, result.files[path])
        result.files[_manifest_path(area)] = manifest
    _add_schemas(result, areas, types, package)
    for folder in {area.folder for area in areas}:
        result.files[folder / _MANIFESTS / _SCHEMA] = _json(
            {"generator": _VERSION, "schema": fingerprint(migrations)}
        )
    return result


def is_fresh(
    areas: Sequence[Area], migrations: Sequence[Migration], package: Package
) -> bool:
    """Tell, without a database, whether nothing has changed since the last time."""
    wanted = {"generator": _VERSION, "schema": fingerprint(migrations)}
    for folder in {area.folder for area in areas}:
        if _read(folder / _MANIFESTS / _SCHEMA) != wanted:
            return False
    expected = set()
    for area in areas:
        manifest = _read(_manifest_path(area))
        module = package.folder.joinpath(*area.names).with_suffix(".py")
        expected.add(module)
        if manifest.get("source") != _digest(_source(area)) or not module.is_file():
            return False
        if manifest.get("module") != _digest(module.read_text(encoding="utf-8")):
            return False
    systems = {area.names[0] for area in areas}
    surplus = (
        path
        for path in package.folder.rglob("*.py")
        if path.relative_to(package.folder).parts[0] in systems
        and path not in expected
        and path.stem not in {"types", "inputs", "__init__"}
    )
    return not any(_is_generated(path) for path in surplus)


def read_manifests(areas: Iterable[Area]) -> dict[str, dict[str, Any]]:
    """Return what was last generated for each query, by its full name."""
    return {
        f"{area.name}.{name}": described
        for area in areas
        for name, described in _read(_manifest_path(area)).get("queries", {}).items()
    }


def as_document(query: DescribedQuery) -> dict[str, Any]:
    """Return a description as the command line prints it."""
    location, error = query.query.location, query.error
    return {
        "name": query.name,
        "file": str(location.file),
        "line": location.line,
        "operation": OPERATIONS[query.query.operator],
        **signature(query),
        "error": None
        if error is None
        else {
            "message": error.message,
            "line": error.location.line if error.location else location.line,
            "column": error.location.column if error.location else None,
            "sqlstate": error.sqlstate,
        },
    }


def signature(query: DescribedQuery) -> dict[str, Any]:
    """Return a query's parameters and columns: names, types, nullability."""
    names = query.query.parameters
    return {
        "parameters": [
            {"name": name, "type": each.type, "nullable": each.nullable}
            for name, each in zip(names, query.described.parameters, strict=False)
        ],
        "columns": [
            {"name": each.name, "type": each.type, "nullable": each.nullable}
            for each in query.described.columns
        ],
    }


OPERATIONS = {
    "": "select",
    "^": "select_one",
    "$": "select_value",
    "!": "insert_update_delete",
    "<!": "insert_returning",
    "*!": "insert_update_delete_many",
    "#": "script",
}


def fingerprint(migrations: Iterable[Migration]) -> str:
    """Return a digest of the migrations that make the schema."""
    return _digest("\n".join(f"{each.id} {each.up.checksum}" for each in migrations))


def _add_schemas(
    result: Generated,
    areas: Sequence[Area],
    types: TypeMap,
    package: Package,
) -> None:
    """Add, for each system, its package and what follows from its tables."""
    systems = sorted({area.names[0] for area in areas})
    for schema in sorted({*systems, *types.enum_schemas()}):
        folder = package.folder / schema
        if enums := types.enums([schema]):
            result.files[folder / "types.py"] = write_types(schema, enums)
        if not (folder / "__init__.py").exists():
            result.files[folder / "__init__.py"] = f'"""The system {schema}."""\n'


def _manifest(queries: Sequence[DescribedQuery], module: str) -> str:
    area = queries[0].area
    described = {
        query.query.name: {
            "operation": OPERATIONS[query.query.operator],
            **signature(query),
        }
        for query in queries
    }
    return _json(
        {
            "source": _digest(_source(area)),
            "module": _digest(module),
            "queries": described,
        }
    )


def _manifest_path(area: Area) -> Path:
    return area.folder.joinpath(_MANIFESTS, *area.names).with_suffix(".json")


def _source(area: Area) -> str:
    return area.queries[0].source.text


def _is_generated(path: Path) -> bool:
    with path.open(encoding="utf-8") as lines:
        return GENERATED in lines.readline()


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
