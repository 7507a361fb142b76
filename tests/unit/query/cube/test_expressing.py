"""What is sent to Cube for a semantic query, and which ones are not."""

from __future__ import annotations

from typing import Any

import pytest

from aiser_app.domain.result import Column
from aiser_app.domain.semantic_query import (
    ColumnTerm,
    DimensionRef,
    Existence,
    Field,
    Filter,
    FilterGroup,
    FilterOperator,
    Granularity,
    MeasureTerm,
    Metric,
    Order,
    SemanticQuery,
    TimeDimension,
    TimePart,
)
from aiser_app.query.cube.expressing import LoadPlan, express
from aiser_app.query.cube.failures import CubeNotUsed
from tests.unit.query.cube.desk import MODEL

COUNT = ("items.count",)
KIND = (DimensionRef(member="items.kind"),)
O = FilterOperator  # noqa: E741
MONTH = TimeDimension(dimension="items.sold_at", granularity=Granularity.MONTH)


def expressed(row_limit: int = 100, **parts: Any) -> LoadPlan:
    return express(SemanticQuery(**parts), MODEL, row_limit=row_limit)


def sent(**parts: Any) -> dict[str, Any]:
    return dict(expressed(**parts).query)


def filtered(operator: FilterOperator, *values: str, member: str = "items.sold_at") -> Any:
    item = Filter(member=member, operator=operator, values=values)
    return sent(measures=COUNT, filters=(item,))["filters"][0]


def test_everything_that_cube_knows() -> None:
    found = sent(
        measures=("items.count", "items.revenue", "items.count"),
        dimensions=(*KIND, *KIND),
        time_dimensions=(
            TimeDimension(
                dimension="items.sold_at",
                granularity=Granularity.WEEK,
                date_range=("2024-01-01", "2024-01-31"),
            ),
        ),
        filters=(
            FilterGroup(
                is_any=True,
                conditions=(
                    Filter(member="items.kind", operator=O.SET),
                    FilterGroup(
                        conditions=(
                            Filter(member="items.paid", operator=O.EQUALS, values=("Yes",)),
                            Filter(member="items.price", operator=O.GT, values=("1",)),
                        )
                    ),
                ),
            ),
        ),
        segments=("items.good",),
        order=(Order(member="items.revenue", descending=True), Order(member="items.sold_at")),
        limit=7,
        time_zone="Europe/Berlin",
    )
    assert found == {
        "measures": ["items.count", "items.revenue"],
        "dimensions": ["items.kind"],
        "timeDimensions": [
            {
                "dimension": "items.sold_at",
                "granularity": "week",
                "dateRange": ["2024-01-01", "2024-01-31"],
            }
        ],
        "filters": [
            {
                "or": [
                    {"member": "items.kind", "operator": "set"},
                    {
                        "and": [
                            {"member": "items.paid", "operator": "equals", "values": ["true"]},
                            {"member": "items.price", "operator": "gt", "values": ["1"]},
                        ]
                    },
                ]
            }
        ],
        "segments": ["items.good"],
        "order": [["items.revenue", "desc"], ["items.sold_at", "asc"], ["items.kind", "asc"]],
        "limit": 7,
        "timezone": "Europe/Berlin",
    }


def test_compared_ranges_come_first() -> None:
    ranges = (("2024-01-01", "2024-01-31"), ("2023-01-01", "2023-01-31"))
    compared = TimeDimension(dimension="items.sold_at", compare_date_ranges=ranges)
    plan = expressed(measures=COUNT, time_dimensions=(compared,))
    assert plan.query["timeDimensions"] == [
        {"dimension": "items.sold_at", "compareDateRange": [list(days) for days in ranges[::-1]]}
    ]
    assert plan.ranges == ranges[::-1]
    assert expressed(measures=COUNT, dimensions=KIND, time_dimensions=(compared,)).query[
        "order"
    ] == [["items.kind", "asc"]]
    for more in ({"limit": 5}, {"order": (Order(member="items.count"),)}):
        with pytest.raises(CubeNotUsed, match="compared periods"):
            expressed(measures=COUNT, time_dimensions=(compared,), **more)
    assert [item.column.name for item in plan.columns] == ["period", "count"]
    shown = (Column(name="range", type="string"), Column(name="n", type="integer"))
    query = SemanticQuery(measures=COUNT, time_dimensions=(compared,))
    named = express(query, MODEL, row_limit=10, columns=shown, members=("", "items.count"))
    assert [item.column.name for item in named.columns] == ["range", "n"]


