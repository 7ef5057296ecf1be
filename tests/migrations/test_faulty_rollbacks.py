"""Every loss of a rollback is found, and a rollback without one is accused of nothing.

The cases are in faulty_rollbacks.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent
from typing import Any, Literal

import pytest
from psycopg.conninfo import make_conninfo

from drystone.catalog import Difference
from drystone.migrations.files import read_migrations
from drystone.migrations.proof import Proof, verify
from drystone.settings import Settings
from tests.migrations.conftest import Runner, Write
from tests.migrations.faulty_rollbacks import GROUPS, Case

# The proofs are made once, for all tests: let one worker have them.
pytestmark = pytest.mark.xdist_group("faulty_rollbacks")

Which = Literal["right", "faulty"]
Proofs = dict[str, Proof]

CASES = {case.name: case for cases in GROUPS.values() for case in cases}

# A failed proof costs a new database, for which the server mostly waits.
_AT_ONCE = 4


def _write(folder: Path, cases: Sequence[Case], which: Which) -> None:
    """Write a migration for what was there before, and one for each case."""
    folder.mkdir(parents=True)
    bases = ["CREATE SCHEMA shop;", *(dedent(case.base) for case in cases)]
    before = "-- irreversible: this was there before\n" + "\n".join(bases)
    (folder / "shop-0000.sql").write_text(before)
    for number, case in enumerate(cases, start=1):
        down = case.right if which == "right" else case.faulty
        (folder / f"shop-{number:04}.sql").write_text(dedent(case.up))
        (folder / f"shop-{number:04}.rollback.sql").write_text(dedent(down))


def _prove(folder: Path, server: Any, which: Which) -> Proofs:
    """Prove every case with one of its rollbacks: a group of cases is one folder."""
    url = make_conninfo(
        "", host=server.host, port=server.port, user=server.user, dbname="postgres"
    )

    def prove(group: str) -> Proofs:
        cases = GROUPS[group]
        path = folder / group / "shop"
        _write(path, cases, which)
        _, *proofs = verify(url, Settings(), read_migrations([path]))
        names = [case.name for case in cases]
        return dict(zip(names, proofs, strict=True))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return {
            name: proof
            for proofs in pool.map(prove, GROUPS)
            for name, proof in proofs.items()
        }


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory, postgresql_noproc: Any) -> Proofs:
    """The proof of each case with the rollback that loses one thing."""
    return _prove(tmp_path_factory.mktemp("faulty"), postgresql_noproc, "faulty")


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory, postgresql_noproc: Any) -> Proofs:
    """The proof of each case with the rollback that loses nothing."""
    return _prove(tmp_path_factory.mktemp("right"), postgresql_noproc, "right")


def _names(difference: Difference, case: Case) -> bool:
    """Tell whether a difference says what the case's rollback has lost."""
    return (
        difference.severity == "loss"
        and difference.kind == case.kind
        and case.about in difference.object
        and case.word in f"{difference.before} {difference.after}"
    )


def _found(proof: Proof, case: Case) -> bool:
    named = any(_names(difference, case) for difference in proof.differences)
    return proof.reversible is False and named


@pytest.mark.parametrize("name", CASES)
def test_what_a_faulty_rollback_loses_is_named(faulty: Proofs, name: str) -> None:
    """001-04"""
    proof, case = faulty[name], CASES[name]
    assert proof.reversible is False
    assert _found(proof, case), (proof.differences, proof.error)


@pytest.mark.parametrize("name", CASES)
def test_a_faulty_rollback_is_accused_of_nothing_else(
    faulty: Proofs, name: str
) -> None:
    """Neither of what belongs to other cases, nor of what failed before it."""
    about = CASES[name].about
    others = [each for each in faulty[name].differences if about not in each.object]
    assert others == []


def test_at_most_one_of_all_faulty_rollbacks_passes(faulty: Proofs) -> None:
    """001-04"""
    missed = [name for name, case in CASES.items() if not _found(faulty[name], case)]
    assert len(missed) <= 1, missed


@pytest.mark.parametrize("name", CASES)
def test_a_right_rollback_is_accused_of_nothing(right: Proofs, name: str) -> None:
    """001-04"""
    proof = right[name]
    assert proof.error is None
    assert proof.differences == []
    assert proof.reversible is True


def test_no_two_cases_have_one_name() -> None:
    assert len(CASES) == sum(len(cases) for cases in GROUPS.values())


def test_a_column_that_comes_back_as_the_last_one_changes_the_order_alone(
    shop: Runner, write: Write
) -> None:
    base = "CREATE TABLE public.orders (status text DEFAULT 'new', amount integer);"
    write("shop-0001", base, "DROP TABLE public.orders;")
    write(
        "shop-0002",
        "ALTER TABLE public.orders DROP COLUMN status;",
        "ALTER TABLE public.orders ADD COLUMN status text DEFAULT 'new';",
    )
    proof = verify(shop.url, shop.settings, read_migrations([shop.folder]))[1]
    (difference,) = proof.differences
    assert proof.reversible is True
    assert difference.severity == "order"
    assert (difference.kind, difference.object) == ("table", "public.orders")
    assert difference.before == "columns: status, amount"
    assert difference.after == "columns: amount, status"
