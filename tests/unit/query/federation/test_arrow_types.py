"""Types of different databases brought together."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from aiser_app.query.engines.contract import TYPE_KEY
from aiser_app.query.federation.arrow_types import (
    as_numbers,
    joinable_batch,
    joinable_field,
    with_numbers,
)

MOMENT = datetime.fromisoformat("2024-01-01T10:00:00")


def joinable(array: pa.Array) -> pa.Array:
    schema = pa.schema([joinable_field(pa.field("a", array.type))])
    return joinable_batch(pa.record_batch([array], names=["a"]), schema).column(0)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (pa.array([1], pa.int8()), pa.int8()),
        (pa.array(["a"], pa.large_string()), pa.string()),
        (pa.array(["a"], pa.string_view()), pa.string()),
        (pa.array([None], pa.null()), pa.string()),
        (pa.array(["a", "a"]).dictionary_encode(), pa.string()),
        (pa.array([MOMENT], pa.timestamp("s")), pa.timestamp("us")),
        (pa.array([MOMENT], pa.timestamp("ns")), pa.timestamp("ns")),
        (pa.array([MOMENT], pa.timestamp("ms", "Europe/Berlin")), pa.timestamp("us", "UTC")),
        (pa.array([date(2024, 1, 1)], pa.date64()), pa.date32()),
        (pa.array([Decimal("1.5")], pa.decimal32(5, 2)), pa.decimal128(5, 2)),
        (pa.array([Decimal("1.5")], pa.decimal256(60, 2)), pa.float64()),
        (pa.array([Decimal("1E+3")], pa.decimal128(5, -2)), pa.float64()),
        (pa.array([1.5], pa.float16()), pa.float64()),
        (pa.ExtensionArray.from_storage(pa.json_(), pa.array(["{}"])), pa.string()),
        (pa.array([[1]]), pa.list_(pa.int64())),
    ],
)
def test_every_type_has_a_form_that_duckdb_reads(given: pa.Array, kind: pa.DataType) -> None:
    found = joinable(given)
    assert found.type == kind
    assert len(found) == len(given)
    assert found.null_count == given.null_count


@pytest.mark.parametrize(
    ("texts", "expected", "kind"),
    [
        (["1.5", "-2", None, "+30.25"], [Decimal("1.50"), Decimal(-2), None, Decimal("30.25")], pa.decimal128(38, 2)),
        ([], [], pa.decimal128(38, 0)),
        ([None], [None], pa.decimal128(38, 0)),
        (["5."], [Decimal(5)], pa.decimal128(38, 0)),
        (["12345678901234567890.123456789012345678"], [Decimal("12345678901234567890.123456789012345678")],
         pa.decimal128(38, 18)),
        (["1234567890123456789012345678901234567890"], [1234567890123456789012345678901234567890.0], pa.float64()),
        (["1.5", "NaN"], [1.5, None], pa.float64()),
        (["1e3"], [1000.0], pa.float64()),
    ],
)  # fmt: skip
def test_decimals_written_as_text_become_numbers(
    texts: list[str | None], expected: list[Any], kind: pa.DataType
) -> None:
    found = as_numbers(pa.chunked_array([pa.array(texts, pa.string())]))
    assert found.type == kind
    values = [None if value != value else value for value in found.to_pylist()]
    assert values == expected


def test_only_marked_texts_become_numbers() -> None:
    schema = pa.schema(
        [
            joinable_field(pa.field("a", pa.string(), metadata={TYPE_KEY: b"decimal"})),
            joinable_field(pa.field("b", pa.string(), metadata={TYPE_KEY: b"json"})),
            joinable_field(pa.field("c", pa.int64(), metadata={TYPE_KEY: b"decimal"})),
        ]
    )
    table = with_numbers(pa.table([["1.5"], ["1.5"], [1]], schema=schema))
    assert [str(kind) for kind in table.schema.types] == ["decimal128(38, 1)", "string", "int64"]
    assert table.column_names == ["a", "b", "c"]
