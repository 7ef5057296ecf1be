"""AGE's graphs after a restore."""

from __future__ import annotations

from typing import Any

from psycopg import Connection

from drystone.database.session import connect
from drystone.ops.backup.graphs import probe_graphs, repair_graphs
from drystone.ops.backup.manifest import Label
from drystone.settings import Settings

LABELS = {
    "Stone": Label(kind="v", id=3, rows=2),
    "ON": Label(kind="e", id=4, rows=1),
}


def test_graphs_whose_numbers_are_each_others_are_told_apart(
    own_empty: Connection[Any], empty_url: str, settings: Settings
) -> None:
    own_empty.execute("CREATE EXTENSION age")
    own_empty.execute("SET search_path = ag_catalog, public")
    for graph in ("wall", "tower", "bridge"):
        own_empty.execute("SELECT create_graph(%s::text::name)", [graph])
        own_empty.execute(
            "SELECT * FROM cypher(%s, $$"
            " CREATE (:`Stone`)-[:`ON`]->(:`Stone`) $$) AS (x agtype)".replace(
                "%s", f"'{graph}'"
            ).encode()
        )
    # As a restore may have it: of three numbers, each is that of another graph now.
    own_empty.execute("ALTER TABLE ag_label DROP CONSTRAINT fk_graph_oid")
    own_empty.execute("DROP INDEX ag_graph_graphid_index, ag_label_graph_oid_index")
    own_empty.execute("DROP INDEX ag_label_name_graph_index")
    own_empty.execute("DROP INDEX ag_label_seq_name_graph_index")
    (numbers,) = own_empty.execute(
        "SELECT array_agg(graphid ORDER BY graphid) FROM ag_graph"
    ).fetchall()
    a, b, c = numbers[0]
    turned = {a: b, b: c, c: a}
    for table, column in (("ag_graph", "graphid"), ("ag_label", "graph")):
        own_empty.execute(
            f"UPDATE {table} SET {column} = CASE {column}"
            f" WHEN {a} THEN {turned[a]}::oid WHEN {b} THEN {turned[b]}::oid"
            f" ELSE {turned[c]}::oid END".encode()
        )
    for index in (
        "ag_graph_graphid_index ON ag_graph (graphid)",
        "ag_label_graph_oid_index ON ag_label (graph, id)",
        "ag_label_name_graph_index ON ag_label (name, graph)",
        "ag_label_seq_name_graph_index ON ag_label (seq_name, graph)",
    ):
        own_empty.execute(f"CREATE UNIQUE INDEX {index}".encode())
    own_empty.execute(
        "ALTER TABLE ag_label ADD CONSTRAINT fk_graph_oid FOREIGN KEY (graph)"
        " REFERENCES ag_graph (graphid)"
    )
    own_empty.close()

    with connect(empty_url, settings) as connection:
        assert repair_graphs(connection) == 3
        assert repair_graphs(connection) == 0
    graphs = dict.fromkeys(("wall", "tower", "bridge"), LABELS)
    with connect(empty_url, settings) as connection:
        assert probe_graphs(connection, graphs) == []
        assert probe_graphs(connection, graphs) == []
        (moat,) = probe_graphs(connection, {"moat": {}})[:1]
    assert moat.after == 'graph "moat" does not exist'


def test_a_database_without_graphs_needs_no_repair(
    own_empty: Connection[Any],
) -> None:
    assert repair_graphs(own_empty) == 0
