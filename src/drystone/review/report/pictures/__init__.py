"""Pictures for the report: tables and their references, and plans, as SVG."""

from __future__ import annotations

from drystone.review.report.pictures.colours import STYLE
from drystone.review.report.pictures.diagram import describe_diagram, draw_diagram
from drystone.review.report.pictures.entities import Entity, EntityColumn, Reference
from drystone.review.report.pictures.plan import draw_plan, plan_as_text

__all__ = [
    "STYLE",
    "Entity",
    "EntityColumn",
    "Reference",
    "describe_diagram",
    "draw_diagram",
    "draw_plan",
    "plan_as_text",
]
