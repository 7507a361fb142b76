"""Cube's rows as typed Arrow."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from aiser_app.domain.result import Column
from aiser_app.query.cube.expressing import CubeColumn, LoadPlan
from aiser_app.query.cube.failures import CubeFailed, CubeNotUsed
from aiser_app.query.cube.rows import typed_rows


def moment(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC).replace(tzinfo=None)


def plan(*types: str, **changes: Any) -> LoadPlan:
    columns = tuple(
        CubeColumn(key=f"c{at}", member=f"m{at}", column=Column(name=f"n{at}", type=kind))
        for at, kind in enumerate(types)
    )
    found: dict[str, Any] = {
        "query": {},
        "columns": columns,
        "asked_rows": 1_000,
        "is_cut": False,
        "order": (),
    }
    return LoadPlan(**{**found, **changes})


def column(kind: str, *values: Any) -> pa.ChunkedArray:
    rows = [{"c0": value} for value in values]
    return typed_rows(plan(kind), [{"data": rows}]).table.column("n0")


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (["1", None, "-2"], pa.int64(), [1, None, -2]),
        (["9007199254740993"], pa.int64(), [9007199254740993]),
        ([9007199254740993, "1"], pa.int64(), [9007199254740993, 1]),
        (["9223372036854775807"], pa.int64(), [2**63 - 1]),
        (["9223372036854775808"], pa.decimal128(19, 0), [Decimal(2**63)]),
        (["1.50", "2"], pa.decimal128(3, 2), [Decimal("1.50"), Decimal("2.00")]),
        ([Decimal("0.1"), "12.34"], pa.decimal128(4, 2), [Decimal("0.10"), Decimal("12.34")]),
        ([".5", "+1."], pa.decimal128(2, 1), [Decimal("0.5"), Decimal("1.0")]),
        (["0.00"], pa.decimal128(2, 2), [Decimal("0.00")]),
        (["1" * 50], pa.decimal256(50, 0), [Decimal("1" * 50)]),
        ([None, None], pa.float64(), [None, None]),
        ([], pa.float64(), []),
        (["1e3", "0.5"], pa.float64(), [1000.0, 0.5]),
        ([Decimal("1e-400")], pa.float64(), [0.0]),
        (["0." + "1" * 90], pa.float64(), [0.1111111111111111]),
        (["Infinity"], pa.float64(), [float("inf")]),
    ],
)
def test_numbers(values: list[Any], kind: pa.DataType, expected: list[Any]) -> None:
    found = column("number", *values)
    assert found.type == kind
    assert found.to_pylist() == expected


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("date", ["2024-02-29T00:00:00.000", None], [date(2024, 2, 29), None]),
        (
            "timestamp",
            ["2024-02-29T13:14:15.678", "2024-01-01T00:00:00.000Z", None],
            [moment(2024, 2, 29, 13, 14, 15, 678000), moment(2024, 1, 1), None],
        ),
        ("boolean", [True, "false", 1, "t", "F", None], [True, False, True, True, False, None]),
        ("string", ["ü", 1, True, None, ["a"], False], ["ü", "1", "true", None, '["a"]', "false"]),
    ],
)
def test_other_types(kind: str, values: list[Any], expected: list[Any]) -> None:
    assert column(kind, *values).to_pylist() == expected


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("number", "many"),
        ("number", True),
        ("integer", {}),
        ("date", "soon"),
        ("date", 5),
        ("timestamp", "2024-13-01"),
        ("boolean", "perhaps"),
    ],
)
def test_values_that_do_not_fit(kind: str, value: Any) -> None:
    with pytest.raises(CubeFailed):
        column(kind, value)


def test_what_the_catalog_knows() -> None:
    rows = [{"c0": "2024-02-29T00:00:00.000", "c1": "1.5", "c2": None}]
    known = plan("timestamp", "number", "number")
    stored = tuple(
        replace(item, stored=kind)
        for item, kind in zip(known.columns, ("date", "number", "decimal"), strict=True)
    )
    table = typed_rows(replace(known, columns=stored), [{"data": rows}]).table
    assert table.schema.types == [pa.date32(), pa.float64(), pa.float64()]


def test_a_missing_column() -> None:
    with pytest.raises(CubeFailed):
        typed_rows(plan("string"), [{"data": [{"other": 1}]}])


def data(*values: Any) -> list[dict[str, Any]]:
    return [{"data": [{"c0": value, "c1": at} for at, value in enumerate(values)]}]


def test_groups_without_a_value_come_last() -> None:
    ordered = plan("string", "integer", order=(("c0", True),))
    found = typed_rows(ordered, data(None, "b", None, "a")).table.to_pylist()
    assert [row["n1"] for row in found] == [1, 3, 0, 2]


def test_what_may_not_be_the_whole() -> None:
    full = plan("string", "integer", asked_rows=2)
    with pytest.raises(CubeNotUsed, match="may have more"):
        typed_rows(full, data("a", "b"))
    cut = plan("string", "integer", asked_rows=2, is_cut=True, order=(("c0", True),))
    assert typed_rows(cut, data("b", "a")).table.num_rows == 2
    with pytest.raises(CubeNotUsed, match="push out"):
        typed_rows(cut, data(None, "a"))


def test_compared_ranges() -> None:
    ranges = (("2024-01-01", "2024-01-31"), ("2023-01-01", "2023-01-31"))
    columns = (
        CubeColumn(key="compareDateRange", member="", column=Column(name="period", type="string")),
        CubeColumn(key="c0", member="m", column=Column(name="n", type="integer")),
    )
    compared = plan(columns=columns, ranges=ranges)
    results = [{"data": [{"c0": "1"}]}, {"data": [{"c0": "2"}]}]
    assert typed_rows(compared, results).table.to_pylist() == [
        {"period": "2024-01-01/2024-01-31", "n": 1},
        {"period": "2023-01-01/2023-01-31", "n": 2},
    ]
    with pytest.raises(CubeFailed):
        typed_rows(compared, results[:1])


def test_rows_come_in_batches() -> None:
    many = plan("string", "integer", asked_rows=50_001)
    rows = typed_rows(many, data(*["x"] * 25_000))
    assert [batch.num_rows for batch in rows] == [10_000, 10_000, 5_000]
    assert rows.schema.names == ["n0", "n1"]
