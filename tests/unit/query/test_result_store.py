"""Rows on disk: complete or absent, capped and honest about it, exact in every format."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from aiser_app.domain.result import Column
from aiser_app.errors import InvalidInput, NotFound
from aiser_app.query.results import ResultStore
from aiser_app.query.results.values import csv_value, json_value
from tests.unit.query.builders import ORGANIZATION, RESULT_ID, a_result, store


def batches(*sizes: int) -> Iterator[pa.RecordBatch]:
    start = 0
    for size in sizes:
        yield pa.RecordBatch.from_pydict({"a": list(range(start, start + size))})
        start += size


SCHEMA = pa.schema([("a", pa.int64())])


def test_a_result_is_a_private_file_in_its_organization(tmp_path: Path) -> None:
    results = ResultStore(tmp_path / "results")
    stored = results.write(
        batches(3, 2),
        SCHEMA,
        result_id=RESULT_ID,
        organization_id=ORGANIZATION,
        limit=10,
        columns=(Column(name="a", type="integer", title="Answer", unit="min"),),
    )
    assert stored.row_count == 5
    assert not stored.truncated
    assert stored.byte_count == 40
    assert stored.columns == (Column(name="a", type="integer", title="Answer", unit="min"),)
    path = tmp_path / "results" / ORGANIZATION / f"{RESULT_ID}.arrow"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert results.read_arrow(a_result(stored)).column("a").to_pylist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("limit", "rows", "truncated"), [(6, 6, False), (5, 5, True), (3, 3, True), (0, 0, True)]
)
def test_the_row_that_is_too_many_shows_truncation(
    tmp_path: Path, limit: int, rows: int, truncated: bool
) -> None:
    stored = ResultStore(tmp_path).write(
        batches(4, 2), SCHEMA, result_id=RESULT_ID, organization_id=ORGANIZATION, limit=limit
    )
    assert (stored.row_count, stored.truncated) == (rows, truncated)


def test_no_more_batches_are_asked_for_than_needed(tmp_path: Path) -> None:
    source = batches(4, 4, 4)
    ResultStore(tmp_path).write(
        source, SCHEMA, result_id=RESULT_ID, organization_id=ORGANIZATION, limit=5
    )
    assert next(source).num_rows == 4


@pytest.mark.parametrize(("cap", "rows"), [(80, 10), (79, 9), (8, 1), (0, 0), (1_000, 10)])
def test_bytes_are_capped_and_that_is_truncation_too(tmp_path: Path, cap: int, rows: int) -> None:
    stored = ResultStore(tmp_path, max_bytes=cap).write(
        batches(10), SCHEMA, result_id=RESULT_ID, organization_id=ORGANIZATION, limit=100
    )
    assert stored.row_count == rows
    assert stored.truncated is (rows < 10)
    assert stored.byte_count <= cap


def test_nothing_remains_of_a_write_that_fails(tmp_path: Path) -> None:
    def failing() -> Iterator[pa.RecordBatch]:
        yield from batches(3)
        raise RuntimeError("the engine died")

    results = ResultStore(tmp_path)
    with pytest.raises(RuntimeError):
        results.write(
            failing(), SCHEMA, result_id=RESULT_ID, organization_id=ORGANIZATION, limit=10
        )
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    with pytest.raises(NotFound):
        results.page(a_result())


@pytest.mark.parametrize(
    "identifier",
    ["", ".", "..", "../x", "a/b", "a\\b", "/etc/passwd", "a\x00", "x" * 65, "ü", "a\n"],
)
def test_identifiers_cannot_become_other_paths(tmp_path: Path, identifier: str) -> None:
    results = ResultStore(tmp_path / "results")
    for result_id, organization_id in ((identifier, ORGANIZATION), (RESULT_ID, identifier)):
        with pytest.raises(NotFound):
            results.write(
                batches(1),
                SCHEMA,
                result_id=result_id,
                organization_id=organization_id,
                limit=1,
            )
        with pytest.raises(NotFound):
            results.delete(result_id, organization_id)
    assert list(tmp_path.rglob("*.arrow")) == []


def test_organizations_do_not_see_each_others_results(tmp_path: Path) -> None:
    results = ResultStore(tmp_path)
    results.write(batches(1), SCHEMA, result_id=RESULT_ID, organization_id="another", limit=1)
    with pytest.raises(NotFound):
        results.read_arrow(a_result())


def test_deleting_twice_is_fine(tmp_path: Path) -> None:
    results, result = store(tmp_path, pa.table({"a": [1]}))
    results.delete(result.result_id, result.organization_id)
    results.delete(result.result_id, result.organization_id)
    with pytest.raises(NotFound):
        results.csv_chunks(result)


def test_a_damaged_file_reads_as_gone(tmp_path: Path) -> None:
    results, result = store(tmp_path, pa.table({"a": [1]}))
    (tmp_path / ORGANIZATION / f"{RESULT_ID}.arrow").write_bytes(b"not arrow")
    with pytest.raises(NotFound):
        results.page(result)


def test_an_empty_result_has_columns(tmp_path: Path) -> None:
    results, result = store(tmp_path, SCHEMA.empty_table())
    page = results.page(result)
    assert [column.name for column in page.columns] == ["a"]
    assert (page.rows, page.row_count) == ([], 0)
    assert b"".join(results.csv_chunks(result)) == b"a\r\n"


def test_equal_and_missing_names_are_told_apart(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1])] * 5, names=["a", "A", "a", "", "a_2"])
    results, result = store(tmp_path, table)
    names = [column.name for column in results.page(result).columns]
    assert names == ["a", "A_2", "a_3", "column_4", "a_2_2"]
    assert results.page(result, sort=(), filters=()).rows == [[1, 1, 1, 1, 1]]


@pytest.mark.parametrize(("offset", "limit"), [(-1, 10), (0, -1), (0, 10_001)])
def test_pages_have_bounds(tmp_path: Path, offset: int, limit: int) -> None:
    results, result = store(tmp_path, pa.table({"a": [1]}))
    with pytest.raises(InvalidInput):
        results.page(result, offset=offset, limit=limit)


def test_pages_follow_each_other(tmp_path: Path) -> None:
    results, result = store(tmp_path, pa.table({"a": list(range(25))}))
    pages = [results.page(result, offset=offset, limit=10) for offset in (0, 10, 20, 30)]
    assert [len(page.rows) for page in pages] == [10, 10, 5, 0]
    assert [row[0] for page in pages for row in page.rows] == list(range(25))
    assert {page.row_count for page in pages} == {25}


# --- values ---------------------------------------------------------------------------------------

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
    from aiser_app.domain.semantic_query import Order

    results, result = everything
    sorted_page = results.page(result, sort=[Order(member="safe")])
    assert sorted_page.rows == results.page(result).rows


def test_arrow_bytes_are_a_stream_of_all_rows(tmp_path: Path) -> None:
    results, result = store(tmp_path, pa.table({"a": [1, None, 3]}))
    with pa.ipc.open_stream(results.arrow_bytes(result)) as reader:
        assert reader.read_all().to_pydict() == {"a": [1, None, 3]}


def test_csv_is_utf8_and_defuses_formulas(tmp_path: Path) -> None:
    texts = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "a,b", 'a"b', "a\nb", "ü", None, "", "plain"]
    table = pa.table({"=head": texts, "n": [-1.5] * 13, "b": [True] * 12 + [None]})
    results, result = store(tmp_path, table)
    rows = list(csv.reader(io.StringIO(b"".join(results.csv_chunks(result)).decode(), newline="")))
    assert rows[0] == ["'=head", "n", "b"]
    assert [row[0] for row in rows[1:]] == [
        "'=1+1", "'+1", "'-1", "'@x", "'\tx", "'\rx", "a,b", 'a"b', "a\nb", "ü", "", "", "plain",
    ]  # fmt: skip
    assert {row[1] for row in rows[1:]} == {"-1.5"}
    assert [row[2] for row in rows[1:]] == ["true"] * 12 + [""]


def test_csv_comes_in_pieces(tmp_path: Path) -> None:
    results, result = store(tmp_path, pa.table({"a": list(range(12_000))}), limit=20_000)
    pieces = list(results.csv_chunks(result))
    assert len(pieces) > 1
    assert b"".join(pieces).count(b"\r\n") == 12_001


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


def test_csv_values() -> None:
    assert csv_value(None) == ""
    assert csv_value(False) == "false"
    assert csv_value(0.1) == "0.1"
    assert csv_value(12) == "12"
    assert csv_value(["ü", 1]) == '["ü", 1]'
