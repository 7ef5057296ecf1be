"""Binary COPY through `copy_rows` against executemany and a bare text COPY."""

from __future__ import annotations

from typing import Any

import numpy as np
from pgvector import Vector
from psycopg import Connection

from benchmarks.timing import milliseconds
from drystone.cli.output import table
from drystone.database.copy import copy_rows

_ROWS = 5000
_ROUNDS = 3


def run(connection: Connection[Any]) -> None:
    """Print the rows per second of each way to load a number and a vector."""
    vectors = np.random.default_rng(1).random((_ROWS, 384), dtype=np.float32)
    rows = list(enumerate(vectors))
    connection.execute(
        "CREATE TEMPORARY TABLE loaded (id integer, embedding public.vector(384))"
    )

    def binary(connection: Connection[Any]) -> None:
        copy_rows(connection, "pg_temp.loaded", ("id", "embedding"), rows)

    def text(connection: Connection[Any]) -> None:
        with (
            connection.cursor() as cursor,
            cursor.copy("COPY pg_temp.loaded FROM STDIN") as copy,
        ):
            for number, vector in rows:
                copy.write_row((number, Vector(vector).to_text()))

    def one_by_one(connection: Connection[Any]) -> None:
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO pg_temp.loaded VALUES (%s, %s)", rows)

    ways = {"copy_rows": binary, "text COPY": text, "executemany": one_by_one}
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(_ROUNDS):
        for name, way in ways.items():
            connection.execute("TRUNCATE pg_temp.loaded")
            best[name] = min(best[name], milliseconds(way, [connection])[0])
    table(
        ("way", "rows/s", "times executemany"),
        [
            (
                name,
                f"{_ROWS / took * 1000:,.0f}",
                f"{best['executemany'] / took:.1f}",
            )
            for name, took in best.items()
        ],
        right=("rows/s", "times executemany"),
    )
