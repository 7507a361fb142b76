"""From what MySQL sends to Arrow, exactly."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from pymysql.constants import FIELD_TYPE, FLAG

from aiser_app.query.engines.contract import TYPE_KEY
from aiser_app.query.engines.mysql.columns import (
    BINARY_CHARSET,
    arrow_batch,
    arrow_schema,
    column_type,
)


@dataclass
class AField:
    type_code: int
    name: str = "c"
    length: int = 11
    scale: int = 0
    flags: int = 0
    charsetnr: int = 45


def converted(
    field: AField, *values: str | bytes | None, encoding: str = "utf8"
) -> tuple[pa.DataType, list]:
    schema = arrow_schema([field])
    sent = [value.encode(encoding) if isinstance(value, str) else value for value in values]
    batch = arrow_batch([(value,) for value in sent], [field], schema, encoding)
    return schema.field(0).type, batch.column(0).to_pylist()


def test_integers_of_64_bits_stay_exact() -> None:
    kind, values = converted(AField(FIELD_TYPE.LONGLONG), "-9223372036854775808", None, "00042")
    assert kind == pa.int64()
    assert values == [-9223372036854775808, None, 42]
    unsigned = AField(FIELD_TYPE.LONGLONG, flags=FLAG.UNSIGNED)
    assert converted(unsigned, "18446744073709551615") == (pa.uint64(), [18446744073709551615])


@pytest.mark.parametrize(
    ("length", "scale", "flags", "kind"),
    [
        (12, 2, 0, pa.decimal128(10, 2)),
        (11, 2, FLAG.UNSIGNED, pa.decimal128(10, 2)),
        (33, 0, 0, pa.decimal128(32, 0)),
        (42, 0, 0, pa.decimal128(38, 0)),
        (47, 15, 0, pa.decimal128(38, 15)),
        (67, 30, 0, pa.string()),
        (2, 1, 0, pa.decimal128(1, 1)),
    ],
)
def test_decimals_have_the_declared_digits(
    length: int, scale: int, flags: int, kind: pa.DataType
) -> None:
    field = AField(FIELD_TYPE.NEWDECIMAL, length=length, scale=scale, flags=flags)
    value = "0.1" if scale else "7"
    expected = value if kind == pa.string() else Decimal(value)
    assert converted(field, value) == (kind, [expected])


def test_what_text_stands_for_is_declared() -> None:
    def declared(field: AField) -> bytes | None:
        return (arrow_schema([field]).field(0).metadata or {}).get(TYPE_KEY)

    assert declared(AField(FIELD_TYPE.NEWDECIMAL, length=67, scale=30)) == b"decimal"
    assert declared(AField(FIELD_TYPE.JSON)) == b"json"
    assert declared(AField(FIELD_TYPE.NEWDECIMAL, length=12, scale=2)) is None
    assert declared(AField(FIELD_TYPE.VAR_STRING)) is None


def test_a_decimal_of_too_many_digits_is_an_error_not_a_rounding() -> None:
    field = AField(FIELD_TYPE.NEWDECIMAL, length=66)
    with pytest.raises(pa.ArrowException):
        converted(field, "9" * 40)


def test_numbers_with_a_point() -> None:
    kind, values = converted(AField(FIELD_TYPE.FLOAT), "1.1", "1e-20", None)
    assert kind == pa.float64()
    assert values == [1.1, 1e-20, None]


def test_dates_that_do_not_exist_are_null() -> None:
    kind, values = converted(
        AField(FIELD_TYPE.DATE), "2024-02-29", "0000-00-00", "2024-00-10", "2024-02-31", None
    )
    assert kind == pa.date32()
    assert values == [date(2024, 2, 29), None, None, None, None]


def test_moments() -> None:
    kind, values = converted(
        AField(FIELD_TYPE.DATETIME), "2024-01-01 10:00:00.000001", "0000-00-00 00:00:00"
    )
    assert kind == pa.timestamp("us")
    assert values == [datetime(2024, 1, 1, 10, 0, 0, 1), None]  # noqa: DTZ001
    kind, values = converted(AField(FIELD_TYPE.TIMESTAMP), "2024-01-01 10:00:00")
    assert values == [datetime(2024, 1, 1, 10, tzinfo=UTC)]
    assert kind.tz == "UTC"


def test_times_may_have_more_than_a_day() -> None:
    assert converted(AField(FIELD_TYPE.TIME), "-838:59:59") == (pa.string(), ["-838:59:59"])


def test_bits() -> None:
    one = AField(FIELD_TYPE.BIT, length=1, charsetnr=BINARY_CHARSET)
    assert converted(one, b"\x01", b"\x00", None) == (pa.bool_(), [True, False, None])
    many = AField(FIELD_TYPE.BIT, length=64, charsetnr=BINARY_CHARSET)
    assert converted(many, b"\xff" * 8, None) == (pa.uint64(), [2**64 - 1, None])


def test_texts_and_bytes() -> None:
    assert converted(AField(FIELD_TYPE.VAR_STRING), "Ada 🎉") == (pa.string(), ["Ada 🎉"])
    assert converted(AField(FIELD_TYPE.VAR_STRING), "é €", None, encoding="cp1252") == (
        pa.string(),
        ["é €", None],
    )
    blob = AField(FIELD_TYPE.BLOB, charsetnr=BINARY_CHARSET)
    assert converted(blob, b"\x00\xff", None) == (pa.binary(), [b"\x00\xff", None])
    assert converted(AField(FIELD_TYPE.JSON), '{"a": 1}') == (pa.string(), ['{"a": 1}'])
    assert converted(AField(FIELD_TYPE.NULL), None) == (pa.null(), [None])


def test_no_rows_are_an_empty_batch() -> None:
    fields = [AField(FIELD_TYPE.LONG, name="a"), AField(FIELD_TYPE.DATE, name="b")]
    schema = arrow_schema(fields)
    assert arrow_batch([], fields, schema).num_rows == 0
    assert schema.names == ["a", "b"]


@pytest.mark.parametrize(
    ("native", "kind"),
    [
        ("int(10) unsigned", "integer"),
        ("tinyint(1)", "integer"),
        ("year(4)", "integer"),
        ("bit(1)", "boolean"),
        ("bit(8)", "integer"),
        ("decimal(10,2)", "decimal"),
        ("double", "number"),
        ("datetime(6)", "timestamp"),
        ("timestamp", "timestamp"),
        ("date", "date"),
        ("json", "json"),
        ("time", "string"),
        ("enum('a','b')", "string"),
        ("point", "string"),
        ("interval_like", "string"),
    ],
)
def test_types_of_the_catalog(native: str, kind: str) -> None:
    assert column_type(native) == kind
