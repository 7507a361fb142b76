"""The part of a result that a chart can show, and what its columns are for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiser_app.domain.result import Column

MAX_POINTS = 2_000
"""Values that travel to a browser for one chart."""
NUMERIC = frozenset({"integer", "number", "decimal"})
TEMPORAL = frozenset({"date", "timestamp"})


@dataclass(frozen=True, kw_only=True, slots=True)
class ChartData:
    """`rows` are JSON-safe and in the order of the result; `row_count` may be more than they are."""

    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Any]]
    row_count: int
    times: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    granularity: str = ""
    """Of the first time column: hour, day, week, month, quarter or year."""
    is_ranked: bool = False
    """The rows are ordered by a measure, so that their order carries meaning."""

    def column(self, name: str) -> Column:
        return next(column for column in self.columns if column.name == name)

    def values(self, name: str) -> list[Any]:
        index = next(i for i, column in enumerate(self.columns) if column.name == name)
        return [row[index] for row in self.rows]

    def distinct(self, name: str) -> int:
        return len({str(value) for value in self.values(name)})


def guess_roles(
    columns: Sequence[Column],
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Times, categories and measures of a result whose query nobody understood (plain SQL)."""
    times = tuple(c.name for c in columns if c.type in TEMPORAL)
    measures = tuple(c.name for c in columns if c.type in NUMERIC)
    categories = tuple(c.name for c in columns if c.type in ("string", "boolean"))
    if not times and not categories and len(measures) > 1:
        # Numbers only: the first one counts as what the others are shown by.
        return (), measures[:1], measures[1:]
    return times, categories, measures
