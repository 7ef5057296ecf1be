from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from drystone.ops.recall import measure_recall
from tests.ops.conftest import Serving

DOCUMENT = Path(__file__).parents[2] / "docs" / "observability.md"


def test_the_database_is_told_of(
    serving: Serving, own: Connection[Any], database_url: str
) -> None:
    service = serving(database_url)
    service.get("/health/ready")
    found = service.metrics()
    assert found["drystone_database_up", ()] == 1
    assert found["drystone_migrations_pending", ()] == 0
    assert found["drystone_migrations_applied", ()] > 60
    assert found["drystone_connections", (("state", "active"),)] >= 1
    assert found["drystone_connections_limit", ()] > 10
    assert found["drystone_longest_transaction_seconds", ()] >= 0
    assert found["drystone_waiting_for_locks", ()] == 0
    assert found["drystone_deadlocks_total", ()] == 0
    assert found["drystone_invalid_indexes", ()] == 0
    assert found["drystone_database_bytes", ()] > 1_000_000
    table = (("schema", "core"), ("table", "outbox"))
    assert found["drystone_table_bytes", table] > 0
    index = (("index", "outbox_pkey"), ("schema", "core"))
    assert found["drystone_index_bytes", index] > 0
    pool = (("pool", "monitor"),)
    assert found["drystone_pool_size", pool] >= 1
    assert found["drystone_pool_requests_total", pool] >= 1
    assert found["drystone_pool_errors_total", pool] == 0
    assert found["drystone_outbox_jobs", ()] == 0
    assert ("drystone_redis_up", ()) not in found
    (folder,) = [labels for name, labels in found if name == "drystone_disk_free_bytes"]
    assert (
        0
        < found["drystone_disk_free_bytes", folder]
        < found["drystone_disk_total_bytes", folder]
    )


def test_an_index_that_could_not_be_built_is_told(
    serving: Serving, own: Connection[Any], database_url: str
) -> None:
    own.execute(
        "UPDATE pg_catalog.pg_index SET indisvalid = false"
        " WHERE indexrelid = 'core.outbox_pkey'::regclass"
    )
    assert serving(database_url).metrics()["drystone_invalid_indexes", ()] == 1


def test_backups_are_told_by_their_kind(
    serving: Serving, own: Connection[Any], database_url: str
) -> None:
    own.execute(
        "INSERT INTO core.backups (at, filename, kind, verified) VALUES"
        " ('2026-01-01Z', 'a', 'full', 'verified'),"
        " ('2026-01-02Z', 'b', 'full', 'failed'),"
        " ('2026-01-03Z', 'c', 'schema', 'pending')"
    )
    found = serving(database_url).metrics()
    full, schema = (("kind", "full"),), (("kind", "schema"),)
    success = "drystone_backup_last_success_timestamp_seconds"
    assert found[success, full] == 1_767_225_600
    assert found["drystone_backup_last_failed", full] == 1
    assert found["drystone_backup_last_failed", schema] == 0


def test_jobs_are_told_by_queue_and_state(
    serving: Serving, own: Connection[Any], database_url: str, redis_url: str
) -> None:
    own.execute(
        "INSERT INTO core.queues (queue) VALUES ('mail') ON CONFLICT DO NOTHING"
    )
    own.execute(
        "INSERT INTO core.outbox (queue, name, payload, created_at)"
        " VALUES ('mail', 'send', '{}', now() - interval '1 minute')"
    )
    found = serving(database_url, redis_url=redis_url).metrics()
    assert found["drystone_outbox_jobs", ()] == 1
    assert 59 < found["drystone_outbox_oldest_seconds", ()] < 120
    assert found["drystone_redis_up", ()] == 1
    labels = (("queue", "mail"), ("state", "waiting"))
    assert found["drystone_queue_jobs", labels] == 0


def test_a_folder_of_ones_own_is_measured(
    serving: Serving, database_url: str, tmp_path: Path
) -> None:
    service = serving(database_url, disk_paths=(tmp_path, tmp_path / "missing"))
    paths = [
        dict(labels)["path"]
        for name, labels in service.metrics()
        if name == "drystone_disk_free_bytes"
    ]
    assert paths == [str(tmp_path)]


@pytest.fixture
def vectors(connection: Connection[Any]) -> Connection[Any]:
    """Vectors with an HNSW index on them, and one on an expression of some of them."""
    connection.execute(
        "CREATE SCHEMA recalled;"
        " CREATE TABLE recalled.items (id int, place vector(8) NOT NULL);"
        " SELECT setseed(0.5);"
        " INSERT INTO recalled.items SELECT n, ARRAY[random(), random(), random(),"
        " random(), random(), random(), random(), random()]::vector"
        " FROM generate_series(1, 3000) AS n;"
        " CREATE INDEX places ON recalled.items USING hnsw (place vector_l2_ops);"
        " CREATE INDEX halves ON recalled.items"
        " USING hnsw ((place::halfvec(8)) halfvec_cosine_ops) WHERE id < 1000;"
        " ANALYZE recalled.items"
    )
    return connection


def test_the_recall_of_each_index_is_measured(vectors: Connection[Any]) -> None:
    found = measure_recall(vectors)
    assert found["recalled.places"] > 0.9
    assert found["recalled.halves"] > 0.9
    # So small a search list cannot find ten: with it, less is found.
    vectors.execute("SET hnsw.ef_search = 1; SET hnsw.iterative_scan = off")
    assert measure_recall(vectors)["recalled.places"] < 0.5


def test_an_index_of_few_rows_of_a_table_is_measured(
    vectors: Connection[Any],
) -> None:
    vectors.execute(
        "CREATE INDEX first ON recalled.items USING hnsw (place vector_l2_ops)"
        " WHERE id <= 20;"
        " CREATE INDEX middle ON recalled.items USING hnsw (place vector_l2_ops)"
        " WHERE id BETWEEN 1490 AND 1510;"
        " CREATE INDEX last ON recalled.items USING hnsw (place vector_l2_ops)"
        " WHERE id > 2980"
    )
    found = measure_recall(vectors)
    assert {"recalled.first", "recalled.middle", "recalled.last"} <= found.keys()


def test_recall_takes_no_longer_than_it_may(vectors: Connection[Any]) -> None:
    assert measure_recall(vectors, budget=0) == {}


def test_every_metric_is_documented(
    serving: Serving, database_url: str, redis_url: str
) -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(drystone_\w+)", text, re.MULTILINE))
    found = serving(database_url, redis_url=redis_url).metrics()
    assert {name for name, _ in found} <= documented
