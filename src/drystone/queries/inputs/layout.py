"""Breaking what is too long for a line as ruff does."""

from __future__ import annotations

from dataclasses import dataclass

from drystone.queries.generation.python import WIDTH


@dataclass(frozen=True, slots=True)
class Group:
    """A call or a subscript: what stands before its items, and what closes it."""

    opening: str
    items: tuple[str | Group, ...]
    closing: str

    def __str__(self) -> str:
        return f"{self.opening}{', '.join(map(str, self.items))}{self.closing}"


def annotated(
    name: str, annotation: str | Group, default: str | None, *, indent: int = 4
) -> list[str]:
    """Return the lines of a field: its name, its annotation and its default."""
    value = f" = {default}" if default else ""
    opened = f"{' ' * indent}{name}: {annotation} = ("
    if default and len(opened) <= WIDTH < len(opened) - 1 + len(default):
        return [opened, f"{' ' * indent}    {default}", f"{' ' * indent})"]
    return _laid_out(f"{name}: ", annotation, value, indent)


def _laid_out(prefix: str, text: str | Group, suffix: str, indent: int) -> list[str]:
    space = " " * indent
    line = f"{space}{prefix}{text}{suffix}"
    if len(line) <= WIDTH:
        return [line]
    if isinstance(text, str):
        if " | " not in text:
            return [line]
        return [f"{space}{prefix}(", f"{space}    {text}", f"{space}){suffix}"]
    lines = [f"{space}    {', '.join(map(str, text.items))}"]
    if len(lines[0]) > WIDTH:
        lines = [
            line for item in text.items for line in _laid_out("", item, ",", indent + 4)
        ]
    return [f"{space}{prefix}{text.opening}", *lines, f"{space}{text.closing}{suffix}"]
