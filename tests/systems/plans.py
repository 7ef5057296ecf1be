"""How the server answers what a generated function asks: by which indexes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from psycopg import Connection

from drystone.queries.runtime.statement import Statement, call_of


@dataclass(frozen=True)
class Plan:
    """The nodes of a plan, as EXPLAIN tells them, the root first."""

    nodes: list[dict[str, Any]]

    @property
    def indexes(self) -> set[str]:
        return {node["Index Name"] for node in self.nodes if "Index Name" in node}

    @property
    def blocks(self) -> int:
        """How many blocks were read as it was executed, from memory or from disk."""
        root = self.nodes[0]
        return int(root["Shared Hit Blocks"] + root["Shared Read Blocks"])


def explained(
    connection: Connection[Any], ask: Callable[[Any], Any], *, execute: bool = True
) -> Plan:
    """The plan of a question, whose changes are undone."""
    call = call_of(ask)
    options = "ANALYZE, BUFFERS, FORMAT JSON" if execute else "FORMAT JSON"
    explain = Statement[Any](
        "explain",
        "EXPLAIN (" + options + ") " + call.statement._sql.decode(),
        parameters=call.statement._parameters,
    )
    with connection.transaction(force_rollback=True):
        (answer,) = explain.one(connection, call.values)
    return Plan(list(_below(answer["Plan"])))


def explained_without_indexes(
    connection: Connection[Any], ask: Callable[[Any], Any]
) -> Plan:
    """The plan of the same question where no index may be used."""
    with connection.transaction(force_rollback=True):
        for kind in ("indexscan", "indexonlyscan", "bitmapscan"):
            connection.execute(f"SET enable_{kind} = off".encode())
        return explained(connection, ask)


def _below(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for each in node.get("Plans", []):
        yield from _below(each)
