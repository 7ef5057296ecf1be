"""The wall at the foot of every page: courses of stones that bind without mortar."""

from __future__ import annotations

# So wide is the piece that is repeated.
WIDTH = 300
_GAP = 1.5

# Height, and widths, of one course after the other; no joint stands on a joint.
_COURSES = (
    (8.5, (34, 21, 47, 28, 43, 19, 62, 46)),
    (8.0, (52, 24, 36, 58, 31, 45, 54)),
    (5.5, (23, 61, 26, 42, 38, 57, 29, 24)),
)

Stone = tuple[float, float, float, float]


def _wall() -> list[Stone]:
    """Return each stone's place and size, lowest course first."""
    stones: list[Stone] = []
    y = sum(height for height, _ in _COURSES)
    for height, widths in _COURSES:
        y -= height
        x = 0.0
        for width in widths:
            stones.append((x, y, width - _GAP, height - _GAP))
            x += width
    return stones


WALL = _wall()
