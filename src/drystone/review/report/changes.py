"""What a revision's schema and queries became since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from drystone.catalog import Difference, Snapshot, compare, read_snapshot
from drystone.catalog.snapshot import Key
from drystone.migrations.files import read_migrations, with_dependencies
from drystone.migrations.proof import migrated_scratch
from drystone.migrations.repeatables import read_repeatables
from drystone.migrations.statements import without_comments
from drystone.queries.describing.described import describe_areas
from drystone.queries.describing.description import Describer
from drystone.queries.generation.impact import Change
from drystone.queries.reading.files import Area, read_areas
from drystone.review.report.queries import Described, describe_with_signatures
from drystone.review.revisions import files_at, path_in_repository
from drystone.settings import Settings

Types = Mapping[tuple[str, str], str]


class Fate(StrEnum):
    """What became of a query."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class QueryChange:
    """A query that is not what it was: its text, its types, or whether it is there."""

    name: str
    fate: Fate
    text: bool = False
    types: Sequence[Change] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """What differs between a revision and the working tree."""

    since: str
    schema: Sequence[Difference]
    queries: Sequence[QueryChange]


@dataclass(frozen=True, slots=True)
class Signature:
    """A query as two revisions are compared: its text without comments, its types."""

    tokens: Sequence[str]
    types: Types


@dataclass(frozen=True, slots=True)
class State:
    """What the files of one revision make."""

    snapshot: Snapshot
    queries: Mapping[str, Signature]


def state_at(
    revision: str,
    conninfo: str,
    settings: Settings,
    *,
    migrations: Sequence[Path],
    queries: Sequence[Path],
    systems: Sequence[str] = (),
) -> State:
    """Make a revision's schema on a scratch database and describe its queries there.

    A query that was refused then has no types. Raises BadInput for a revision that git
    does not know, and what reading and applying those files raises.
    """
    with files_at(revision, [*migrations, *queries]) as root:
        then, asked = (
            [root / path_in_repository(folder) for folder in folders]
            for folders in (migrations, queries)
        )
        areas = [
            each
            for each in read_areas(asked)
            if not systems or each.names[0] in systems
        ]
        every = read_migrations(then)
        chosen = with_dependencies(every, {each.system for each in every} & {*systems})
        with migrated_scratch(
            conninfo, settings, chosen, read_repeatables(then)
        ) as connection:
            snapshot = read_snapshot(connection)
            described = describe_with_signatures(
                connection, describe_areas(Describer(connection), areas), "queries"
            )
    return State(snapshot, signatures(areas, described))


def signatures(
    areas: Iterable[Area], described: Mapping[str, Described]
) -> dict[str, Signature]:
    """Return what is compared of each query, by full name."""
    found = {}
    for area in areas:
        for query in area.queries:
            name = f"{area.name}.{query.name}"
            known = described.get(name, Described())
            types = {
                (kind, each.name): f"{each.type}{' or NULL' if each.nullable else ''}"
                for kind, several in (
                    ("parameter", known.parameters),
                    ("column", known.columns),
                )
                for each in several
            }
            found[name] = Signature(without_comments(query.sql), types)
    return found


def changes(since: str, before: State, after: State) -> Changes:
    """Compare two revisions; what belongs to a new table is not told by itself."""
    return Changes(
        since,
        _essential(before.snapshot, after.snapshot),
        query_changes(before.queries, after.queries),
    )


def query_changes(
    before: Mapping[str, Signature], after: Mapping[str, Signature]
) -> list[QueryChange]:
    """Compare the queries of two revisions, by name."""
    found = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old is None or new is None:
            fate = Fate.ADDED if old is None else Fate.REMOVED
            found.append(QueryChange(name, fate))
        elif old != new:
            text = old.tokens != new.tokens
            types = _type_changes(old.types, new.types)
            found.append(QueryChange(name, Fate.CHANGED, text, types))
    return found


def _type_changes(old: Types, new: Types) -> tuple[Change, ...]:
    keys = [*old, *(key for key in new if key not in old)]
    return tuple(
        Change(kind, name, old.get((kind, name)), new.get((kind, name)))
        for kind, name in keys
        if old.get((kind, name)) != new.get((kind, name))
    )


def _essential(before: Snapshot, after: Snapshot) -> list[Difference]:
    """Compare schemas, without what came or went together with its table."""
    found = compare(before, after)
    whole = {each.object for each in found if None in (each.before, each.after)}

    def is_part(each: Difference) -> bool:
        key: Key = each.kind, each.object
        properties = after.objects.get(key) or before.objects.get(key) or {}
        owner = properties.get("table") or properties.get("object")
        alone = None in (each.before, each.after)
        return (
            alone
            and isinstance(owner, str)
            and (owner in whole or owner.rpartition(".")[0] in whole)
        )

    return [each for each in found if not is_part(each)]
