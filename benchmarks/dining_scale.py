"""The dining system at 100,000 connections and 500,000 mentions, and at a tenth of it.

Loading through the public API is compared with a bare COPY of the same rows, already
written out, into the same temporary table, and the same INSERT ... SELECT from it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from psycopg import Connection, sql

from benchmarks.dining_data import NOW, City, Scale
from benchmarks.timing import milliseconds, percentile
from drystone.cli.output import line, table
from drystone.database.copy import copy_rows
from drystone.queries.reading.lexer import read_queries
from drystone.systems import shipped
from drystone.systems.dining import entities, flows, load, resolve, search
from drystone.systems.dining.types import EntityType, Viewport

_FULL = Scale(restaurants=5_000, dishes=20_000, connections=100_000, mentions=500_000)
_TENTH = Scale(restaurants=500, dishes=2_000, connections=10_000, mentions=50_000)
_CALLS = 200
_TABLES = "dining.entities, dining.restaurant_attributes, dining.connections, dining.connection_categories, dining.connection_attributes, dining.mentions"


def run(connection: Connection[Any]) -> None:
    small = _measure(connection, _TENTH)
    _load_both_ways(connection)
    ...
