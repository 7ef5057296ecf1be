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
from drystone.migrations.files import Migration, with_dependencies
from drystone.queries.describing.described import DescribedQuery, describe_areas
from drystone.queries.describing.description import Describer
from drystone.queries.generation.modules import write_module, write_types
from drystone.queries.generation.python import GENERATED
from drystone.queries.generation.types import TypeMap
from drystone.queries.inputs.modules import write_inputs
from drystone.queries.reading.files import Area

# Changes with what is written for the same queries, so that old modules are noticed.
_VERSION = 1
_MANIFESTS = "described"
_SCHEMA = "schema.json"
_FROM_SCHEMA = ("inputs.py", "types.py")


@dataclass(frozen=True, slots=True)
class Package:
    """Where modules are written, and what they are imported as."""

    name: str
    folder: Path


@dataclass(slots=True)
class Generated:
    """Files as they should be, by path, and the queries that are wrong.

    ``before`` are those that an earlier time has left in the same place.
    """

    before: list[Path]
    files: dict[Path, str] = field(default_factory=dict)
    failed: list[DescribedQuery] = field(default_factory=list)

    def write(self) -> list[Path]:
        """Write what differs, delete what nothing generates any more; return both.

        Raises SettingsError where a file cannot be written.
        """
        changed = self.stale()
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

    def stale(self) -> list[Path]:
        """Return the files that differ from what should be there."""
        differing = [
            path
            for path, text in self.files.items()
            if not path.is_file() or path.read_text(encoding="utf-8") != text
        ]
        surplus = [
            path for path in self.before if path not in self.files and path.is_file()
        ]
        return sorted([*differing, *surplus])


def generate(
    connection: Connection[Any],
    areas: Sequence[Area],
    migrations: Sequence[Migration],
    package: Package,
    *,
    repeatables: Sequence[Migration] = (),
    systems: Sequence[str] = (),
) -> Generated:
    """Describe the queries on a migrated database and write their modules, in memory.

    ``areas`` are those of all systems, or of some. The connection must be in autocommit
    and for this alone.
    """
    result = Generated(_generated_before(areas, package, systems))
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
        path = _module_path(area, package)
        try:
            result.files[path] = write_module(area, queries, types)
        except QueryError as error:
            error.location = error.location or Location(area.path, 1)
            raise
        manifest = _manifest(queries, result.files[path])
        result.files[_manifest_path(area)] = manifest
    _add_types(connection, result, areas, types, package)
    manifests = areas[0].folder / _MANIFESTS if areas else package.folder
    for schema in _schemas(areas, types):
        made = {
            name: _digest(result.files[package.folder / schema / name])
            for name in _FROM_SCHEMA
            if package.folder / schema / name in result.files
        }
        result.files[manifests / schema / _SCHEMA] = _json(
            {
                "generator": _VERSION,
                "schema": fingerprint(migrations, repeatables, schema),
                "modules": made,
            }
        )
    return result


def is_fresh(
    areas: Sequence[Area],
    migrations: Sequence[Migration],
    package: Package,
    *,
    repeatables: Sequence[Migration] = (),
    systems: Sequence[str] = (),
) -> bool:
    """Tell, without a database, whether nothing has changed since the last time."""
    expected: dict[Path, str | None] = {}
    for area in areas:
        manifest = _read(_manifest_path(area))
        if manifest.get("source") != _digest(_source(area)):
            return False
        expected[_module_path(area, package)] = manifest.get("module")
    for path in _manifests(areas, systems):
        if path.name != _SCHEMA:
            continue
        found, schema = _read(path), path.parent.name
        wanted = (_VERSION, fingerprint(migrations, repeatables, schema))
        if (found.get("generator"), found.get("schema")) != wanted:
            return False
        folder = package.folder / schema
        expected |= {folder / name: d for name, d in found.get("modules", {}).items()}
    there = _modules(package, systems)
    return set(there) == expected.keys() and all(
        _digest(path.read_text(encoding="utf-8")) == digest
        for path, digest in expected.items()
    )


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


def fingerprint(
    migrations: Sequence[Migration], repeatables: Sequence[Migration], schema: str
) -> str:
    """Return a digest of the files that make a system, with what it builds on.

    Of all files, where no migrations are of a system of that name.
    """
    known = any(each.system == schema for each in migrations)
    chosen = with_dependencies(migrations, [schema] if known else [])
    systems = {each.system for each in chosen}
    again = [each for each in repeatables if each.system in systems or not known]
    files = sorted(f"{each.id} {each.up.checksum}" for each in (*chosen, *again))
    return _digest("\n".join(files))


def _add_types(
    connection: Connection[Any],
    result: Generated,
    areas: Sequence[Area],
    types: TypeMap,
    package: Package,
) -> None:
    """Add, for each system, its package and what follows from its tables."""
    for system in {area.names[0] for area in areas}:
        inputs = write_inputs(connection, types, system)
        if inputs is not None:
            result.files[package.folder / system / "inputs.py"] = inputs
    for schema in _schemas(areas, types):
        folder = package.folder / schema
        if own := types.own([schema]):
            result.files[folder / "types.py"] = write_types(schema, own, types)
        if not (folder / "__init__.py").exists():
            result.files[folder / "__init__.py"] = f'"""The system {schema}."""\n'


def _manifest(queries: Sequence[DescribedQuery], module: str) -> str:
    area = queries[0].area
    described = {
        query.query.name: {
            "operation": OPERATIONS[query.query.operator],
            **signature(query),
            **({"replica": True} if query.annotations.replica else {}),
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


def _schemas(areas: Sequence[Area], types: TypeMap) -> list[str]:
    """Return the systems, and other schemas whose types their queries use."""
    return sorted({*(area.names[0] for area in areas), *types.schemas()})


def _generated_before(
    areas: Sequence[Area], package: Package, systems: Sequence[str]
) -> list[Path]:
    return [*_modules(package, systems), *_manifests(areas, systems)]


def _modules(package: Package, systems: Sequence[str]) -> list[Path]:
    """Return the modules that are there and were generated."""
    folders = [package.folder / each for each in systems] or [package.folder]
    found = []
    for path in (path for folder in folders for path in folder.rglob("*.py")):
        with path.open(encoding="utf-8") as lines:
            if GENERATED in lines.readline():
                found.append(path)
    return found


def _manifests(areas: Sequence[Area], systems: Sequence[str]) -> list[Path]:
    """Return the manifests that are there."""
    folders = {area.folder / _MANIFESTS for area in areas}
    chosen = [folder / each for folder in folders for each in systems] or folders
    return [path for folder in chosen for path in folder.rglob("*.json")]


def _module_path(area: Area, package: Package) -> Path:
    return package.folder.joinpath(*area.names).with_suffix(".py")


def _manifest_path(area: Area) -> Path:
    return area.folder.joinpath(_MANIFESTS, *area.names).with_suffix(".json")


def _source(area: Area) -> str:
    return area.queries[0].source.text


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
