"""What generated functions are made of, and run with."""

from __future__ import annotations

from drystone.queries.runtime.choices import Choice, OrderBy, When
from drystone.queries.runtime.nesting import Nest
from drystone.queries.runtime.statement import Call, Statement, call_of
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
    "Call",
    "Choice",
    "JsonInput",
    "Nest",
    "OrderBy",
    "Row",
    "Statement",
    "VectorInput",
    "When",
    "call_of",
    "composite",
    "each",
    "model",
    "stream",
]
