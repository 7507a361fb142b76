"""Sorting and filtering of stored rows, compared with doing it in Python."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from aiser_app.domain.result import Result
from aiser_app.domain.semantic_query import Filter, FilterOperator, Order
from aiser_app.errors import InvalidInput
from aiser_app.query.results import ResultStore
from tests.unit.query.builders import store

TABLE = pa.table(
    {
        "id": pa.array([1, 2, 3, 4, 5, 6], pa.int64()),
        "name": ["Ada", "bob", None, "Zoë%", "a_b", "Ada"],
        "size": [1.5, None, 3.0, -2.0, 0.0, 3.0],
        "money": pa.array([Decimal("1.10"), None, Decimal("3.00"), Decimal("2.00")] + [None] * 2),
        "ok": [True, False, None, True, False, True],
        "day": [date(2024, 1, number) for number in range(1, 7)],
        "moment": pa.array(
            [datetime(2024, 1, number, 12, tzinfo=UTC) for number in range(1, 7)],
            pa.timestamp("us"),
        ),
        "tags": [["x"], ["y"], [], None, ["x", "z"], []],
    }
)


@pytest.fixture
def stored(tmp_path: Path) -> tuple[ResultStore, Result]:
    return store(tmp_path, TABLE)


def ids(stored: tuple[ResultStore, Result], **options: object) -> list[int]:
    results, result = stored
    page = results.page(result, **options)  # type: ignore[arg-type]
    return [row[0] for row in page.rows]


def where(member: str, operator: FilterOperator, *values: str) -> dict[str, list[Filter]]:
    return {"filters": [Filter(member=member, operator=operator, values=values)]}


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ([Order(member="id", descending=True)], [6, 5, 4, 3, 2, 1]),
        ([Order(member="size")], [4, 5, 1, 3, 6, 2]),
        ([Order(member="size", descending=True)], [3, 6, 1, 5, 4, 2]),
        ([Order(member="name"), Order(member="id", descending=True)], [6, 1, 4, 5, 2, 3]),
        ([Order(member="ok")], [2, 5, 1, 4, 6, 3]),
    ],
)
def test_sorting_puts_missing_values_last_and_keeps_the_order_of_equals(
    stored: tuple[ResultStore, Result], sort: list[Order], expected: list[int]
) -> None:
    assert ids(stored, sort=sort) == expected
    pages = [ids(stored, sort=sort, offset=offset, limit=2) for offset in (0, 2, 4)]
    assert [item for page in pages for item in page] == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (where("id", FilterOperator.EQUALS, "2", "4"), [2, 4]),
        (where("id", FilterOperator.NOT_EQUALS, "2"), [1, 3, 4, 5, 6]),
        (where("id", FilterOperator.GT, "4"), [5, 6]),
        (where("size", FilterOperator.GTE, "3"), [3, 6]),
        (where("size", FilterOperator.LT, "0"), [4]),
        (where("size", FilterOperator.LTE, "0"), [4, 5]),
        (where("size", FilterOperator.NOT_EQUALS, "3"), [1, 2, 4, 5]),
        (where("name", FilterOperator.EQUALS, "Ada"), [1, 6]),
        (where("name", FilterOperator.CONTAINS, "AD"), [1, 6]),
        (where("name", FilterOperator.CONTAINS, "%"), [4]),
        (where("name", FilterOperator.CONTAINS, "_", "zo"), [4, 5]),
        (where("name", FilterOperator.CONTAINS, "' OR 1=1 --"), []),
        (where("name", FilterOperator.SET), [1, 2, 4, 5, 6]),
        (where("name", FilterOperator.NOT_SET), [3]),
        (where("money", FilterOperator.EQUALS, "3"), [3]),
        (where("ok", FilterOperator.EQUALS, "True"), [1, 4, 6]),
        (where("day", FilterOperator.GTE, "2024-01-05"), [5, 6]),
        (where("moment", FilterOperator.LT, "2024-01-02"), [1]),
        (where("tags", FilterOperator.CONTAINS, "x"), [1, 5]),
        (where("tags", FilterOperator.EQUALS, "[y]"), [2]),
    ],
)
def test_filters(
    stored: tuple[ResultStore, Result], condition: dict[str, list[Filter]], expected: list[int]
) -> None:
    assert ids(stored, **condition) == expected
    assert stored[0].page(stored[1], limit=1, **condition).row_count == len(expected)


def test_filters_are_combined(stored: tuple[ResultStore, Result]) -> None:
    filters = [
        Filter(member="ok", operator=FilterOperator.EQUALS, values=("true",)),
        Filter(member="id", operator=FilterOperator.GT, values=("1",)),
    ]
    sort = [Order(member="id", descending=True)]
    assert ids(stored, filters=filters, sort=sort, limit=1) == [6]


@pytest.mark.parametrize(
    "condition",
    [
        where("nope", FilterOperator.SET),
        where('id" OR 1=1 --', FilterOperator.SET),
        where("id", FilterOperator.EQUALS),
        where("id", FilterOperator.GT, "1", "2"),
        where("id", FilterOperator.EQUALS, "1 OR 1=1"),
        where("size", FilterOperator.EQUALS, "much"),
        where("money", FilterOperator.EQUALS, "x"),
        where("ok", FilterOperator.EQUALS, "maybe"),
        where("day", FilterOperator.EQUALS, "yesterday"),
        where("moment", FilterOperator.EQUALS, "noon"),
    ],
)
def test_filters_that_make_no_sense_are_refused(
    stored: tuple[ResultStore, Result], condition: dict[str, list[Filter]]
) -> None:
    with pytest.raises(InvalidInput):
        ids(stored, **condition)


def test_unknown_columns_cannot_be_sorted_by(stored: tuple[ResultStore, Result]) -> None:
    for name in ("nope", "__aiser_row", "id; DROP TABLE result", "(SELECT 1)"):
        with pytest.raises(InvalidInput) as caught:
            ids(stored, sort=[Order(member=name)])
        assert "id, name, size" in (caught.value.hint or "")
