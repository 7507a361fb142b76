"""Python's rows, and Arrow of varying widths, in batches of one schema."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest

from aiser_app.query.engines.contract import TYPE_KEY
from aiser_app.query.engines.warehouses.arrow import BATCH_ROWS, JSON, fetched, unified


def source(*rows: tuple[Any, ...]) -> Any:
    left = list(rows)

    def fetch(size: int) -> list[tuple[Any, ...]]:
        nonlocal left
        found, left = left[:size], left[size:]
        return found

    return fetch


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        (7, pa.int64(), 7),
        (1.5, pa.float64(), 1.5),
        (True, pa.bool_(), True),
        (Decimal("1.50"), pa.decimal128(38, 2), Decimal("1.50")),
        (Decimal("1E+3"), pa.decimal128(38, 0), Decimal(1000)),
        ("x", pa.string(), "x"),
        (b"\x00\xff", pa.binary(), b"\x00\xff"),
        (date(2024, 1, 2), pa.date32(), date(2024, 1, 2)),
        (datetime(2024, 1, 2, tzinfo=UTC), pa.timestamp("us", "UTC"), datetime(2024, 1, 2, tzinfo=UTC)),
        (time(1, 2), pa.string(), "01:02:00"),
        (UUID(int=10), pa.string(), "00000000-0000-0000-0000-00000000000a"),
        (None, pa.string(), None),
    ],
)  # fmt: skip
def test_types_are_decided_by_the_first_rows(value: Any, kind: pa.DataType, expected: Any) -> None:
    found = fetched(["v"], source((None,), (value,)))
    assert found.schema.field(0).type == kind
    assert [v for batch in found.batches for v in batch.column(0).to_pylist()] == [None, expected]


def test_nested_values_become_json_text() -> None:
    found = fetched(["a", "b"], source(([1, {"k": date(2024, 1, 1)}], (1, "x"))))
    assert [field.metadata[TYPE_KEY] for field in found.schema] == [b"json", b"json"]
    (batch,) = found.batches
    assert batch.to_pylist() == [{"a": '[1,{"k":"2024-01-01"}]', "b": '[1,"x"]'}]


def test_a_mixture_is_text() -> None:
    found = fetched(["v"], source((1,), ("two",), (b"\x03",)))
    (batch,) = found.batches
    assert batch.column(0).to_pylist() == ["1", "two", "03"]


def test_known_types_win() -> None:
    found = fetched(["a", "b", "c"], source((None, None, 1)), [JSON, pa.date32(), None])
    assert found.schema.names == ["a", "b", "c"]
    assert found.schema.types == [pa.string(), pa.date32(), pa.int64()]


def test_rows_come_in_batches() -> None:
    found = fetched(["v"], source(*((n,) for n in range(BATCH_ROWS + 5))))
    assert [batch.num_rows for batch in found.batches] == [BATCH_ROWS, 5]


def test_no_rows_have_a_schema() -> None:
    found = fetched(["v"], source(), [pa.int64()])
    assert found.schema == pa.schema([("v", pa.int64())])
    assert list(found.batches) == []


def test_parts_of_different_width_get_one_schema() -> None:
    first = pa.table(
        {"n": pa.array([1], pa.int8()), "t": pa.array([0], pa.timestamp("ns", "America/New_York"))}
    )
    second = pa.record_batch(
        {
            "n": pa.array([2**40]),
            "t": pa.array([1], pa.timestamp("ns", "UTC")).cast(
                pa.timestamp("us", "UTC"), safe=False
            ),
        }
    )
    found = unified(iter([first, second]), lambda: pa.schema([]))
    assert found.schema == pa.schema([("n", pa.int64()), ("t", pa.timestamp("us", "UTC"))])
    assert [v for batch in found.batches for v in batch.column(0).to_pylist()] == [1, 2**40]


def test_without_any_part_the_schema_is_asked_for() -> None:
    schema = pa.schema([("a", pa.float32()), ("b", pa.decimal128(5, 2)), ("c", pa.uint64())])
    found = unified(iter([]), lambda: schema)
    assert found.schema.types == [pa.float64(), pa.decimal128(38, 2), pa.uint64()]
    assert list(found.batches) == []
