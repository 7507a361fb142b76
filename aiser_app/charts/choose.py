"""Which chart fits a result: decided by its shape alone, so that equal results look equal."""

from __future__ import annotations

from aiser_app.charts.data import NUMERIC, ChartData
from aiser_app.domain.chart import ChartKind, ChartSpec

MAX_SERIES = 8
"""More lines or groups than this cannot be told apart."""
MAX_MEASURES = 3


def choose(data: ChartData, *, title: str = "") -> ChartSpec:
    """The chart for this data; a table where no chart would say more."""
    kind, x, series = _shape(data)
    measures = data.measures if kind is not ChartKind.TABLE else ()
    shown = _of_one_unit(data, measures)[: 1 if series else MAX_MEASURES]
    return ChartSpec(
        kind=kind,
        title=title or _title(data, shown, x),
        x=x,
        y=shown,
        series=series,
        unit=data.column(shown[0]).unit if shown else "",
    )


def fits(kind: ChartKind, data: ChartData) -> bool:
    """Can `data` be shown as `kind` at all?"""
    if kind is ChartKind.TABLE:
        return True
    if not data.measures or not data.rows:
        return False
    if kind is ChartKind.NUMBER:
        return data.row_count == 1
    return bool(data.times or data.categories)


def _shape(data: ChartData) -> tuple[ChartKind, str, str]:
    """Kind, column of the axis, column that splits into series."""
    table = (ChartKind.TABLE, "", "")
    groups = len(data.times) + len(data.categories)
    if not data.measures or not data.rows:
        return table
    if groups == 0:
        return (ChartKind.NUMBER, "", "") if data.row_count == 1 else table
    if groups > 2 or len(data.times) > 1:
        return table
    if data.row_count == 1:
        return ChartKind.NUMBER, (data.categories + data.times)[0], ""
    if data.times:
        return _over_time(data)
    return _over_categories(data)


def _over_time(data: ChartData) -> tuple[ChartKind, str, str]:
    time = data.times[0]
    if not data.categories:
        if data.is_ranked:
            return ChartKind.BAR, time, ""
        return (ChartKind.LINE if data.row_count > 2 else ChartKind.COLUMN), time, ""
    split = data.categories[0]
    if data.is_ranked or data.distinct(split) > MAX_SERIES:
        return ChartKind.TABLE, "", ""
    return ChartKind.LINE, time, split


def _over_categories(data: ChartData) -> tuple[ChartKind, str, str]:
    first = data.categories[0]
    if len(data.categories) == 1:
        in_order = data.column(first).type in NUMERIC and not data.is_ranked
        return (ChartKind.COLUMN if in_order else ChartKind.BAR), first, ""
    by_count = sorted(data.categories, key=data.distinct)
    split, axis = by_count[0], by_count[1]
    if data.is_ranked or data.distinct(split) > MAX_SERIES or data.row_count > len(data.rows):
        return ChartKind.TABLE, "", ""
    return ChartKind.COLUMN, axis, split


def _of_one_unit(data: ChartData, measures: tuple[str, ...]) -> tuple[str, ...]:
    """Measures that can share an axis with the first one."""
    units = {name: data.column(name).unit for name in measures}
    return tuple(name for name in measures if units[name] == units[measures[0]])


def _title(data: ChartData, measures: tuple[str, ...], x: str) -> str:
    shown = " and ".join(data.column(name).title or name for name in measures)
    by = (data.column(x).title or x) if x else ""
    return f"{shown} by {by.lower()}" if shown and by else shown
