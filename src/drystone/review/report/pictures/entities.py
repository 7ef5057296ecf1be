"""What an entity-relationship picture shows: tables, columns and references."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Key = Literal["primary", "foreign", "unique"]


@dataclass(frozen=True, slots=True)
class EntityColumn:
    """A column; its type as SQL writes it."""

    name: str
    type: str
    nullable: bool = False
    key: Key | None = None


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key: optional where it may be null, unique where one row at most."""

    columns: Sequence[str]
    target: str
    optional: bool = False
    unique: bool = False


@dataclass(frozen=True, slots=True)
class Entity:
    """A table; a reference may name a table that the picture does not hold."""

    name: str
    columns: Sequence[EntityColumn]
    references: Sequence[Reference] = ()
    comment: str | None = None
