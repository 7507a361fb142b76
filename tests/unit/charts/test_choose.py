"""The kind of chart follows from the shape of the result alone."""

from __future__ import annotations

from typing import Any

import pytest

from aiser_app.charts.choose import choose, fits
from aiser_app.charts.data import ChartData, guess_roles
from aiser_app.domain.chart import ChartKind
from aiser_app.domain.result import Column

NAME = Column(name="name", type="string", title="Carrier")
CODE = Column(name="code", type="string", title="Origin")
HOUR = Column(name="hour", type="integer", title="Hour")
MONTH = Column(name="m", type="date", title="Month")
DELAY = Column(name="delay", type="number", title="Average delay", unit="min")
COUNT = Column(name="count", type="integer", title="Flights")
BY_NAME: dict[str, Any] = {"categories": ("name",), "measures": ("delay",)}
BY_MONTH: dict[str, Any] = {"times": ("m",), "measures": ("delay",)}
MONTHS = [[f"2013-0{m}-01", 1.0] for m in range(1, 9)]


def data(columns: list[Column], rows: list[list[Any]], **roles: Any) -> ChartData:
    row_count = roles.pop("row_count", len(rows))
    return ChartData(columns=tuple(columns), rows=rows, row_count=row_count, **roles)


def several(n: int) -> list[list[Any]]:
    return [[f"v{i}", float(n - i)] for i in range(n)]


HOURS = data(
    [HOUR, DELAY], [[h, 1.0] for h in range(24)], categories=("hour",), measures=("delay",)
)


@pytest.mark.parametrize(
    ("shape", "kind", "x"),
    [
        (data([COUNT], [[5]], measures=("count",)), ChartKind.NUMBER, ""),
        (data([COUNT], [[5], [6]], measures=("count",)), ChartKind.TABLE, ""),
        (data([NAME], [["a"], ["b"]], categories=("name",)), ChartKind.TABLE, ""),
        (data([NAME, DELAY], [], **BY_NAME), ChartKind.TABLE, ""),
        (data([NAME, DELAY], several(1), **BY_NAME), ChartKind.NUMBER, "name"),
        (data([NAME, DELAY], several(9), **BY_NAME), ChartKind.BAR, "name"),
        (HOURS, ChartKind.COLUMN, "hour"),
        (data([MONTH, DELAY], MONTHS, **BY_MONTH), ChartKind.LINE, "m"),
        (data([MONTH, DELAY], MONTHS[:2], **BY_MONTH), ChartKind.COLUMN, "m"),
        (data([MONTH, DELAY], MONTHS, **BY_MONTH, is_ranked=True), ChartKind.BAR, "m"),
    ],
)
def test_the_shape_decides(shape: ChartData, kind: ChartKind, x: str) -> None:
    spec = choose(shape)
    assert (spec.kind, spec.x, spec.series) == (kind, x, "")


def by_month_and(groups: int) -> ChartData:
    rows = [[f"2013-{m:02}-01", f"g{g}", 1.0] for m in range(1, 13) for g in range(groups)]
    return data([MONTH, CODE, DELAY], rows, times=("m",), categories=("code",), measures=("delay",))


def by_two(groups: int, **options: Any) -> ChartData:
    rows = [[f"n{n}", f"g{g}", 1.0] for n in range(12) for g in range(groups)]
    roles = {"categories": ("name", "code"), "measures": ("delay",)}
    return data([NAME, CODE, DELAY], rows, **roles, **options)


def test_a_second_group_splits_into_series_while_they_can_be_told_apart() -> None:
    assert choose(by_month_and(3)).series == "code"
    assert choose(by_month_and(3)).kind is ChartKind.LINE
    assert choose(by_month_and(9)).kind is ChartKind.TABLE
    assert choose(by_two(3)).kind is ChartKind.COLUMN
    assert (choose(by_two(3)).x, choose(by_two(3)).series) == ("name", "code")
    assert choose(by_two(9)).kind is ChartKind.TABLE
    assert choose(by_two(3, is_ranked=True)).kind is ChartKind.TABLE
    assert choose(by_two(3, row_count=9_000)).kind is ChartKind.TABLE


def test_three_groups_are_a_table() -> None:
    roles = {"categories": ("name", "code", "hour"), "measures": ("delay",)}
    shape = data([NAME, CODE, HOUR, DELAY], [["a", "b", 1, 2.0]], **roles)
    assert choose(shape).kind is ChartKind.TABLE


def test_measures_share_an_axis_only_with_the_same_unit() -> None:
    rows = [[f"v{i}", 1.0, 2] for i in range(4)]
    roles = {"categories": ("name",), "measures": ("delay", "count")}
    spec = choose(data([NAME, DELAY, COUNT], rows, **roles))
    assert spec.y == ("delay",)
    assert spec.unit == "min"
    assert spec.title == "Average delay by carrier"


def test_a_given_title_stays() -> None:
    assert choose(data([NAME, DELAY], several(3), **BY_NAME), title="Delays").title == "Delays"


def test_what_fits() -> None:
    ranking = data([NAME, DELAY], several(3), **BY_NAME)
    assert fits(ChartKind.TABLE, ranking)
    assert fits(ChartKind.LINE, ranking)
    assert not fits(ChartKind.NUMBER, ranking)
    assert not fits(ChartKind.BAR, data([COUNT], [[1]], measures=("count",)))
    assert not fits(ChartKind.BAR, data([NAME], [["a"]], categories=("name",)))


def test_roles_of_plain_sql_are_guessed_from_types() -> None:
    assert guess_roles([NAME, MONTH, DELAY]) == (("m",), ("name",), ("delay",))
    assert guess_roles([HOUR, COUNT]) == ((), ("hour",), ("count",))
    assert guess_roles([COUNT]) == ((), (), ("count",))
