"""A chart as a specification; turned into an ECharts option by our own code only."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class ChartKind(StrEnum):
    NUMBER = "number"
    BAR = "bar"
    """Horizontal bars, for rankings of named things."""
    COLUMN = "column"
    LINE = "line"
    TABLE = "table"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChartSpec:
    """`x` and `y` are column names of the result; `series` splits by a second dimension."""

    kind: ChartKind
    title: str
    x: str = ""
    y: tuple[str, ...] = ()
    series: str = ""
    unit: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """A specification with its built ECharts option (JSON values only, no functions)."""

    spec: ChartSpec
    option: dict[str, Any] = field(default_factory=dict)
