"""Colours and rules that a page may set; the fallbacks are those of a light page."""

from __future__ import annotations

INK = "var(--ink, #1d2430)"
PAPER = "var(--paper, #ffffff)"
LINE = "var(--line, #b9c1cc)"
ACCENT = "var(--accent, #1f5fbf)"
MUTED = "var(--muted, #5b6675)"
HEAD = "var(--table-head, #e9eef5)"
EDGE = "var(--edge, var(--muted, #5b6675))"
HOT = "var(--hot, #c8501e)"
WARN = "var(--warn, #a33b12)"

# For the page's style sheet. The pictures are complete without it, but for the ring
# around a focused table, which is then the browser's own.
STYLE = """\
.picture a { cursor: pointer; outline: none; }
.picture a .box { stroke-width: 1; }
.picture a:hover .box { stroke: var(--accent, #1f5fbf); }
.picture a:focus-visible .box { stroke: var(--accent, #1f5fbf); stroke-width: 4; }
.picture .reference:hover { stroke: var(--accent, #1f5fbf); stroke-width: 2.6; }
@media print {
  .picture {
    --ink: #000; --paper: #fff; --line: #000; --accent: #000; --muted: #333;
    --table-head: #eee; --edge: #000; --hot: #000; --warn: #000;
    max-width: 100%; height: auto;
  }
}
"""
