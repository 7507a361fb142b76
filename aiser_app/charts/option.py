"""Builds the ECharts option of a chart: plain JSON, no functions, no HTML, no formatter strings.

`echarts-python` gives the skeleton (series, axes, legend, tooltip), the rest follows the design
system. Colours and number formats are put on by the browser, which knows the theme.
Texts from data stay data: names of categories and series, which ECharts draws and escapes itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from echarts import Axis, Bar, Echart, Legend, Line, Tooltip

from aiser_app.charts.data import MAX_POINTS, ChartData
from aiser_app.domain.chart import ChartKind, ChartSpec

MAX_CATEGORIES = 50
LABELLED_BARS = 12
"""Up to this many bars carry their value."""
_GRID = {"left": 0, "right": 12, "top": 12, "bottom": 6, "containLabel": True}
_ROOM_FOR_VALUES = 56
_ROOM_FOR_LEGEND = 32
_ROOM_FOR_NAME = 24


def build_option(spec: ChartSpec, data: ChartData) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The option, and notes on what it leaves out. Numbers and tables need none."""
    if spec.kind in (ChartKind.NUMBER, ChartKind.TABLE) or not spec.x or not spec.y:
        return {}, ()
    names, series, notes = _series(spec, data)
    echart = Echart(spec.title, axis=True)
    bars = spec.kind in (ChartKind.BAR, ChartKind.COLUMN)
    horizontal = spec.kind is ChartKind.BAR
    labelled = bars and len(series) == 1 and len(names) <= LABELLED_BARS
    if horizontal:
        # ECharts draws the first category at the bottom; people read rankings from the top.
        names, series = names[::-1], [(name, values[::-1]) for name, values in series]
    for name, values in series:
        extra = _bar_options(labelled, horizontal, data.is_ranked) if bars else _LINE
        echart.use((Bar if bars else Line)(name, values, **extra))
    category = Axis("category", "left" if horizontal else "bottom", data=names)
    echart.use(category)
    echart.use(_value_axis(spec, data, horizontal, zero=bars))
    echart.use(Tooltip("axis", confine=True))
    if len(series) > 1:
        echart.use(Legend([name for name, _ in series], position=("left", "top"), type="scroll"))
    option: dict[str, Any] = echart.json
    option["title"] = {"text": spec.title, "show": False}
    option["grid"] = _grid(labelled and horizontal, len(series) > 1, spec.unit, horizontal)
    option["aria"] = {"enabled": True, "label": {"description": _description(spec, names, series)}}
    if not bars:
        option["xAxis"][0]["boundaryGap"] = False
    return option, notes


_LINE: dict[str, Any] = {"showSymbol": False, "connectNulls": False}


def _bar_options(labelled: bool, horizontal: bool, ranked: bool) -> dict[str, Any]:
    options: dict[str, Any] = {"barMaxWidth": 18 if horizontal else 28, "barCategoryGap": "30%"}
    if labelled:
        options["label"] = {"show": True, "position": "right" if horizontal else "top"}
    if horizontal and ranked:
        options["leader"] = "last"
    return options


def _value_axis(spec: ChartSpec, data: ChartData, horizontal: bool, *, zero: bool) -> Axis:
    extra: dict[str, Any] = {"scale": not zero}
    titles = [data.column(name).title or name for name in spec.y]
    name = spec.unit if len(titles) > 1 else ", ".join(t for t in (titles[0], spec.unit) if t)
    if spec.unit:
        extra |= {"nameLocation": "middle" if horizontal else "end"}
        extra |= {"nameGap": _ROOM_FOR_NAME} if horizontal else {"nameTextStyle": {"align": "left"}}
    return Axis("value", "bottom" if horizontal else "left", name if spec.unit else "", **extra)


def _grid(values: bool, legend: bool, unit: str, horizontal: bool) -> dict[str, Any]:
    grid: dict[str, Any] = dict(_GRID)
    if values:
        grid["right"] = _ROOM_FOR_VALUES
    if legend:
        grid["top"] = _ROOM_FOR_LEGEND
    if unit:
        side = "bottom" if horizontal else "top"
        grid[side] = int(grid[side]) + _ROOM_FOR_NAME
    return grid


def _series(
    spec: ChartSpec, data: ChartData
) -> tuple[list[str], list[tuple[str, list[Any]]], tuple[str, ...]]:
    """Names on the axis, values by series, notes."""
    labels = [_label(value, data, spec.x) for value in data.values(spec.x)]
    names = list(dict.fromkeys(labels))
    most = MAX_POINTS if spec.kind is ChartKind.LINE else MAX_CATEGORIES
    notes: list[str] = []
    if spec.series:
        splits = [_text(value) for value in data.values(spec.series)]
        groups = list(dict.fromkeys(splits))
        cells = {
            (name, split): number(value)
            for name, split, value in zip(labels, splits, data.values(spec.y[0]), strict=True)
        }
        most = min(most, MAX_POINTS // max(1, len(groups)))
        series = [(group, [cells.get((n, group)) for n in names[:most]]) for group in groups]
        total = len(names)
    else:
        names = labels
        series = [
            (data.column(y).title or y, [number(v) for v in data.values(y)][:most]) for y in spec.y
        ]
        total = data.row_count
    if total > most:
        notes.append(f"The chart shows the first {most:,} of {total:,}; the table has them all.")
    return names[:most], series, tuple(notes)


def number(value: Any) -> float | int | None:
    """A value as the height of something; decimals travel as text. None where there is none."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value if math.isfinite(value) else None
    try:
        parsed = float(value)
    except (TypeError, ValueError):
        return None
    return parsed if math.isfinite(parsed) else None


def _label(value: Any, data: ChartData, column: str) -> str:
    if column in data.times and isinstance(value, str):
        return time_label(value, data.granularity)
    return _text(value)


def _text(value: Any) -> str:
    return "empty" if value is None else str(value)


def time_label(value: str, granularity: str) -> str:
    """A moment at the grain at which it was grouped: `Jan 2013`, `2013 Q1`, `2013-01-31`."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value
    match granularity:
        case "year":
            return f"{moment:%Y}"
        case "quarter":
            return f"{moment:%Y} Q{(moment.month + 2) // 3}"
        case "month":
            return f"{moment:%b %Y}"
        case "hour":
            return f"{moment:%Y-%m-%d %H:%M}"
        case "day" | "week":
            return f"{moment:%Y-%m-%d}"
    return value.replace("T", " ")


def _description(
    spec: ChartSpec, names: Sequence[str], series: Sequence[tuple[str, Sequence[Any]]]
) -> str:
    """For people who hear the chart: what it shows and its extremes."""
    _, values = series[0]
    known = [(v, n) for v, n in zip(values, names, strict=True) if v is not None]
    if not known:
        return f"{spec.title}. No values."
    (high, high_name), (low, low_name) = max(known), min(known)
    unit = f" {spec.unit}" if spec.unit else ""
    return (
        f"{spec.title}. {len(names)} values in {len(series)} series. "
        f"Highest {high_name}: {high:,.6g}{unit}. Lowest {low_name}: {low:,.6g}{unit}."
    )
