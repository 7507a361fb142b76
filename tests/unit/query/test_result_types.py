"""Every Arrow type that an engine may hand over: stored, shown, compared, exported."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from aiser_app.domain.semantic_query import Filter, FilterOperator, Order
from aiser_app.errors import InvalidInput
from aiser_app.query.results import ResultStore
from aiser_app.query.results.exports import EXPORT_FORMATS, export
from tests.unit.query.builders import store

DICTIONARY = pa.array(["x", None, "y"]).dictionary_encode()
EXTREME = 2**63 - 1


def moments(unit: str, zone: str | None = None) -> pa.Array:
    return pa.array([0, None, 1_500], pa.int64()).cast(pa.timestamp(unit, zone))


CASES: list[tuple[str, pa.Array, str, list[Any]]] = [
    ("int8", pa.array([1, None, -1], pa.int8()), "integer", [1, None, -1]),
    ("uint64", pa.array([2**64 - 1, None, 0], pa.uint64()), "integer", [str(2**64 - 1), None, 0]),
    ("no int64", pa.array([None, None, None], pa.int64()), "integer", [None] * 3),
    ("float16", pa.array([1.5, None, -2.0], pa.float16()), "number", [1.5, None, -2.0]),
    (
        "float32",
        pa.array([float("nan"), None, float("-inf")], pa.float32()),
        "number",
        ["NaN", None, "-Infinity"],
    ),
    (
        "decimal32",
        pa.array([Decimal("1.50"), None, Decimal("-0.25")], pa.decimal32(5, 2)),
        "decimal",
        ["1.50", None, "-0.25"],
    ),
    (
        "tiny decimal",
        pa.array([Decimal("0.00000001"), None, Decimal("0E-8")], pa.decimal128(20, 8)),
        "decimal",
        ["0.00000001", None, "0.00000000"],
    ),
    (
        "decimal256",
        pa.array([Decimal("9" * 50 + ".01"), None, Decimal("-1.10")], pa.decimal256(60, 2)),
        "decimal",
        ["9" * 50 + ".01", None, "-1.10"],
    ),
    (
        "tens",
        pa.array([Decimal("12E3"), None, Decimal("7E3")], pa.decimal128(10, -3)),
        "integer",
        [12_000, None, 7_000],
    ),
    ("s", moments("s"), "timestamp", ["1970-01-01T00:00:00", None, "1970-01-01T00:25:00"]),
    ("ms", moments("ms"), "timestamp", ["1970-01-01T00:00:00", None, "1970-01-01T00:00:01.500"]),
    (
        "ns",
        moments("ns", "Europe/Berlin"),
        "timestamp",
        ["1970-01-01T00:00:00+00:00", None, "1970-01-01T00:00:00.000001500+00:00"],
    ),
    (
        "far",
        pa.array([2**60, None, -(2**60)], pa.int64()).cast(pa.timestamp("us", "UTC")),
        "timestamp",
        ["38504-08-17T21:30:06.846976+00:00", None, "-34565-05-17T02:29:53.153024+00:00"],
    ),
    (
        "never",
        pa.array([EXTREME, None, -EXTREME], pa.int64()).cast(pa.timestamp("us")),
        "timestamp",
        ["infinity", None, "-infinity"],
    ),
    (
        "days",
        pa.array([19_782, None, 2**31 - 1], pa.int32()).cast(pa.date32()),
        "date",
        ["2024-02-29", None, "infinity"],
    ),
    ("date64", pa.array([0, None, 86_400_000], pa.int64()).cast(pa.date64()), "date",
     ["1970-01-01", None, "1970-01-02"]),
    ("far day", pa.array([2**30, None, 0], pa.int32()).cast(pa.date32()), "date",
     ["2941775-04-07", None, "1970-01-01"]),
    ("time32", pa.array([1, None, 86_399], pa.time32("s")), "string",
     ["00:00:01", None, "23:59:59"]),
    ("time64", pa.array([1, None, 0], pa.time64("ns")), "string",
     ["00:00:00.000000001", None, "00:00:00.000000000"]),
    ("span s", pa.array([90_061, None, -1], pa.duration("s")), "string",
     ["1 day, 1:01:01", None, "-1 day, 23:59:59"]),
    ("span ns", pa.array([1, None, 2 * 86_400 * 10**9], pa.duration("ns")), "string",
     ["0:00:00.000000001", None, "2 days, 0:00:00"]),
    ("span ms", pa.array([1_500, None, EXTREME], pa.duration("ms")), "string",
     ["0:00:01.500000", None, "106751991167 days, 7:12:55.807000"]),
    ("interval", pa.array([pa.MonthDayNano([14, 3, 1_500_000_000]), None,
                           pa.MonthDayNano([0, 0, 0])]), "string",
     ["14 months 3 days 1.5 seconds", None, "0 seconds"]),
    ("binary", pa.array([b"\xff\x00", None, b""]), "string", ["ff00", None, ""]),
    ("large binary", pa.array([b"a", None, b"b"], pa.large_binary()), "string", ["61", None, "62"]),
    ("fixed binary", pa.array([b"ab", None, b"cd"], pa.binary(2)), "string", ["6162", None, "6364"]),
    ("binary view", pa.array([b"a", None, b"b"], pa.binary_view()), "string", ["61", None, "62"]),
    ("large string", pa.array(["a", None, "b"], pa.large_string()), "string", ["a", None, "b"]),
    ("string view", pa.array(["a", None, "b"], pa.string_view()), "string", ["a", None, "b"]),
    ("null", pa.nulls(3), "string", [None, None, None]),
    ("dictionary", DICTIONARY, "string", ["x", None, "y"]),
    ("numbers by dictionary", pa.array([7, None, 8]).dictionary_encode(), "integer", [7, None, 8]),
    ("run ends", pa.RunEndEncodedArray.from_arrays(
        pa.array([2, 3], pa.int32()), pa.array(["a", None])), "string", ["a", "a", None]),
    ("uuid", pa.array([b"\x01" * 16, None, b"\x02" * 16], pa.uuid()), "string",
     ["01" * 16, None, "02" * 16]),
    ("union", pa.UnionArray.from_sparse(
        pa.array([0, 1, 0], pa.int8()), [pa.array([1, 2, None]), pa.array(["a", "b", "c"])]),
     "string", ["1", "b", None]),
    ("list", pa.array([[1, 2**60], None, []]), "json", [[1, str(2**60)], None, []]),
    ("list of views", pa.array([["a"], None, []], pa.list_view(pa.string_view())), "json",
     [["a"], None, []]),
    ("fixed list", pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int8(), 2)), "json",
     [[1, 2], None, [3, 4]]),
    ("list of names", pa.ListArray.from_arrays(pa.array([0, 2, 2, 3], pa.int32()), DICTIONARY),
     "json", [["x", None], [], ["y"]]),
    ("struct", pa.StructArray.from_arrays([DICTIONARY, pa.array([b"\x01", None, b"\x02"])],
                                          names=["d", "b"]), "json",
     [{"d": "x", "b": "01"}, {"d": None, "b": None}, {"d": "y", "b": "02"}]),
    ("empty struct", pa.array([{}, None, {}], pa.struct([])), "json", [{}, None, {}]),
    ("map", pa.array([[("k", "v")], None, []], pa.map_(pa.large_string(), pa.string())), "json",
     [[["k", "v"]], None, []]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("array", "kind", "shown"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_every_type_is_kept_exactly(
    tmp_path: Path, array: pa.Array, kind: str, shown: list[Any]
) -> None:
    table = pa.Table.from_arrays([array, pa.array([2, 1, 0])], names=["v", "n"])
    results, result = store(tmp_path, table)
    page = results.page(result)
    assert page.columns[0].type == kind
    assert [row[0] for row in page.rows] == shown
    backwards = results.page(result, sort=[Order(member="n")])
    assert [row[0] for row in backwards.rows] == shown[::-1]
    missing = Filter(member="v", operator=FilterOperator.NOT_SET)
    assert results.page(result, filters=[missing]).row_count == shown.count(None)
    for extension in EXPORT_FORMATS:
        assert b"".join(export(results.select(result), result, extension).chunks)


@pytest.mark.parametrize(
    ("array", "shown"),
    [(case[1], case[3]) for case in CASES if case[2] != "json"],
    ids=[case[0] for case in CASES if case[2] != "json"],
)
def test_what_is_shown_is_found(tmp_path: Path, array: pa.Array, shown: list[Any]) -> None:
    """A client may filter by any value that it got."""
    results, result = store(tmp_path, pa.table({"v": array}))
    for value in {str(value) for value in shown if value is not None}:
        equal = Filter(member="v", operator=FilterOperator.EQUALS, values=(value,))
        found = results.page(result, filters=[equal])
        assert [str(row[0]) for row in found.rows] == [v for v in map(str, shown) if v == value]
        contains = Filter(member="v", operator=FilterOperator.CONTAINS, values=(value,))
        if shown != ["NaN", None, "-Infinity"] and not isinstance(shown[0], float):
            assert results.page(result, filters=[contains]).row_count >= 1


# --- numbers as text ------------------------------------------------------------------------------

NUMBERS = [
    "10", "9", "-10", "-9", "-9.5", "0", "-0.00", "0.1", "0.10", "1e3", "-1E-3", None, "NaN",
    "Infinity", "-Infinity", "9" * 60, "9" * 60 + ".1", "-" + "9" * 60, "00012", "", "a1",
]  # fmt: skip
ORDERED = [
    "-Infinity", "-" + "9" * 60, "-10", "-9.5", "-9", "-0.001", "0", "-0.00", "0.1", "0.10", "9",
    "10", "00012", "1000", "9" * 60, "9" * 60 + ".1", "Infinity", "NaN",
]  # fmt: skip


def typed(kind: str, values: list[Any], data_type: pa.DataType | None = None) -> pa.Table:
    data_type = data_type or pa.string()
    field = pa.field("v", data_type, metadata={"aiser.type": kind})
    return pa.table([pa.array(values, data_type)], schema=pa.schema([field]))


@pytest.fixture
def numbers(tmp_path: Path) -> tuple[ResultStore, Any]:
    return store(tmp_path, typed("decimal", NUMBERS))


def column(numbers: tuple[ResultStore, Any], **options: Any) -> list[Any]:
    return [row[0] for row in numbers[0].page(numbers[1], **options).rows]


def test_text_that_is_numbers_sorts_as_numbers(numbers: tuple[ResultStore, Any]) -> None:
    assert numbers[1].columns[0].type == "decimal"
    found = column(numbers, sort=[Order(member="v")])
    assert found[: len(ORDERED)] == ORDERED
    assert set(found[len(ORDERED) :]) == {None, "", "a1"}
    descending = column(numbers, sort=[Order(member="v", descending=True)])
    assert descending[:4] == ["NaN", "Infinity", "9" * 60 + ".1", "9" * 60]


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        (FilterOperator.EQUALS, "0", ["0", "-0.00"]),
        (FilterOperator.EQUALS, "0.100", ["0.1", "0.10"]),
        (FilterOperator.EQUALS, "1E3", ["1000"]),
        (FilterOperator.EQUALS, "nan", ["NaN"]),
        (FilterOperator.LT, "-9.25", ["-10", "-9.5", "-Infinity", "-" + "9" * 60]),
        (FilterOperator.GT, "9" * 60, ["NaN", "Infinity", "9" * 60 + ".1"]),
        (FilterOperator.GTE, "Infinity", ["NaN", "Infinity"]),
        (FilterOperator.LTE, "-Infinity", ["-Infinity"]),
        (FilterOperator.CONTAINS, "0.1", ["0.1", "0.10"]),
    ],
)
def test_text_that_is_numbers_is_compared_as_numbers(
    numbers: tuple[ResultStore, Any], operator: FilterOperator, value: str, expected: list[str]
) -> None:
    item = Filter(member="v", operator=operator, values=(value,))
    assert column(numbers, filters=[item]) == expected


@pytest.mark.parametrize("value", ["x", "1e99999", "", "1,5", "--1"])
def test_what_is_no_number_is_refused(numbers: tuple[ResultStore, Any], value: str) -> None:
    item = Filter(member="v", operator=FilterOperator.EQUALS, values=(value,))
    with pytest.raises(InvalidInput, match="does not fit"):
        column(numbers, filters=[item])


@pytest.mark.parametrize(
    ("declared", "data_type", "kind"),
    [
        ("json", pa.string(), "json"),
        ("integer", pa.large_string(), "integer"),
        ("decimal", pa.string_view(), "decimal"),
        ("nonsense", pa.string(), "string"),
        ("json", pa.int64(), "integer"),
    ],
)
def test_engines_say_what_text_is(
    tmp_path: Path, declared: str, data_type: pa.DataType, kind: str
) -> None:
    value = 1 if data_type == pa.int64() else "1"
    results, result = store(tmp_path, typed(declared, [value], data_type))
    assert result.columns[0].type == kind
    assert results.page(result).columns[0].type == kind


def test_endless_exponents_are_not_spelled_out(tmp_path: Path) -> None:
    results, result = store(tmp_path, typed("decimal", ["1e999999999", "1e2", "xe5 9e9", None]))
    assert [row[0] for row in results.page(result).rows] == ["1e999999999", "100", "xe5 9e9", None]


# --- comparing ------------------------------------------------------------------------------------

INSTANT = "2024-02-29T12:00:00"


@pytest.mark.parametrize(
    ("operator", "value", "expected"),
    [
        (FilterOperator.EQUALS, INSTANT, 1),
        (FilterOperator.EQUALS, "2024-02-29 13:00:00+01:00", 1),
        (FilterOperator.EQUALS, "2024-02-29T07:00-0500", 1),
        (FilterOperator.EQUALS, INSTANT + "Z", 1),
        (FilterOperator.EQUALS, INSTANT + ".000000001", 0),
        (FilterOperator.NOT_EQUALS, INSTANT + ".000000001", 3),
        (FilterOperator.GT, "2024-02-29T11:59:59.999999999", 1),
        (FilterOperator.GTE, INSTANT + ".000000001", 0),
        (FilterOperator.LT, INSTANT + ".000000001", 2),
        (FilterOperator.LTE, INSTANT, 2),
        (FilterOperator.LT, "infinity", 2),
        (FilterOperator.GT, "-infinity", 2),
        (FilterOperator.GT, "infinity", 0),
        (FilterOperator.LTE, "-infinity", 0),
        (FilterOperator.GTE, "2024-02-29", 1),
        (FilterOperator.LT, "12024-01-01", 2),
        (FilterOperator.CONTAINS, "2024-02", 1),
    ],
)
@pytest.mark.parametrize("zone", [None, "UTC"])
@pytest.mark.parametrize("unit", ["s", "us"])
def test_instants_are_compared_exactly(
    tmp_path: Path, unit: str, zone: str | None, operator: FilterOperator, value: str, expected: int
) -> None:
    values = pc.cast(pa.array([INSTANT, None, "0004-01-01T00:00:00"]), pa.timestamp("s"))
    table = pa.table({"v": values.cast(pa.int64()).cast(pa.timestamp("s", zone))})
    table = table.cast(pa.schema([("v", pa.timestamp(unit, zone))]))
    results, result = store(tmp_path, table)
    item = Filter(member="v", operator=operator, values=(value,))
    assert results.page(result, filters=[item]).row_count == expected


@pytest.mark.parametrize(
    ("array", "operator", "value", "expected"),
    [
        (pa.array([1, 2, 3]), FilterOperator.GT, "1.5", [2, 3]),
        (pa.array([1, 2, 3]), FilterOperator.LTE, "2.5", [1, 2]),
        (pa.array([1, 2, 3]), FilterOperator.EQUALS, "2.5", []),
        (pa.array([1, 2, 3]), FilterOperator.EQUALS, "2.0", [2]),
        (pa.array([1, 2, 3]), FilterOperator.LT, "1e200", [1, 2, 3]),
        (pa.array([1, 2, 3]), FilterOperator.GTE, "1e200", []),
        (pa.array([1, 2, 3]), FilterOperator.GT, "-1e200", [1, 2, 3]),
        (pa.array([1, 2, 3]), FilterOperator.NOT_EQUALS, "1e200", [1, 2, 3]),
        (pa.array([2**64 - 1], pa.uint64()), FilterOperator.GTE, str(2**64 - 1), ["18446744073709551615"]),
        (pa.array([2**64 - 1], pa.uint64()), FilterOperator.GT, str(2**64 - 1), []),
        (pa.array([Decimal("1.10")]), FilterOperator.GT, "1.0999999999999999999999", ["1.10"]),
        (pa.array([Decimal("1.10")]), FilterOperator.LT, "1.1000000000000000000001", ["1.10"]),
        (pa.array([Decimal("1.10")]), FilterOperator.EQUALS, "1.1", ["1.10"]),
        (pa.array([Decimal("9" * 38)], pa.decimal128(38, 0)), FilterOperator.EQUALS, "9" * 38, ["9" * 38]),
        (pa.array([Decimal("9" * 38)], pa.decimal128(38, 0)), FilterOperator.LT, "1e38", ["9" * 38]),
    ],
)  # fmt: skip
def test_numbers_are_compared_exactly(
    tmp_path: Path, array: pa.Array, operator: FilterOperator, value: str, expected: list[Any]
) -> None:
    stored = store(tmp_path, pa.table({"v": array}))
    assert (
        column(stored, filters=[Filter(member="v", operator=operator, values=(value,))]) == expected
    )


@pytest.mark.parametrize(
    ("array", "value"),
    [
        (pa.array([1]), "NaN"),
        (pa.array([1]), "1e9999999"),
        (pa.array([1.5]), "one"),
        (pa.array([0]).cast(pa.timestamp("us")), "2024-13-01"),
        (pa.array([0]).cast(pa.timestamp("us")), "now"),
        (pa.array([0]).cast(pa.timestamp("us")), "2024-01-01T25:00"),
        (pa.array([0], pa.int32()).cast(pa.date32()), "2024-02-30"),
    ],
)
def test_values_of_no_sense_are_refused(tmp_path: Path, array: pa.Array, value: str) -> None:
    stored = store(tmp_path, pa.table({"v": array}))
    with pytest.raises(InvalidInput, match="does not fit"):
        column(
            stored, filters=[Filter(member="v", operator=FilterOperator.EQUALS, values=(value,))]
        )


def test_text_that_is_no_utf8_does_not_hide_the_rest(tmp_path: Path) -> None:
    broken = pa.array([b"ok", b"\xff\xfe", None]).view(pa.string())
    results, result = store(tmp_path, pa.table({"v": broken}))
    assert [row[0] for row in results.page(result).rows] == ["ok", "��", None]


def test_what_cannot_be_compared_is_told(tmp_path: Path) -> None:
    nested = pa.array([[Decimal("1")]], pa.list_(pa.decimal256(60, 0)))
    stored = store(tmp_path, pa.table({"v": nested}))
    with pytest.raises(InvalidInput, match="cannot be sorted"):
        column(stored, sort=[Order(member="v")])
