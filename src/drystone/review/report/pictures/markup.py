"""SVG as text: elements, escaped content, and how wide a text is drawn."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape

# What XML 1.0 cannot hold, and what would turn the direction of the text after it.
_UNFIT = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
    "\ud800-\udfff\ufffe\uffff]"
)


def escaped(content: object) -> str:
    """Return text for use between tags; what XML cannot hold becomes U+FFFD."""
    return escape(_UNFIT.sub("\ufffd", str(content)), {'"': "&quot;"})


def element(name: str, *children: str, **attributes: object) -> str:
    """Return an element; children are markup, attributes are text.

    An attribute's name may end in an underscore, as ``class_`` does, and has hyphens
    where it has underscores here. None leaves an attribute out.
    """
    opening = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = "".join(children)
    return f"<{name}{opening}>{inner}</{name}>" if inner else f"<{name}{opening}/>"


def path(points: Iterable[str | float]) -> str:
    """Return the value of a path's ``d``: letters and numbers."""
    return " ".join(_value(each) for each in points)


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return escaped(value).replace("\n", "&#10;").replace("\t", "&#9;")


@dataclass(frozen=True, slots=True)
class Font:
    """A font, with widths in thousandths of its size that no usual font exceeds."""

    family: str
    size: float
    weight: int
    widths: tuple[tuple[int, str], ...]
    other: int

    def width(self, text: str) -> float:
        """Return the most pixels that a text takes."""
        return sum(self._advance(char) for char in text) * self.size / 1000

    def fit(self, text: str, room: float) -> str:
        """Return the text, cut and ended with … where it is wider than the room."""
        text = _UNFIT.sub("\ufffd", text)
        if self.width(text) <= room:
            return text
        used, kept = self.width("…"), 0
        for char in text:
            used += self._advance(char) * self.size / 1000
            if used > room:
                break
            kept += 1
        return text[:kept].rstrip() + "…"

    def draw(self, x: float, y: float, text: str, **attributes: object) -> str:
        """Return a text element; x is its start, y its baseline."""
        return element(
            "text",
            escaped(text),
            x=x,
            y=y,
            font_family=self.family,
            font_size=self.size,
            font_weight=self.weight if self.weight != _REGULAR else None,
            **attributes,
        )

    def _advance(self, char: str) -> int:
        for width, chars in self.widths:
            if char in chars:
                return width
        if unicodedata.category(char) in {"Mn", "Me", "Cf"}:
            return 0
        return self.other if ord(char) < _FOREIGN else _WIDEST


_REGULAR, _BOLD = 400, 700

# From here on the glyph comes from whatever font has one: at most this wide.
_FOREIGN, _WIDEST = 0x0500, 1400

_MONO_FAMILY = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"
_SANS_FAMILY = "system-ui, Segoe UI, Roboto, Helvetica, Arial, sans-serif"

# The widest of DejaVu and Liberation, the widest and the usual of free sans fonts.
_SANS_WIDTHS = (
    (300, "'Iijl"),
    (350, " ,./:;\\|"),
    (400, "()-[]ft·"),
    (450, "!r"),
    (500, '"*J`'),
    (550, "csz"),
    (600, "?L_kvxy"),
    (650, "$0123456789FTabdeghnopqu{}"),
    (700, "ABEKPSVXYZ"),
    (750, "CNRU"),
    (800, "&DGHOQ"),
    (850, "#+<=>^w~"),
    (900, "M"),
    (1000, "%Wm…→"),
    (1050, "@"),
)
_BOLD_WIDTHS = (
    (350, " 'ijl"),
    (400, ",./:;I\\|·"),
    (450, "-f"),
    (500, "!()[]`rt"),
    (550, '"*'),
    (600, "J_csz"),
    (650, "?Lx"),
    (700, "$0123456789EFTaekovy"),
    (750, "CPSYZbdghnpqu{}"),
    (800, "ABKRVX"),
    (850, "#+<=>DGHNU^~"),
    (900, "&OQ"),
    (950, "w"),
    (1000, "@M…→"),
    (1050, "%m"),
    (1150, "W"),
)
_MONO_WIDTHS = ((610, "".join(map(chr, range(32, 127))) + "…·→"),)


def sans(size: float) -> Font:
    """Return the font of prose and figures."""
    return Font(_SANS_FAMILY, size, _REGULAR, _SANS_WIDTHS, 950)


def bold(size: float) -> Font:
    """Return the font of headings."""
    return Font(_SANS_FAMILY, size, _BOLD, _BOLD_WIDTHS, 1050)


def mono(size: float, *, strong: bool = False) -> Font:
    """Return the font of what a database calls by name."""
    weight = _BOLD if strong else _REGULAR
    return Font(_MONO_FAMILY, size, weight, _MONO_WIDTHS, 800)
