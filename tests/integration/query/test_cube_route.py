"""A real Cube as a route: the same rows as our compiler, its own model and rules, its failures.

Without Cube's compiled addon its planner and the last step of its answers are older ones in
JavaScript; see tests/cube/without-addon.js.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.connection import ConnectionStep
from aiser_app.domain.policy import ColumnMask, MaskKind, Policies, RowPolicy
from aiser_app.domain.semantic_query import (
    DimensionRef,
    Filter,
    FilterGroup,
    FilterOperator,
    Granularity,
    Order,
    SemanticQuery,
    TimeDimension,
)
from aiser_app.errors import QueryCancelled, QueryDenied, QueryTimedOut
from tests.fixtures.cube import RunningCube
from tests.integration.query.cubes import CubeGate, an_actor, open_gate, read_model

pytestmark = pytest.mark.integration

KIND = DimensionRef(member="items.kind")
CITY = DimensionRef(member="shops.city")
COUNT, REVENUE = "items.count", "items.revenue"
YEAR = ("2024-01-01", "2024-12-31")


@pytest.fixture(scope="module")
def gate(real_cube: RunningCube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CubeGate]:
    made = open_gate(real_cube, Path(tmp_path_factory.mktemp("cube")))
    yield made
    made.engine.close()


def asked(*measures: str, by: tuple[DimensionRef, ...] = (), **parts: Any) -> SemanticQuery:
    return SemanticQuery(measures=measures, dimensions=by, **parts)


def sold(granularity: Granularity | None = None, days: tuple[str, str] | None = None) -> Any:
    time_dimension = TimeDimension(
        dimension="items.sold_at", granularity=granularity, date_range=days
    )
    return {"time_dimensions": (time_dimension,)}


def where(member: str, operator: FilterOperator, *values: str) -> dict[str, Any]:
    return {"filters": (Filter(member=member, operator=operator, values=values),)}


def compared() -> dict[str, Any]:
    days = (("2024-02-01", "2024-02-29"), ("2024-01-01", "2024-01-31"))
    return {
        "time_dimensions": (TimeDimension(dimension="items.sold_at", compare_date_ranges=days),)
    }


def either(*conditions: Filter) -> dict[str, Any]:
    return {"filters": (FilterGroup(conditions=conditions, is_any=True),)}


O = FilterOperator  # noqa: E741
PAID = Filter(member="items.paid", operator=O.EQUALS, values=("yes",))
SAME = [
    asked(COUNT),
    asked(
        COUNT, REVENUE, "items.biggest", "items.mean_price", "items.shops_with_items", by=(KIND,)
    ),
    asked(COUNT, REVENUE, by=(CITY, KIND)),
    asked(COUNT, by=(DimensionRef(member="items.paid"),)),
    asked(REVENUE, by=(KIND,), order=(Order(member="items.kind", descending=True),)),
    asked(COUNT, by=(CITY,), order=(Order(member=COUNT), Order(member="shops.city")), limit=3),
    asked(by=(DimensionRef(member="items.id"), DimensionRef(member="items.price")), limit=50),
    asked(by=(DimensionRef(member="items.grams"), DimensionRef(member="items.sold_on")), limit=50),
    asked("items.weight", by=(DimensionRef(member="items.paid"),)),
    asked(by=(DimensionRef(member="items.id"), DimensionRef(member="items.sold_at")), limit=50),
    *(asked(COUNT, **sold(span)) for span in Granularity if span is not Granularity.HOUR),
    asked(COUNT, limit=30, **sold(Granularity.HOUR)),
    asked(REVENUE, by=(CITY,), **sold(Granularity.MONTH, YEAR)),
    asked(COUNT, **sold(None, ("2024-02-29", "2024-02-29"))),
    asked(COUNT, **where("items.kind", O.EQUALS, "tea")),
    asked(COUNT, **where("items.kind", O.EQUALS, "tea", "Coffee")),
    asked(COUNT, **where("items.kind", O.NOT_EQUALS, "tea")),
    asked(COUNT, **where("items.kind", O.NOT_EQUALS, "tea", "Coffee")),
    asked(COUNT, **where("items.kind", O.SET)),
    asked(COUNT, **where("items.kind", O.NOT_SET)),
    asked(COUNT, **where("items.kind", O.CONTAINS, "COFF", "ea")),
    asked(COUNT, **where("items.kind", O.CONTAINS, "100%")),
    asked(COUNT, **where("shops.city", O.EQUALS, "O'Hare")),
    asked(COUNT, **where("shops.city", O.CONTAINS, "kÖ")),
    asked(COUNT, **where("items.paid", O.EQUALS, "true")),
    asked(COUNT, **where("items.price", O.GTE, "100.5")),
    asked(COUNT, **where("items.big", O.LT, "9007199254741000")),
    asked(COUNT, **where("items.sold_at", O.GT, "2024-02-29")),
    asked(COUNT, **where("items.sold_at", O.GTE, "2024-02-29")),
    asked(COUNT, **where("items.sold_at", O.LT, "2024-02-29")),
    asked(COUNT, **where("items.sold_at", O.LTE, "2024-02-29")),
    asked(COUNT, **where("items.sold_at", O.EQUALS, "2024-02-29", "2024-03-05")),
    asked(COUNT, by=(KIND,), **where(REVENUE, O.GT, "49400")),
    asked(COUNT, by=(KIND,), segments=("items.sold_well",)),
    asked("pairs.count"),
    asked(COUNT, **compared()),
    asked(COUNT, REVENUE, by=(KIND,), **compared()),
    asked(
        COUNT,
        **either(PAID, Filter(member="shops.city", operator=O.CONTAINS, values=("KÖ", "o'h"))),
    ),
    *(
        asked(COUNT, **where("items.kind", operator, "co", "te"))
        for operator in (
            O.CONTAINS,
            O.NOT_CONTAINS,
            O.STARTS_WITH,
            O.NOT_STARTS_WITH,
            O.ENDS_WITH,
            O.NOT_ENDS_WITH,
        )
    ),
    *(
        asked(COUNT, **where("items.sold_at", operator, "2024-02-29"))
        for operator in (
            O.BEFORE_DATE,
            O.AFTER_DATE,
            O.BEFORE_OR_ON_DATE,
            O.AFTER_OR_ON_DATE,
        )
    ),
    asked(COUNT, **where("items.sold_at", O.IN_DATE_RANGE, "2024-02-01", "2024-02-29")),
    asked(COUNT, time_zone="Asia/Tokyo", **sold(Granularity.DAY, ("2024-01-01", "2024-01-05"))),
    asked(COUNT, time_zone="America/New_York", **sold(Granularity.MONTH)),
    asked("shops.count", COUNT, by=(CITY,)),
    asked("shops.count", by=(KIND,)),
]


@pytest.mark.parametrize("query", SAME)
def test_cube_gives_the_rows_of_the_compiler(gate: CubeGate, query: SemanticQuery) -> None:
    by_cube, direct = gate.ask(query), gate.ask(query, source=gate.bare)
    assert direct.route == "direct"
    assert by_cube.route == ("direct" if "100%" in repr(query) else "cube")
    assert [column.name for column in by_cube.columns] == [column.name for column in direct.columns]
    assert [column.title for column in by_cube.columns] == [c.title for c in direct.columns]
    assert gate.rows(by_cube) == gate.rows(direct)
    assert [column.type for column in by_cube.columns] == [column.type for column in direct.columns]
    assert gate.rows(direct)
    assert by_cube.notes == ()


def test_numbers_stay_exact(gate: CubeGate) -> None:
    by = tuple(DimensionRef(member=f"items.{name}") for name in ("id", "big", "price"))
    result = gate.ask(asked(by=by, limit=1))
    assert gate.rows(result) == [
        {"id": 1, "big": 9007199254740994, "price": Decimal("0.1234567891")}
    ]
    assert [column.type for column in result.columns] == ["integer", "integer", "decimal"]


def test_the_model_is_cubes_own(gate: CubeGate) -> None:
    cubes = {cube.name: cube for cube in gate.model.cubes}
    assert set(cubes) == {"items", "shops", "pairs", "payroll"}
    items, shops = cubes["items"], cubes["shops"]
    assert (items.table, shops.table, cubes["pairs"].table) == ("items", "shops", "")
    assert [(join.target, join.columns) for join in items.joins] == [
        ("shops", (("shop_id", "id"),))
    ]
    assert (shops.synonyms, shops.description) == (("stores",), "Where items are sold.")
    assert shops.find_dimension("city").values == ("Köln", "O'Hare", "Porto")
    assert items.find_measure("revenue").unit == "EUR"
    assert items.default_time_dimension == "sold_at"
    assert gate.found.only_in_cube == ("items.size", "items.running")
    assert gate.found.left_out == ("sales",)  # says nothing that its cubes do not say


def test_what_is_hidden_is_left_out(gate: CubeGate) -> None:
    found = read_model(gate.access, gate.source, gate.catalog, hidden=("payroll",))
    assert {cube.name for cube in found.model.cubes} == {"items", "shops", "pairs"}


def test_what_only_cube_can_compute(gate: CubeGate) -> None:
    size = DimensionRef(member="items.size")
    result = gate.ask(asked("items.running", by=(size,)))
    assert result.route == "cube"
    assert [row["size"] for row in gate.rows(result)] == ["large", "small"]


def test_segments(gate: CubeGate) -> None:
    [row] = gate.rows(gate.ask(asked(COUNT, segments=("items.sold_well",))))
    [same] = gate.rows(gate.ask(asked(COUNT, **where("items.price", O.GT, "50"))))
    assert row == same


def test_compared_periods(gate: CubeGate) -> None:
    ranges = (("2024-02-01", "2024-02-29"), ("2024-01-01", "2024-01-31"))
    compared = TimeDimension(dimension="items.sold_at", compare_date_ranges=ranges)
    result = gate.ask(asked("items.count", "items.running", time_dimensions=(compared,)))
    assert result.route == "cube"
    found = {row["period"]: row["count"] for row in gate.rows(result)}
    for first, last in ranges:
        [row] = gate.rows(gate.ask(asked(COUNT, **sold(None, (first, last)))))
        assert found[f"{first}/{last}"] == row["count"]


def test_time_zones(gate: CubeGate) -> None:
    day = sold(Granularity.DAY, ("2024-01-01", "2024-01-02"))
    plain = gate.rows(gate.ask(asked(COUNT, **day)))
    moved = gate.ask(asked(COUNT, time_zone="Asia/Tokyo", **day))
    assert moved.route == "cube"
    assert "Asia/Tokyo" in moved.sql
    assert len(gate.rows(moved)) == len(plain) == 2


def test_rules_of_cube_know_the_person(gate: CubeGate) -> None:
    """`queryRewrite` in tests/cube/cube.js filters by an attribute of the token."""
    result = gate.ask(asked(COUNT, by=(CITY,)), actor=an_actor(city="Porto"))
    assert [row["city"] for row in gate.rows(result)] == ["Porto"]
    assert "Porto" in result.sql


def test_policies_of_aiser_take_the_other_way(gate: CubeGate) -> None:
    rows = Policies(rows=(RowPolicy(name="tea only", table="items", condition="kind = 'tea'"),))
    result = gate.ask(asked(COUNT, by=(KIND,)), policies=rows)
    assert (result.route, result.policies) == ("direct", ("tea only",))
    assert gate.rows(result) == [{"kind": "tea", "count": 400}]
    assert "tea only" in result.why
    mask = ColumnMask(name="cities", table="shops", column="city", kind=MaskKind.NULL)
    masked = Policies(masks=(mask,))
    assert {
        row["city"] for row in gate.rows(gate.ask(asked(COUNT, by=(CITY,)), policies=masked))
    } == {None}
    assert gate.ask(asked(COUNT, by=(KIND,)), policies=masked).route == "cube"
    joined = asked(COUNT, **where("shops.city", O.EQUALS, "Porto"))
    assert gate.ask(joined, policies=masked).route == "direct"


def test_tables_that_are_hidden_from_whoever_asks(gate: CubeGate) -> None:
    with pytest.raises(QueryDenied):
        gate.ask(asked("payroll.total"), hidden=("payroll",))
    assert gate.journal.records[-1].route == ""


def test_a_query_that_takes_long(gate: CubeGate) -> None:
    """Cube may say to wait; how that is done is tested against a scripted server."""
    result = gate.ask(asked("pairs.count"))
    assert (result.route, gate.rows(result)) == ("cube", [{"count": 60_000_000}])


def test_a_query_that_takes_too_long(gate: CubeGate) -> None:
    long = asked("pairs.count", "pairs.count", time_zone="Asia/Tokyo", limit=7)
    with pytest.raises(QueryTimedOut):
        gate.ask(long, seconds=0.5)
    cancel = CancelToken()
    timer = threading.Timer(0.2, cancel.cancel)
    timer.start()
    started = time.monotonic()
    with pytest.raises(QueryCancelled):
        gate.ask(replace(long, limit=8), cancel=cancel)
    assert time.monotonic() - started < 20
    timer.join()


def test_what_cube_does_not_know_any_more(gate: CubeGate) -> None:
    """The model that a sync has read may be older than Cube's."""
    cube = gate.model.find_cube("shops")
    old = replace(cube.find_dimension("city"), name="town")
    model = replace(gate.model, cubes=(replace(cube, dimensions=(old,)),))
    aged = replace_model(gate, model)
    result = aged.ask(asked("shops.count", by=(DimensionRef(member="shops.town"),)))
    assert result.route == "direct"
    [note] = result.notes
    assert "Cube does not know “shops.town”" in note
    assert len(gate.rows(result)) == 4


