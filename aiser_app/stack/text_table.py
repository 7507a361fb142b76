"""Rows for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_WIDEST = 40


def text_table(names: Sequence[str], rows: Sequence[Sequence[Any]], *, limit: int) -> str:
    """Columns aligned, numbers to the right; says how many rows are not shown."""
    shown = [[_cell(value) for value in row] for row in rows[:limit]]
    widths = [max(len(name), *(len(row[i]) for row in shown), 0) for i, name in enumerate(names)]
    right = [
        all(isinstance(row[i], int | float) or row[i] is None for row in rows[:limit])
        for i in range(len(names))
    ]

    def line(cells: Sequence[str]) -> str:
        aligned = [
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(cells, widths, right, strict=True)
        ]
        return "  ".join(aligned).rstrip()

    lines = [line(list(names)), line(["─" * width for width in widths]), *map(line, shown)]
    if len(rows) > limit:
        lines.append(f"… and {len(rows) - limit} more rows")
    return "\n".join(lines)


def _cell(value: Any) -> str:
    """One value on one line: control characters in data must not reach the terminal."""
    text = "" if value is None else str(value)
    text = "".join(c if c.isprintable() else " " for c in text)
    return text if len(text) <= _WIDEST else text[: _WIDEST - 1] + "…"
