"""squawk, the linter, asked once for all files.

It reads each file alone. What it says of an object that the same release has just made
is left out: nobody uses that object yet.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sysconfig
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from drystone.errors import DrystoneError, Location
from drystone.migrations.files import SqlFile
from drystone.migrations.statements import Statement
from drystone.review.lint import advice
from drystone.review.lint.findings import Finding, Rule
from drystone.review.lint.schema.model import Schema
from drystone.review.lint.schema.names import qualified
from drystone.review.lint.schema.replay import dropped, object_name, replay

PREFIX = "squawk:"

# What squawk 2.70 knows and says only when it is asked to, and names that it had once.
# They may stand in comments that silence it; lint has no rules for them.
_OPT_IN = """
    ban-add-column ban-add-composite-attribute ban-add-enum-value
    ban-alter-database-options ban-alter-extension ban-alter-function-options
    ban-alter-generated-expression ban-alter-policy-condition ban-alter-policy-roles
    ban-alter-role-options ban-alter-row-level-security ban-alter-sequence-values
    ban-alter-system-options ban-alter-view-options ban-create-policy
    ban-detach-inheritance ban-disable-trigger ban-drop-index ban-drop-policy
    ban-drop-trigger ban-new-write-restriction ban-replace-view-function
    ban-replica-identity ban-revoke ban-set-default require-table-schema
    require-timeout-settings
"""
OPT_IN = frozenset(_OPT_IN.split())

# The oldest server that Drystone supports: what it does well is not advised against.
_PG_VERSION = "16.0"
_WORKED = (0, 1)  # squawk's exit codes: nothing found, and something found


def check(
    files: Sequence[SqlFile],
    *,
    created: Mapping[Path, Collection[str]],
) -> list[Finding]:
    """Return what squawk says of files that PostgreSQL can parse.

    ``created`` has the objects that each file's release makes. Only the rules that are
    squawk's here count. Raises DrystoneError if squawk is missing or fails.
    """
    findings = []
    for transactional in (True, False):
        chosen = [file for file in files if file.transactional is transactional]
        flag = "--assume-in-transaction" if transactional else None
        for file, said in _run(chosen, flag):
            finding = _finding(file, said, created.get(file.path, ()))
            if finding is not None:
                findings.append(finding)
    return findings


def made_by(statements: Iterable[Statement]) -> set[str]:
    """Return the names of all that statements make, even if they drop it again."""
    schema = Schema()
    made: set[str] = set()
    for statement in statements:
        if statement.kind in _REMOVING:
            made |= _names(schema)
        replay(schema, statement, "here")
    return made | _names(schema)


def changed_by(statement: Statement) -> list[str]:
    """Return the names of what a statement drops, renames or alters."""
    node = statement.node
    given = {field.name for field, _ in node.ListFields()}
    if statement.kind == "drop_stmt":
        return dropped(node)
    if "relation" in given:
        return [qualified(node.relation)]
    return [object_name(node.object)] if "object" in given else []


def _run(files: Sequence[SqlFile], flag: str | None) -> Iterator[tuple[SqlFile, Any]]:
    """Yield each file with one thing that squawk says of it.

    squawk gets copies, so that it meets no configuration, and no comments that silence
    it: those are read elsewhere, together with ours.
    """
    if not files:
        return
    with TemporaryDirectory(prefix="drystone-squawk-") as name:
        folder = Path(name)
        (folder / ".squawk.toml").touch()
        names = [f"{number}.sql" for number in range(len(files))]
        for name, file in zip(names, files, strict=True):
            text = file.text.replace("squawk-", "squawk_")
            (folder / name).write_text(text, encoding="utf-8", newline="")
        options = ["--config", ".squawk.toml", "--reporter", "json"]
        options += ["--pg-version", _PG_VERSION, *([flag] if flag else [])]
        done = subprocess.run(
            [_binary(), *options, *names],
            cwd=folder,
            env={**os.environ, "SQUAWK_DISABLE_GITHUB_ANNOTATIONS": "1"},
            capture_output=True,
            check=False,
        )
    if done.returncode not in _WORKED:
        said = done.stderr.decode(errors="replace").strip().partition("\n")[0]
        raise DrystoneError(
            f"squawk failed: {said or f'exit code {done.returncode}'}",
            hint="Reinstall it: pip install --force-reinstall 'squawk-cli>=2.70'",
        )
    for said in json.loads(done.stdout or "[]"):
        yield files[int(Path(said["file"]).stem)], said


def _finding(file: SqlFile, said: Any, created: Collection[str]) -> Finding | None:
    alias = PREFIX + said["rule_name"]
    rule = _BY_ALIAS.get(alias)
    statement, location = _place(file, said["line"], said["column"])
    if rule is None or statement is None:  # squawk's own parser, at odds with the real
        return None
    changed = changed_by(statement)
    fresh = bool(changed) and set(changed) <= set(created)
    if (fresh and alias in _ABOUT_CLIENTS) or (alias, statement.kind) in _CONTRADICTED:
        return None
    message = ": ".join(filter(None, (", ".join(changed), rule.summary)))
    return Finding(rule, location, rule.severity, message)


def _place(file: SqlFile, line: int, column: int) -> tuple[Statement | None, Location]:
    """Find a place that squawk counts from 0, its column in bytes."""
    data, begins = _lines(file.text)
    offset = begins[line] + column
    starts = [statement.offset for statement in file.statements]
    number = bisect_right(starts, offset) - 1
    before = data[begins[line] : offset].decode(errors="replace")
    return (
        file.statements[number] if number >= 0 else None,
        Location(file.path, line + 1, len(before) + 1),
    )


@lru_cache(maxsize=1)
def _lines(text: str) -> tuple[bytes, list[int]]:
    """Return a text in bytes, and where in them its lines begin."""
    data = text.encode()
    breaks = [index for index, byte in enumerate(data) if byte == ord("\n")]
    return data, [0, *(index + 1 for index in breaks)]


def _binary() -> str:
    beside = Path(sysconfig.get_path("scripts")) / "squawk"
    found = str(beside) if beside.is_file() else shutil.which("squawk")
    if found is None:
        raise DrystoneError(
            "squawk is not installed, and lint asks it",
            hint="pip install 'drystone[review]'",
        )
    return found


_BY_ALIAS: dict[str, Rule] = {
    alias: rule for rule in advice.RULES for alias in rule.aliases
}
_REMOVING = {"alter_object_schema_stmt", "drop_stmt", "rename_stmt"}
# What clients rely on; nobody relies on what is made at the same time.
_ABOUT_CLIENTS = {
    "squawk:ban-alter-identity",
    "squawk:ban-drop-generated-expression",
    "squawk:renaming-object",
}
# An index that was not finished is there, and invalid: IF NOT EXISTS would accept it.
_CONTRADICTED = {("squawk:prefer-robust-stmts", "index_stmt")}
_REMOVING = {"alter_object_schema_stmt", "drop_stmt", "rename_stmt"}


def _names(schema: Schema) -> set[str]:
    tables = {name: table.created_in for name, table in schema.tables.items()}
    kinds = (
        tables,
        schema.types,
        schema.functions,
        schema.schemas,
        schema.sequences,
        schema.extensions,
    )
    return {name for kind in kinds for name, made_in in kind.items() if made_in}
