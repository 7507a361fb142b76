"""Questions on the sample, compiled from its inferred model and compared with plain SQL."""

from __future__ import annotations

from typing import Any

import pytest

from aiser_app.domain.actor import Claims
from aiser_app.domain.semantic_query import Granularity, Order, TimeDimension
from aiser_app.domain.verdict import Allowed
from aiser_app.errors import QueryInvalid
from aiser_app.query.guard import judge
from tests.unit.semantic.builders import Shop, by, where

MONTHLY = (TimeDimension(dimension="flights.time_hour", granularity=Granularity.MONTH),)
JUNE = (TimeDimension(dimension="flights.time_hour", date_range=("2013-06-01", "2013-06-30")),)

CASES: list[tuple[dict[str, Any], str]] = [
    (
        {"measures": ("flights.count",), "time_dimensions": MONTHLY},
        "SELECT make_date(year, month, 1), count(*) FROM flights GROUP BY 1 ORDER BY 1",
    ),
    (
        {
            "measures": ("flights.avg_arr_delay",),
            "dimensions": by("airlines.name"),
            "order": (Order(member="flights.avg_arr_delay", descending=True),),
            "limit": 1,
        },
        "SELECT name, avg(arr_delay) AS d FROM flights JOIN airlines USING (carrier) GROUP BY 1 "
        "ORDER BY d DESC LIMIT 1",
    ),
    (
        {"measures": ("flights.median_dep_delay", "flights.count"), "time_dimensions": JUNE},
        "SELECT median(dep_delay), count(*) FROM flights WHERE month = 6",
    ),
    (
        {
            "measures": ("flights.count",),
            "dimensions": by("dest>airports.name"),
            "limit": 5,
        },
        "SELECT a.name, count(*) AS n FROM flights LEFT JOIN airports a ON dest = faa GROUP BY 1 "
        "ORDER BY n DESC, 1 LIMIT 5",
    ),
    (
        {
            "measures": ("flights.avg_dep_delay",),
            "dimensions": by("planes.manufacturer"),
            "filters": (where("flights.count", "gt", "1000"),),
        },
        "SELECT manufacturer, avg(dep_delay) AS d FROM flights LEFT JOIN planes USING (tailnum) "
        "GROUP BY 1 HAVING count(*) > 1000 ORDER BY d DESC, 1",
    ),
    (
        {
            "measures": ("flights.avg_dep_delay",),
            "filters": (where("weather.visib", "lt", "1"),),
        },
        "SELECT avg(dep_delay) FROM flights JOIN weather USING (origin, time_hour) WHERE visib < 1",
    ),
    (
        {"measures": ("planes.avg_seats",), "dimensions": by("planes.manufacturer"), "limit": 3},
        "SELECT manufacturer, avg(seats) AS s FROM planes GROUP BY 1 ORDER BY s DESC, 1 LIMIT 3",
    ),
    (
        {
            "measures": ("flights.sum_distance",),
            "dimensions": by("flights.origin", "flights.month"),
        },
        "SELECT origin, month, sum(distance) AS s FROM flights GROUP BY 1, 2 ORDER BY s DESC, 1, 2",
    ),
]


@pytest.mark.parametrize(("parts", "sql"), CASES)
def test_same_rows_as_by_hand(sample: Shop, parts: dict[str, Any], sql: str) -> None:
    found, expected = sample.rows(**parts), sample.sql(sql)
    assert len(found) == len(expected) > 0
    for row, wanted in zip(found, expected, strict=True):
        assert row == pytest.approx(wanted) if _numeric(row) else _close(row, wanted)


def _numeric(row: tuple[Any, ...]) -> bool:
    return all(isinstance(value, int | float) for value in row)


def _close(row: tuple[Any, ...], wanted: tuple[Any, ...]) -> bool:
    return all(
        value == pytest.approx(other) if isinstance(value, float) else value == other
        for value, other in zip(row, wanted, strict=True)
    )


@pytest.mark.parametrize(("parts", "sql"), CASES)
def test_the_guard_lets_compiled_queries_through(
    sample: Shop, parts: dict[str, Any], sql: str
) -> None:
    compiled = sample.compile(**parts)
    verdict = judge(
        compiled.sql,
        dialect="duckdb",
        tables=tuple(cube.table for cube in sample.model.cubes),
        claims=Claims(organization_id="0" * 32),
        limit=1_000,
    )
    assert isinstance(verdict, Allowed)
    assert set(verdict.tables) == set(compiled.tables)


def test_weather_does_not_multiply_flights(sample: Shop) -> None:
    rows = sample.rows(measures=("flights.count",), dimensions=by("weather.wind_dir"))
    assert sum(row[-1] for row in rows) == 336_776


def test_inferred_joins_are_said(sample: Shop) -> None:
    compiled = sample.compile(measures=("flights.count",), dimensions=by("dest>airports.name"))
    assert compiled.notes == (
        "“Flights” joined to “Airports” by dest, inferred from the data.",
        "Several airports share one name; they are taken together.",
    )


def test_ways_that_are_not_clear_are_refused(sample: Shop) -> None:
    with pytest.raises(QueryInvalid) as caught:
        sample.compile(measures=("flights.count",), dimensions=by("airports.name"))
    assert "dest, origin" in caught.value.message


def test_planes_that_fly_for_several_airlines_count_once_for_each(sample: Shop) -> None:
    rows = sample.rows(measures=("planes.avg_seats",), dimensions=by("airlines.name"))
    wanted = dict(
        sample.sql(
            "SELECT name, avg(seats) FROM (SELECT DISTINCT a.name, p.tailnum, p.seats FROM planes p "
            "LEFT JOIN flights f USING (tailnum) LEFT JOIN airlines a USING (carrier)) GROUP BY 1"
        )
    )
    assert dict(rows) == pytest.approx(wanted)
