"""What generated functions are made of, and run with."""

from __future__ import annotations

from drystone.queries.runtime.choices import Choice, OrderBy, When
from drystone.queries.runtime.nesting import Nest
from drystone.queries.runtime.statement import Statement
from drystone.queries.runtime.streams import stream
from drystone.queries.runtime.values import (
    JsonInput,
    Row,
    VectorInput,
    composite,
    each,
    model,
)

__all__ = [
    "Choice",
    "JsonInput",
    "Nest",
    "OrderBy",
    "Row",
    "Statement",
    "VectorInput",
    "When",
    "composite",
    "each",
    "model",
    "stream",
]