def replace_model(gate: CubeGate, model: Any) -> CubeGate:
    return replace(gate, found=replace(gate.found, model=model))


def test_a_wrong_secret(gate: CubeGate, real_cube: RunningCube) -> None:
    options = gate.access.attached(gate.bare, real_cube.url, "another secret")
    wrong = replace(gate.source, options=options)
    result = gate.ask(asked(COUNT), source=wrong)
    assert (result.route, gate.rows(result)) == ("direct", [{"count": 2000}])
    assert "refuses Aiser's token" in result.notes[0]
    report = gate.access.test(wrong, an_actor())
    assert report.failed_step is not None
    assert report.failed_step.step is ConnectionStep.SIGN_IN


def test_a_test_of_the_connection(gate: CubeGate) -> None:
    report = gate.access.test(gate.source, an_actor())
    assert (report.is_ok, report.server_version) == (True, "Cube")


def test_a_cube_that_is_down(gate: CubeGate) -> None:
    options = {**gate.source.options, "cube_url": "http://127.0.0.1:9/cubejs-api/v1"}
    result = gate.ask(asked(COUNT), source=replace(gate.source, options=options))
    assert (result.route, gate.rows(result)) == ("direct", [{"count": 2000}])
    assert "Cube does not answer." in result.why
    assert result.notes
