"""The shape of the code: floors, module sizes, and no SQL in f-strings."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from drystone.queries.generation.python import GENERATED

PACKAGE = Path(__file__).parents[1] / "src" / "drystone"
MODULES = sorted(PACKAGE.rglob("*.py"))

# From the ground up; a module imports from its own floor's package or from below.
FLOORS = [
    ["errors"],
    ["credentials"],
    ["environment"],
    ["settings"],
    ["embedded"],
    ["redis"],
    ["database"],
    ["catalog"],
    ["migrations"],
    ["queries"],
    ["cache", "replicas"],
    ["systems.core"],
    ["jobs"],
    ["systems"],
    ["review", "ops", "testing"],
    ["cli"],
]
FLOOR = {name: height for height, names in enumerate(FLOORS) for name in names}


def imports(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
            "drystone."
        ):
            for alias in node.names:
                yield floor(f"{node.module}.{alias.name}".split(".")[1:])
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("drystone."):
                    yield floor(alias.name.split(".")[1:])


def package(module: Path) -> str:
    return floor(module.relative_to(PACKAGE).with_suffix("").parts)


def floor(parts: Sequence[str]) -> str:
    """The system `core` is what the others stand on, so it has a floor of its own."""
    core = tuple(parts[:2]) == ("systems", "core")
    return "systems.core" if core else parts[0]


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_imports_run_downwards_only(module: Path) -> None:
    if module == PACKAGE / "__init__.py":
        assert not list(imports(module))
        return
    own = package(module)
    for imported in imports(module):
        assert imported == own or FLOOR[imported] < FLOOR[own]


def test_every_package_has_its_floor() -> None:
    packages = {package(module) for module in MODULES} - {"__init__"}
    assert packages == set(FLOOR)


@pytest.mark.parametrize(
    "module",
    [m for m in MODULES if GENERATED not in m.read_text().partition("\n")[0]],
    ids=str,
)
def test_a_module_holds_one_concept_in_500_lines(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= 500


def test_no_module_has_a_name_that_explains_nothing() -> None:
    assert not {m.stem for m in MODULES} & {"utils", "helpers", "common", "base"}


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_no_f_string_holds_sql(module: Path) -> None:
    verbs = ("SELECT ", "INSERT ", "UPDATE ", "DELETE ", "CREATE ", "DROP ", "SET ")
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.JoinedStr):
            for part in node.values:
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    assert not part.value.lstrip().startswith(verbs)
