"""The generated demo data: real in shape, and the same on every machine."""

from __future__ import annotations

from drystone.systems.events.demo.loading import load

__all__ = ["load"]
