"""ECharts options: plain JSON, nothing left out in silence, nothing from the data that can act."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aiser_app.charts.choose import choose
from aiser_app.charts.data import MAX_POINTS, ChartData
from aiser_app.charts.option import MAX_CATEGORIES, build_option, number, time_label
from aiser_app.domain.chart import ChartKind, ChartSpec
from aiser_app.domain.result import Column

NAME = Column(name="name", type="string", title="Carrier")
MONTH = Column(name="m", type="date", title="Month")
CODE = Column(name="code", type="string", title="Origin")
DELAY = Column(name="delay", type="number", title="Average delay", unit="min")


def ranking(count: int, row_count: int | None = None) -> ChartData:
    return ChartData(
        columns=(NAME, DELAY),
        rows=[[f"carrier {i}", 20.0 - i] for i in range(count)],
        row_count=row_count or count,
        categories=("name",),
        measures=("delay",),
        is_ranked=True,
    )


def series_of(rows: list[list[Any]], granularity: str = "month") -> ChartData:
    return ChartData(
        columns=(MONTH, CODE, DELAY),
        rows=rows,
        row_count=len(rows),
        times=("m",),
        categories=("code",),
        measures=("delay",),
        granularity=granularity,
    )


def built(data: ChartData) -> dict[str, Any]:
    option, notes = build_option(choose(data), data)
    assert notes == ()
    return option


def test_a_ranking_reads_from_the_top() -> None:
    option = built(ranking(5))
    axis, series = option["yAxis"][0], option["series"][0]
    assert axis["type"] == "category"
    assert axis["data"][-1] == "carrier 0"
    assert series["data"] == [16.0, 17.0, 18.0, 19.0, 20.0]
    assert series["leader"] == "last"
    assert series["label"]["show"]
    assert option["xAxis"][0]["name"] == "Average delay, min"
    assert option["xAxis"][0]["scale"] is False
    assert "legend" not in option


def test_values_stand_on_up_to_twelve_bars() -> None:
    assert "label" in built(ranking(12))["series"][0]
    assert "label" not in built(ranking(13))["series"][0]


def test_more_than_fifty_bars_are_cut_and_said() -> None:
    option, notes = build_option(choose(ranking(60, 90)), ranking(60, 90))
    assert len(option["yAxis"][0]["data"]) == MAX_CATEGORIES
    assert option["yAxis"][0]["data"][-1] == "carrier 0"
    assert notes == ("The chart shows the first 50 of 90; the table has them all.",)


def test_a_split_series_leaves_holes_where_there_is_no_value() -> None:
    rows = [
        ["2013-01-01", "EWR", 1.0],
        ["2013-01-01", "JFK", 2.0],
        ["2013-02-01", "EWR", 3.0],
        ["2013-03-01", "JFK", 4.0],
    ]
    option = built(series_of(rows))
    assert option["xAxis"][0]["data"] == ["Jan 2013", "Feb 2013", "Mar 2013"]
    assert [s["data"] for s in option["series"]] == [[1.0, 3.0, None], [2.0, None, 4.0]]
    assert option["legend"]["data"] == ["EWR", "JFK"]
    assert option["xAxis"][0]["boundaryGap"] is False
    assert option["series"][0]["connectNulls"] is False
    assert option["yAxis"][0]["scale"] is True


def test_no_more_points_than_a_browser_should_get() -> None:
    rows = [[f"day {i}", g, 1.0] for i in range(1500) for g in ("a", "b")]
    data = series_of(rows, "day")
    option, notes = build_option(choose(data), data)
    assert sum(len(s["data"]) for s in option["series"]) <= MAX_POINTS
    assert len(notes) == 1


def test_options_are_json_and_texts_stay_data() -> None:
    nasty = "<img src=x onerror=alert(1)>{c}"
    data = ChartData(
        columns=(NAME, DELAY),
        rows=[[nasty, 2.0], [None, float("nan")], ["c", "12.50"]],
        row_count=3,
        categories=("name",),
        measures=("delay",),
        is_ranked=True,
    )
    option = built(data)
    assert json.loads(json.dumps(option, allow_nan=False)) == option
    assert "formatter" not in json.dumps(option)
    assert option["yAxis"][0]["data"] == ["c", "empty", nasty]
    assert option["series"][0]["data"] == [12.5, None, 2.0]


def test_it_can_be_heard() -> None:
    aria = built(ranking(3))["aria"]
    assert aria["enabled"] is True
    assert aria["label"]["description"] == (
        "Average delay by carrier. 3 values in 1 series. "
        "Highest carrier 0: 20 min. Lowest carrier 2: 18 min."
    )
    empty = ChartData(
        columns=(NAME, DELAY),
        rows=[["a", None], ["b", None]],
        row_count=2,
        categories=("name",),
        measures=("delay",),
    )
    assert "No values" in built(empty)["aria"]["label"]["description"]


@pytest.mark.parametrize("kind", [ChartKind.NUMBER, ChartKind.TABLE])
def test_numbers_and_tables_need_no_option(kind: ChartKind) -> None:
    assert build_option(ChartSpec(kind=kind, title=""), ranking(1)) == ({}, ())


@pytest.mark.parametrize(
    ("value", "grain", "label"),
    [
        ("2013-01-01T00:00:00", "year", "2013"),
        ("2013-05-01", "quarter", "2013 Q2"),
        ("2013-05-01", "month", "May 2013"),
        ("2013-05-06", "week", "2013-05-06"),
        ("2013-05-06T07:00:00", "hour", "2013-05-06 07:00"),
        ("2013-05-06T07:00:00", "", "2013-05-06 07:00:00"),
        ("not a date", "month", "not a date"),
    ],
)
def test_time_labels(value: str, grain: str, label: str) -> None:
    assert time_label(value, grain) == label


@pytest.mark.parametrize(
    ("value", "expected"),
    [(3, 3), (2.5, 2.5), ("7.25", 7.25), (None, None), (True, None), ("x", None), ("NaN", None)],
)
def test_numbers(value: object, expected: float | None) -> None:
    assert number(value) == expected
