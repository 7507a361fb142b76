"""Values: exact in every type, and JSON-safe."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from aiser_app.domain.semantic_query import Order
from aiser_app.query.results import ResultStore
from aiser_app.query.results.values import json_value
from tests.unit.query.builders import store

EVERYTHING = (
    "SELECT 9007199254740992::BIGINT AS safe, 9007199254740993::BIGINT AS large, "
    "'-9223372036854775808'::BIGINT AS smallest, 18446744073709551615::UBIGINT AS unsigned, "
    "170141183460469231731687303715884105727::HUGEINT AS huge, sum(5::BIGINT) AS total, "
    "12.30::DECIMAL(10, 2) AS money, 'nan'::DOUBLE AS nan, 'inf'::DOUBLE AS inf, "
    "'-inf'::DOUBLE AS minus, 1.5::DOUBLE AS half, 1.5::FLOAT AS small, true AS yes, NULL AS nothing, "
    "DATE '2024-02-29' AS day, TIMESTAMP '2024-02-29 12:30:00.25' AS moment, "
    "TIMESTAMPTZ '2024-02-29 12:30:00+02' AS zoned, TIME '10:20:30' AS clock, "
    "INTERVAL '1 month 2 days 3 seconds' AS span, INTERVAL '0 days' AS no_span, "
    "'\\xAB'::BLOB AS bytes, [1, 9007199254740993] AS list, {'a': 1.50::DECIMAL(4, 2)} AS struct, "
    "MAP {'k': DATE '2024-01-01'} AS map, 'x'::ENUM ('x', 'y') AS choice, "
    "uuid '00000000-0000-0000-0000-000000000001' AS identifier, '101'::BIT AS bits, "
    "'{\"a\": 1}'::JSON AS document, 'täxt' AS text, DATE '12024-01-01' AS far, "
    "TIMESTAMP '12024-01-01 01:00:00' AS far_moment, 'infinity'::TIMESTAMP AS never"
)

EXPECTED = {
    "safe": ("integer", 9007199254740992),
    "large": ("integer", "9007199254740993"),
    "smallest": ("integer", "-9223372036854775808"),
    "unsigned": ("integer", "18446744073709551615"),
    "huge": ("integer", "170141183460469231731687303715884105727"),
    "total": ("integer", 5),
    "money": ("decimal", "12.30"),
    "nan": ("number", "NaN"),
    "inf": ("number", "Infinity"),
    "minus": ("number", "-Infinity"),
    "half": ("number", 1.5),
    "small": ("number", 1.5),
    "yes": ("boolean", True),
    "day": ("date", "2024-02-29"),
    "moment": ("timestamp", "2024-02-29T12:30:00.250000"),
    "zoned": ("timestamp", "2024-02-29T10:30:00+00:00"),
    "clock": ("string", "10:20:30.000000"),
    "span": ("string", "1 months 2 days 3 seconds"),
    "no_span": ("string", "0 seconds"),
    "bytes": ("string", "ab"),
    "list": ("json", [1, "9007199254740993"]),
    "struct": ("json", {"a": "1.50"}),
    "choice": ("string", "x"),
    "identifier": ("string", "00000000-0000-0000-0000-000000000001"),
    "document": ("string", '{"a": 1}'),
    "text": ("string", "täxt"),
}


@pytest.fixture
def everything(tmp_path: Path) -> tuple[ResultStore, object]:
    with duckdb.connect() as connection:
        return store(tmp_path, connection.sql(EVERYTHING).to_arrow_table())


def test_every_type_of_duckdb_is_exact_and_json_safe(everything: tuple) -> None:
    page = everything[0].page(everything[1])
    found = {
        column.name: (column.type, value)
        for column, value in zip(page.columns, page.rows[0], strict=True)
    }
    assert {name: found[name] for name in EXPECTED} == EXPECTED
    assert found["nothing"][1] is None
    assert found["far"][1].lstrip("+").startswith("12024-01-01")
    assert found["far_moment"][1].lstrip("+").startswith("12024-01-01T01")
    json.dumps(page.rows, allow_nan=False)


def test_sorting_returns_the_same_values(everything: tuple) -> None:

    results, result = everything
    sorted_page = results.page(result, sort=[Order(member="safe")])
    assert sorted_page.rows == results.page(result).rows


def test_json_values() -> None:
    assert json_value(2**53) == 2**53
    assert json_value(-(2**53) - 1) == str(-(2**53) - 1)
    assert json_value(Decimal("1E+3")) == "1000"
    assert json_value(Decimal("-7")) == -7
    assert json_value(Decimal("NaN")) == "NaN"
    assert json_value(math.nan) == "NaN"
    assert json_value(date(2024, 1, 2)) == "2024-01-02"
    assert json_value(datetime(2024, 1, 2, tzinfo=UTC)) == "2024-01-02T00:00:00+00:00"
    assert json_value(time(1, 2)) == "01:02:00"
    assert json_value(timedelta(days=1)) == "1 day, 0:00:00"
    assert json_value((b"\x01", {"k": None})) == ["01", {"k": None}]
