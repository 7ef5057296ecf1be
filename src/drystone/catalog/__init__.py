"""What a database holds, as one value to compare, and as text to review."""

from __future__ import annotations

from drystone.catalog.comparison import Difference, compare
from drystone.catalog.marks import Mark, is_untouched, take_mark
from drystone.catalog.partitions import without_new_partitions
from drystone.catalog.snapshot import Snapshot, read_snapshot
from drystone.catalog.structure import structure

__all__ = [
    "Difference",
    "Mark",
    "Snapshot",
    "compare",
    "is_untouched",
    "read_snapshot",
    "structure",
    "take_mark",
    "without_new_partitions",
]
