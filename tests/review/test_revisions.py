from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from drystone.errors import BadInput
from drystone.review.revisions import changed_since, files_at, path_in_repository

AUTHOR = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]


def git(folder: Path, *arguments: str) -> None:
    command = ["git", "-C", str(folder), *AUTHOR, *arguments]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with two migrations; the second came with the second commit."""
    project = tmp_path / "project"
    folder = project / "db" / "migrations"
    folder.mkdir(parents=True)
    git(tmp_path, "init", "--quiet", str(project))
    (folder / "1.sql").write_text("SELECT 'ä';\n")
    (project / "other.txt").write_text("first\n")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "first")
    git(project, "tag", "first")
    (folder / "2.sql").write_text("SELECT 2;\n")
    (folder / "1.sql").write_text("SELECT 1;\n")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message", "second")
    return project


def test_the_files_are_lent_as_they_were(project: Path) -> None:
    folder = project / "db" / "migrations"
    with files_at("first", [folder]) as root:
        there = root / path_in_repository(folder)
        assert [path.name for path in there.iterdir()] == ["1.sql"]
        assert (there / "1.sql").read_text() == "SELECT 'ä';\n"
        assert not (root / "other.txt").exists()
    assert not root.exists()
    assert (folder / "1.sql").read_text() == "SELECT 1;\n"


def test_a_folder_that_did_not_exist_then_is_empty(project: Path) -> None:
    later = project / "sql"
    later.mkdir()
    with files_at("HEAD", [later, project / "db"]) as root:
        assert list((root / "sql").iterdir()) == []
        assert (root / "db" / "migrations" / "2.sql").is_file()


def test_the_whole_repository_can_be_lent(project: Path) -> None:
    with files_at("first", [project]) as root:
        assert (root / "other.txt").read_text() == "first\n"


def test_what_changed_is_committed_edited_or_new(project: Path) -> None:
    folder = project / "db" / "migrations"
    assert changed_since("first", [folder]) == {folder / "1.sql", folder / "2.sql"}
    assert changed_since("HEAD", [folder]) == set()
    (folder / "2.sql").write_text("SELECT 3;\n")
    (folder / "ü 4.sql").write_text("SELECT 4;\n")
    (folder / "1.sql").unlink()
    (project / "elsewhere.sql").write_text("")
    assert changed_since("HEAD", [folder]) == {folder / "2.sql", folder / "ü 4.sql"}


def test_a_file_that_was_renamed_is_new(project: Path) -> None:
    folder = project / "db" / "migrations"
    (folder / "2.sql").rename(folder / "3.sql")
    git(project, "add", ".")
    assert changed_since("HEAD", [folder]) == {folder / "3.sql"}


def test_a_hooks_environment_does_not_mislead(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", ".git")
    folder = project / "db" / "migrations"
    assert changed_since("first", [folder]) == {folder / "1.sql", folder / "2.sql"}


def test_a_folders_name_is_no_pattern(project: Path) -> None:
    folder = project / "db[1]*"
    folder.mkdir()
    (folder / "1.sql").write_text("")
    (project / "db1x").mkdir()
    (project / "db1x" / "2.sql").write_text("")
    assert changed_since("HEAD", [folder]) == {folder / "1.sql"}


def test_a_folder_outside_of_any_repository_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="does not lie in a git repository"):
        changed_since("HEAD", [tmp_path])


def test_a_folder_of_another_repository_is_refused(
    project: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    git(tmp_path, "init", "--quiet", str(other))
    with pytest.raises(BadInput, match="other does not lie in the git repository"):
        changed_since("HEAD", [project, other])


@pytest.mark.parametrize("revision", ["no-such-branch", "--all", "HEAD~7", ""])
def test_an_unknown_revision_is_refused(project: Path, revision: str) -> None:
    with (
        pytest.raises(BadInput, match="git knows no revision"),
        files_at(revision, [project]),
    ):
        pytest.fail("there is no such revision")


def test_a_shallow_clone_says_how_to_get_the_rest(
    project: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    url = project.as_uri()
    git(tmp_path, "clone", "--quiet", "--depth", "1", url, str(clone))
    with pytest.raises(BadInput) as caught:
        changed_since("first", [clone])
    assert "--unshallow" in (caught.value.hint or "")