def test_the_usual_order() -> None:
    assert sent(measures=COUNT, dimensions=KIND, time_dimensions=(MONTH,))["order"] == [
        ["items.sold_at", "asc"],
        ["items.kind", "asc"],
    ]
    assert sent(measures=COUNT, dimensions=KIND)["order"] == [
        ["items.count", "desc"],
        ["items.kind", "asc"],
    ]
    assert sent(measures=COUNT)["order"] == []
    assert sent(dimensions=KIND)["order"] == [["items.kind", "asc"]]


def test_limits() -> None:
    assert expressed(row_limit=10, measures=COUNT, dimensions=KIND).asked_rows == 11
    assert expressed(row_limit=10, measures=COUNT, dimensions=KIND, limit_by=()).is_cut is False
    assert expressed(row_limit=99_999, measures=COUNT).asked_rows == 50_000
    query = SemanticQuery(measures=COUNT, limit=20)
    assert express(query, MODEL, row_limit=20).is_cut
    assert not express(query, MODEL, row_limit=19).is_cut


def test_columns_are_named_as_the_compiler_names_them() -> None:
    plan = expressed(
        measures=("items.revenue",),
        dimensions=(*KIND, DimensionRef(member="shops.kind")),
        time_dimensions=(MONTH,),
    )
    assert [(i.key, i.column.name, i.column.type, i.column.unit) for i in plan.columns] == [
        ("items.sold_at.month", "sold_at_month", "date", ""),
        ("items.kind", "items_kind", "string", ""),
        ("shops.kind", "shops_kind", "string", ""),
        ("items.revenue", "revenue", "number", "EUR"),
    ]
    hour = TimeDimension(dimension="items.sold_at", granularity=Granularity.HOUR)
    assert expressed(time_dimensions=(hour,)).columns[0].column.type == "timestamp"


def test_columns_that_do_not_match_are_not_guessed() -> None:
    query = SemanticQuery(measures=COUNT, dimensions=KIND)
    one = (Column(name="a", type="string"),)
    for columns, members in [(one, ("items.kind",)), (one * 2, ("items.kind", "items.kind"))]:
        with pytest.raises(CubeNotUsed, match="all columns"):
            express(query, MODEL, row_limit=10, columns=columns, members=members)


@pytest.mark.parametrize(
    ("operator", "sent_as", "day"),
    [
        (O.GT, "afterOrOnDate", "2024-03-01"),
        (O.AFTER_DATE, "afterOrOnDate", "2024-03-01"),
        (O.GTE, "afterOrOnDate", "2024-02-29"),
        (O.AFTER_OR_ON_DATE, "afterOrOnDate", "2024-02-29"),
        (O.LT, "beforeDate", "2024-02-29"),
        (O.BEFORE_DATE, "beforeDate", "2024-02-29"),
        (O.LTE, "beforeDate", "2024-03-01"),
        (O.BEFORE_OR_ON_DATE, "beforeDate", "2024-03-01"),
    ],
)
def test_days_are_spans(operator: FilterOperator, sent_as: str, day: str) -> None:
    assert filtered(operator, "2024-02-29") == {
        "member": "items.sold_at",
        "operator": sent_as,
        "values": [day],
    }


