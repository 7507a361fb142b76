"""Sorting and filtering of stored rows, compared with doing it in Python."""

from __future__ import annotations

from dataclasses import replace
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


# --- large results --------------------------------------------------------------------------------

SIZE = 60_000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[ResultStore, Result]:
    table = pa.table(
        {
            "id": range(SIZE),
            "key": [number * 7919 % SIZE for number in range(SIZE)],
            "name": [f"n{number % 13}" for number in range(SIZE)],
        }
    )
    return store(tmp_path_factory.mktemp("large"), table, limit=10**6)


@pytest.mark.parametrize("offset", [0, 8_191, 16_383, 16_384, 30_000, SIZE - 5, SIZE])
def test_pages_begin_and_end_anywhere(large: tuple[ResultStore, Result], offset: int) -> None:
    found = ids(large, offset=offset, limit=10_000)
    assert found == list(range(offset, min(offset + 10_000, SIZE)))


def test_a_page_reads_the_batches_that_it_needs(
    large: tuple[ResultStore, Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = large[0].select(large[1]).table
    asked: list[int] = []

    class Counting:
        schema = table._reader.schema
        num_record_batches = table._reader.num_record_batches
        reader = table._reader

        def get_batch(self, number: int) -> pa.RecordBatch:
            asked.append(number)
            return self.reader.get_batch(number)

    monkeypatch.setattr(table, "_reader", Counting())
    assert table.slice(17_000, 100).column("id").to_pylist() == list(range(17_000, 17_100))
    assert asked == [1]


def test_sorted_pages_of_a_large_result_follow_each_other(
    large: tuple[ResultStore, Result],
) -> None:
    sort = [Order(member="key", descending=True)]
    keys = [
        row[1]
        for offset in range(0, SIZE, 10_000)
        for row in large[0].page(large[1], offset=offset, limit=10_000, sort=sort).rows
    ]
    assert keys == list(range(SIZE - 1, -1, -1))


def test_filtered_rows_keep_their_order(large: tuple[ResultStore, Result]) -> None:
    found = ids(large, limit=10_000, **where("name", FilterOperator.EQUALS, "n3"))
    assert found == [number for number in range(SIZE) if number % 13 == 3]


def test_windows_are_the_whole_in_order(large: tuple[ResultStore, Result]) -> None:
    results, result = large
    sort = [Order(member="key")]
    selected = replace(results.select(result, sort), row_bytes=5_000)  # several windows
    keys = [
        key for part in selected.windows(0, 10**9, 3_000) for key in part.column("key").to_pylist()
    ]
    assert keys == list(range(SIZE))
    plain = results.select(result)
    parts = [part.num_rows for part in plain.windows(100, 25_000, 10_000)]
    assert parts == [10_000, 10_000, 5_000]


def test_positions_are_computed_once(
    large: tuple[ResultStore, Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    results = large[0]
    sort = [Order(member="name"), Order(member="id")]
    first = ids(large, sort=sort, limit=10)
    monkeypatch.setattr(results._selector, "_select", lambda *_: pytest.fail("asked again"))
    assert ids(large, sort=sort, limit=10) == first
    assert ids(large, sort=sort, limit=10, offset=5)[:5] == first[5:]


def test_kept_positions_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiser_app.query.results.selection._KEPT_BYTES", 100)
    stored = store(tmp_path, TABLE)
    for number in range(10):
        ids(stored, **where("id", FilterOperator.GTE, str(-number)))
    kept = stored[0]._selector._kept
    assert 0 < sum(positions.nbytes for positions in kept.values()) <= 100


def test_rewritten_rows_are_sorted_anew(tmp_path: Path) -> None:
    sort = [Order(member="id", descending=True)]
    assert ids(store(tmp_path, TABLE), sort=sort)[0] == 6
    again = store(tmp_path, TABLE.slice(0, 3))
    assert ids(again, sort=sort) == [3, 2, 1]


def test_a_forked_process_opens_its_own_database(
    stored: tuple[ResultStore, Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    sort = [Order(member="id", descending=True)]
    assert ids(stored, sort=sort)[0] == 6
    before = stored[0]._selector._connection
    monkeypatch.setattr("aiser_app.query.results.selection.os.getpid", lambda: -1)
    assert ids(stored, sort=sort, **where("id", FilterOperator.LT, "6"))[0] == 5
    assert stored[0]._selector._connection is not before


def test_hostile_names_of_columns_are_only_names(tmp_path: Path) -> None:
    names = ['"; DROP TABLE result; --', "row", "k0", "__aiser_rows", "a\x00b", "ü'"]
    table = pa.table([pa.array([2, 1])] * len(names), names=names)
    results, result = store(tmp_path, table)
    for column in result.columns:
        page = results.page(result, sort=[Order(member=column.name)])
        assert page.rows[0][0] == 1
        item = Filter(member=column.name, operator=FilterOperator.EQUALS, values=("2",))
        assert results.page(result, filters=[item]).row_count == 1
    assert [column.name for column in result.columns][3] == "__aiser_rows_2"
