from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Drystone, Run
from tests.review.report.conftest import NOWHERE, write_project


@pytest.fixture
def project(drystone: Drystone, tmp_path: Path) -> Drystone:
    """Run the command line in the small project, without a database."""
    write_project(tmp_path)
    (tmp_path / "drystone.toml").write_text(
        'migrations = "migrations"\nqueries = "sql"\n'
    )

    def run(*arguments: str) -> Run:
        return drystone("--database-url", NOWHERE, *arguments)

    return run


def test_review_writes_pages_and_prints_the_verdict(
    project: Drystone, drystone: Drystone, tmp_path: Path, empty_url: str
) -> None:
    run = drystone("--database-url", empty_url, "review")
    assert run.code == 1
    assert "error    1 migration not restored by the rollback\n" in run.out
    assert "error    PostgreSQL refuses 1 query\n" in run.out
    assert run.out.endswith("open .drystone/review/index.html\n")
    out = tmp_path / ".drystone" / "review"
    assert {"index.html", "review.md", "report.css", "report.js"} <= {
        path.name for path in out.iterdir()
    }


def test_review_prints_the_document_of_the_contract(
    project: Drystone, tmp_path: Path
) -> None:
    document = project("review", "--json", "--out", "report").document
    assert document["out"] == "report"
    assert document["migrations"] == 3
    assert document["queries"] == 5
    assert document["findings"] > 0
    (missing,) = document["missing"]
    assert missing["part"] == "database"
    assert missing["hint"].startswith("Check that the server runs")
    assert (tmp_path / "report" / "index.html").is_file()


def test_a_review_without_an_error_exits_with_0(
    project: Drystone, tmp_path: Path
) -> None:
    for path in (tmp_path / "migrations" / "shop").glob("*000[23]*"):
        path.unlink()
    run = project("review")
    assert (run.code, run.err) == (0, "")
    assert "missing  Not gathered: database." in run.out


def test_a_folder_that_cannot_be_written_is_told(
    project: Drystone, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("")
    run = project("review", "--out", "taken/report")
    assert run.code == 2
    assert "the report cannot be written" in run.err
    assert "--out DIR" in run.err


def test_a_revision_needs_a_repository(project: Drystone) -> None:
    run = project("review", "--since", "main")
    assert run.code == 2
    assert "git" in run.err