def test_ranges_and_single_days() -> None:
    days = ["2024-01-01", "2024-01-31"]
    assert filtered(O.IN_DATE_RANGE, *days)["values"] == days
    assert filtered(O.EQUALS, "2024-01-01")["values"] == ["2024-01-01", "2024-01-01"]
    assert [part["operator"] for part in filtered(O.EQUALS, *days)["or"]] == ["inDateRange"] * 2


@pytest.mark.parametrize(
    "parts",
    [
        {"metrics": (Metric(name="m", expression=MeasureTerm(measure="items.count")),)},
        {"fields": (Field(name="f", row=ColumnTerm(member="items.kind")),)},
        {"is_ungrouped": True},
        {"limit_by": KIND},
        {"with_ties": True},
        {"keep_empty": True},
        {"limit": 0},
        {"limit": 60_000},
        {"dimensions": (DimensionRef(member="items.kind", role="origin"),)},
        {"dimensions": (DimensionRef(member="items.nothing"),)},
        {"measures": ("items.nothing",)},
        {"measures": ()},
        {"order": (Order(member="items.price"),)},
        {"time_dimensions": (MONTH, MONTH)},
        {"time_dimensions": (TimeDimension(dimension="items.nothing"),)},
        {"time_dimensions": (TimeDimension(dimension="items.sold_at", part=TimePart.WEEKDAY),)},
        {"time_dimensions": (TimeDimension(dimension="items.sold_at", role="x"),)},
        {"time_dimensions": (TimeDimension(dimension="items.sold_at", fill_gaps=True),)},
        {
            "time_dimensions": (
                TimeDimension(dimension="items.sold_at", granularity=Granularity.WEEK),
            ),
            "week_start": 7,
        },
        {
            "time_dimensions": tuple(
                TimeDimension(dimension=name, compare_date_ranges=(("2024-01-01", "2024-01-02"),))
                for name in ("items.sold_at", "items.kind")
            )
        },
    ],
)
def test_forms_without_words(parts: dict[str, Any]) -> None:
    with pytest.raises(CubeNotUsed) as caught:
        expressed(row_limit=100_000, **{"measures": COUNT, **parts})
    assert caught.value.message.endswith(".")
    assert not caught.value.is_failure


@pytest.mark.parametrize(
    "condition",
    [
        Existence(cube="shops"),
        FilterGroup(is_negated=True, conditions=()),
        Filter(member="items.kind", operator=O.EQUALS),
        Filter(member="items.kind", operator=O.EQUALS, values=("a",), role="x"),
        Filter(member="items.kind", operator=O.EQUALS, other="items.size"),
        Filter(member="items.sold_at", operator=O.EQUALS, values=("1",), part=TimePart.WEEKDAY),
        Filter(member="items.nothing", operator=O.SET),
        Filter(member="items.kind", operator=O.CONTAINS, values=("100%",)),
        Filter(member="items.kind", operator=O.STARTS_WITH, values=("a_b",)),
        Filter(member="items.paid", operator=O.EQUALS, values=("perhaps",)),
        Filter(member="items.price", operator=O.GT, values=("1", "2")),
        Filter(member="items.sold_at", operator=O.GT, values=("2024-01-01T10:00",)),
        Filter(member="items.sold_at", operator=O.GT, values=("2024-01-01", "2024-01-02")),
        Filter(member="items.sold_at", operator=O.GT, values=("9999-12-31",)),
        Filter(member="items.sold_at", operator=O.NOT_EQUALS, values=("2024-01-01",)),
        Filter(member="items.sold_at", operator=O.NOT_IN_DATE_RANGE, values=("2024-01-01",) * 2),
    ],
)
def test_conditions_without_words(condition: Any) -> None:
    with pytest.raises(CubeNotUsed):
        expressed(measures=COUNT, filters=(condition,))


def test_conditions_on_measures() -> None:
    assert filtered(O.GTE, "5", member="items.count")["values"] == ["5"]
