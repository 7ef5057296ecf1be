"""The files of a project at another revision of git, and what changed since."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from drystone.errors import BadInput

# git tells its hooks where it is; that would be taken for any other folder as well.
_OF_A_HOOK = {"GIT_DIR", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_WORK_TREE"}


@contextmanager
def files_at(revision: str, folders: Sequence[Path]) -> Iterator[Path]:
    """Lend a temporary folder with the folders as they were at a revision.

    Each lies there at its path from the repository's top, which
    :func:`path_in_repository` tells; one that did not exist then is empty. Raises
    BadInput where there is no repository, or no such revision in it.
    """
    top = _top(folders)
    commit = _commit(revision, top)
    paths = [_below(top, folder) for folder in folders]
    there = [path for path in paths if _exists(top, commit, path)]
    with TemporaryDirectory(prefix="drystone-") as name:
        root = Path(name)
        for path in paths:
            (root / path).mkdir(parents=True, exist_ok=True)
        if there:
            archive = _git(top, "archive", "--format=tar", commit, "--", *there)
            _extract(archive or b"", root)
        yield root


def changed_since(revision: str, folders: Sequence[Path]) -> set[Path]:
    """Return the files that were added or edited since a revision, committed or not.

    The paths are absolute. Raises BadInput as :func:`files_at` does.
    """
    top = _top(folders)
    commit = _commit(revision, top)
    paths = [_below(top, folder) for folder in folders]
    flags = ("--name-only", "-z", "--no-renames", "--diff-filter=AMT")
    edited = _git(top, "diff", *flags, commit, "--", *paths)
    new = _git(top, "ls-files", "-z", "--others", "--exclude-standard", "--", *paths)
    names = ((edited or b"") + (new or b"")).decode(errors="surrogateescape")
    return {top / name for name in names.split("\0") if name}


def path_in_repository(path: Path) -> Path:
    """Return a path as it is below the top of the repository that it lies in."""
    return _below(_top([path]), path)


def _below(top: Path, path: Path) -> Path:
    resolved = path.resolve()
    if not resolved.is_relative_to(top):
        raise BadInput(f"{path} does not lie in the git repository at {top}")
    return resolved.relative_to(top)


def _top(paths: Sequence[Path]) -> Path:
    start = paths[0].resolve()
    while not start.is_dir():
        start = start.parent
    found = _run(start, "rev-parse", "--show-toplevel")
    if found.returncode:
        reason = found.stderr.decode(errors="replace").partition("\n")[0]
        raise BadInput(
            f"{paths[0]} does not lie in a git repository that can be read: {reason}",
            hint="A revision is one of git's; run this inside a checkout.",
        )
    return Path(found.stdout.decode(errors="surrogateescape").strip()).resolve()


def _commit(revision: str, top: Path) -> str:
    found = _git(
        top,
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        f"{revision}^{{commit}}",
    )
    if found is not None:
        return found.decode().strip()
    shallow = (_git(top, "rev-parse", "--is-shallow-repository") or b"").strip()
    raise BadInput(
        f"git knows no revision {revision}",
        hint="This clone is shallow: fetch the rest with git fetch --unshallow."
        if shallow == b"true"
        else "Name a branch, a tag or a commit of this repository.",
    )


def _exists(top: Path, commit: str, path: Path) -> bool:
    name = "" if path == Path() else path.as_posix()  # the top itself has no name
    return _git(top, "cat-file", "-e", f"{commit}:{name}") is not None


def _extract(archive: bytes, root: Path) -> None:
    """Write an archive's regular files below a folder, and nothing outside of it."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        for member in tar:
            path = (root / member.name).resolve()
            content = tar.extractfile(member) if member.isfile() else None
            if content is not None and path.is_relative_to(root.resolve()):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.read())


def _git(folder: Path, *arguments: str | Path) -> bytes | None:
    """Return what git prints; None if it refuses."""
    done = _run(folder, *arguments)
    return None if done.returncode else done.stdout


def _run(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    environment = {k: v for k, v in os.environ.items() if k not in _OF_A_HOOK}
    try:
        return subprocess.run(
            ["git", "--literal-pathspecs", "-C", folder, *arguments],
            env=environment,
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise BadInput(
            "git is not installed on this machine",
            hint="Install git; only it knows what the files were before.",
        ) from None
