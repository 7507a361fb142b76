"""Files of results: complete, exact, bounded in memory, and harmless in spreadsheets."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook

from aiser_app.domain.result import Result
from aiser_app.domain.semantic_query import Filter, FilterOperator, Order
from aiser_app.errors import InvalidInput
from aiser_app.query.results import ResultStore
from aiser_app.query.results.exports import EXPORT_FORMATS, export
from aiser_app.query.results.exports.chunk_sink import ChunkSink
from aiser_app.query.results.exports.contract import ExportRows
from aiser_app.query.results.exports.sheet_cells import CELL_CHARACTERS
from aiser_app.query.results.exports.spreadsheet import xlsx_chunks
from aiser_app.query.results.files import SPILL_FOLDER
from tests.unit.query.builders import store

FORMULAS = [
    "=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "=cmd|' /C calc'!A0", "\x00=1", "\uff1d1",
]  # fmt: skip
HARMLESS = ["a,b", 'a"b', "a\nb", "ü", "plain", "5-3", " =1", "1", "it's", "😀"]


def content(stored: tuple[ResultStore, Result], extension: str, **options: Any) -> bytes:
    results, result = stored
    return b"".join(export(results.select(result, **options), result, extension).chunks)


def csv_rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline="")))


def sheets(content: bytes) -> tuple[list[list[Any]], list[str]]:
    """(rows of “Data” with its header, lines of “About”), as a reader of workbooks sees them."""
    book = CalamineWorkbook.from_object(io.BytesIO(content))
    assert book.sheet_names == ["Data", "About"]
    about = [str(row[0]) for row in book.get_sheet_by_index(1).to_python()]
    return book.get_sheet_by_index(0).to_python(), about


# --- CSV ------------------------------------------------------------------------------------------


def test_csv_defuses_formulas_and_nothing_else(tmp_path: Path) -> None:
    texts = [*FORMULAS, *HARMLESS, None, ""]
    size = len(texts)
    money = pa.field("money", pa.string(), metadata={"aiser.type": "decimal"})
    columns = {
        "=head": pa.array(texts),
        "n": pa.array([-1.5] * size),
        "b": pa.array([True] * (size - 1) + [None]),
        "i": pa.array([-(2**60)] * size),
        "d": pa.array([Decimal("-1.50")] * size),
        "money": pa.array(["-1.50", "-Infinity", "=1+1", "-1+1"] + ["+1"] * (size - 4)),
    }
    fields = [pa.field(name, array.type) for name, array in columns.items()]
    table = pa.table(list(columns.values()), schema=pa.schema([*fields[:-1], money]))
    rows = csv_rows(content(store(tmp_path, table), "csv"))
    assert rows[0] == ["'=head", "n", "b", "i", "d", "money"]
    first = [row[0] for row in rows[1:]]
    assert first == [*(f"'{text}" for text in FORMULAS), *HARMLESS, "", ""]
    assert {row[1] for row in rows[1:]} == {"-1.5"}
    assert [row[2] for row in rows[1:]] == ["true"] * (size - 1) + [""]
    assert {row[3] for row in rows[1:]} == {str(-(2**60))}
    assert {row[4] for row in rows[1:]} == {"-1.50"}
    assert [row[5] for row in rows[1:6]] == ["-1.50", "-Infinity", "'=1+1", "'-1+1", "+1"]


def test_csv_keeps_every_digit(tmp_path: Path) -> None:
    table = pa.table(
        {
            "f": [0.1, 1e-20, float("nan"), float("inf")],
            "l": [[1, None], None, [], [2**60]],
            "t": pa.array([0, 1, None, 2], pa.timestamp("us", "UTC")),
        }
    )
    rows = csv_rows(content(store(tmp_path, table), "csv"))[1:]
    assert [row[0] for row in rows] == ["0.1", "1e-20", "NaN", "Infinity"]
    assert [row[1] for row in rows] == ["[1, null]", "", "[]", f'["{2**60}"]']
    assert rows[1][2] == "1970-01-01T00:00:00.000001+00:00"


def test_csv_of_no_rows_has_its_header(tmp_path: Path) -> None:
    assert content(store(tmp_path, pa.table({"a": pa.array([], pa.int64())})), "csv") == b"a\r\n"


# --- JSON -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 12_000])
def test_json_is_what_pages_show(tmp_path: Path, size: int) -> None:
    values = list(range(size))
    table = pa.table({"a": values, "b": [float(v) for v in values], "c": ["=1"] * size})
    stored = store(tmp_path, table, limit=size + 1)
    expected = [{"a": v, "b": float(v), "c": "=1"} for v in values]
    assert json.loads(content(stored, "json")) == expected
    lines = content(stored, "ndjson").decode().splitlines()
    assert [json.loads(line) for line in lines] == expected


# --- Parquet --------------------------------------------------------------------------------------


def test_parquet_has_the_types_themselves(tmp_path: Path) -> None:
    table = pa.table(
        {
            "i": pa.array([2**63 - 1, None]),
            "u": pa.array([2**64 - 1, None], pa.uint64()),
            "d": pa.array([Decimal("9" * 60), None], pa.decimal256(70, 2)),
            "t": pa.array([1, None], pa.timestamp("ns", "UTC")),
            "l": [["=1"], None],
            "s": ["=1", None],
        }
    )
    stored = store(tmp_path, table)
    found = pq.read_table(io.BytesIO(content(stored, "parquet")))
    assert found.to_pylist() == stored[0].read_arrow(stored[1]).to_pylist()
    assert found.schema.types[:4] == table.schema.types[:4]


def test_parquet_has_row_groups_of_a_good_size(tmp_path: Path) -> None:
    stored = store(tmp_path, pa.table({"a": range(300_000)}), limit=10**6)
    file = pq.ParquetFile(io.BytesIO(content(stored, "parquet")))
    assert file.metadata.num_rows == 300_000
    assert file.metadata.num_row_groups == 3


# --- XLSX -----------------------------------------------------------------------------------------


def test_xlsx_has_text_as_text(tmp_path: Path) -> None:
    odd = [
        "<&>\"'",
        "a\x01b",
        "_x0041_",
        "a\rb",
        "tab\there",
        " spaces ",
        "\ud7ff\ufffd",
        "_x0041_x0042_",
        "<r><t>x</t></r>",
        "<r>\r_x0041_</r>",
        "</v></c>",
        "https://example.com/",
        "{=1+1}",
        "1",
        "true",
    ]
    texts = [*FORMULAS, *HARMLESS, *odd, None]
    stored = store(tmp_path, pa.table({"=1+1": texts, "n": range(len(texts))}))
    made = content(stored, "xlsx")
    rows, about = sheets(made)
    assert rows[0] == ["=1+1", "n"]
    assert [row[0] for row in rows[1:]] == [*texts[:-1], ""]
    assert about[0] == f"Rows in the sheet “Data”: {len(texts)}."
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        assert archive.testzip() is None
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert sheet.count('s="2"') == len(FORMULAS)  # stay text when they are edited


def test_xlsx_has_numbers_where_excel_keeps_them(tmp_path: Path) -> None:
    fifteen, sixteen = 10**15 - 1, 10**15
    money = pa.field("m", pa.string(), metadata={"aiser.type": "decimal"})
    columns = [
        pa.array([fifteen, sixteen, -sixteen, None]),
        pa.array(
            [Decimal("1234567890123.45"), Decimal("12345678901234.56"), Decimal("-0.10"), None]
        ),
        pa.array([0.1 + 0.2, float("nan"), float("-inf"), 9.95]),
        pa.array(["-1.50", "9" * 16, "=1", None]),
        pa.array([True, False, None, None]),
        pa.array([1, 2, 3, 4]),
    ]
    names = ["i", "d", "f", "m", "b", "n"]
    fields = [pa.field(n, c.type) for n, c in zip(names, columns, strict=True)]
    fields[3] = money
    rows, about = sheets(
        content(store(tmp_path, pa.table(columns, schema=pa.schema(fields))), "xlsx")
    )
    assert [row[0] for row in rows[1:]] == [fifteen, str(sixteen), str(-sixteen), ""]
    assert [row[1] for row in rows[1:]] == [1234567890123.45, "12345678901234.56", -0.1, ""]
    assert [row[2] for row in rows[1:]] == [0.1 + 0.2, "NaN", "-Infinity", 9.95]
    assert [row[3] for row in rows[1:]] == [-1.5, "9" * 16, "=1", ""]
    assert [row[4] for row in rows[1:3]] == [True, False]
    assert any("4 numbers have more than 15 digits" in line for line in about)


def test_xlsx_has_rows_whatever_is_missing_in_them(tmp_path: Path) -> None:
    table = pa.table(
        {
            "small": pa.array([1, None, -128, None], pa.int8()),
            "big": pa.array([2**64 - 1, None, 7, None], pa.uint64()),
            "f": pa.array([None, None, 1e-300, 2.5], pa.float32()),
            "money": pa.array([Decimal("1.50"), None, None, Decimal("-0.05")]),
            "broken": pa.array([b"caf\xe9", None, b" <&> ", b"_x0041_"]).view(pa.string()),
            "nothing": pa.nulls(4),
        }
    )
    rows, about = sheets(content(store(tmp_path, table), "xlsx"))
    assert rows[1:] == [
        [1, str(2**64 - 1), "", 1.5, "caf\ufffd", ""],
        [""] * 6,
        [-128, 7, 0, "", " <&> ", ""],
        ["", "", 2.5, -0.05, "_x0041_", ""],
    ]
    assert any("1 numbers have more than 15 digits" in line for line in about)


def test_xlsx_has_dates_where_excel_has_them(tmp_path: Path) -> None:
    moments = [datetime(2024, 2, 29, 12, 30, tzinfo=UTC), datetime(1850, 1, 1, tzinfo=UTC), None]
    days = [date(1900, 3, 1), date(9999, 12, 31), date(1900, 2, 28)]
    table = pa.table(
        {
            "day": days,
            "moment": pa.array(moments, pa.timestamp("us", "UTC")),
            "fine": pa.array([moments[0] + timedelta(milliseconds=250)] * 3, pa.timestamp("ms")),
        }
    )
    rows, about = sheets(content(store(tmp_path, table), "xlsx"))
    assert [row[0] for row in rows[1:]] == [*days[:2], "1900-02-28"]
    assert [row[1] for row in rows[1:]] == [
        datetime(2024, 2, 29, 12, 30),  # noqa: DTZ001 - Excel has no zones
        "1850-01-01T00:00:00+00:00", "",
    ]  # fmt: skip
    assert rows[1][2] == datetime(2024, 2, 29, 12, 30, 0, 250_000)  # noqa: DTZ001
    assert any("2 dates lie outside" in line for line in about)
    assert "Times with a zone are in UTC." in about


def test_xlsx_cuts_long_cells_and_says_so(tmp_path: Path) -> None:
    fits, wide, long = "x" * CELL_CHARACTERS, "é" * 20_000, "😀" * 20_000
    table = pa.table({"t": [fits, wide, long, fits + "y"], "l": [["z" * 40_000]] * 4})
    rows, about = sheets(content(store(tmp_path, table), "xlsx"))
    assert [row[0] for row in rows[1:3]] == [fits, wide]
    for cut in (rows[3][0], rows[4][0], rows[1][1]):
        assert cut.endswith("… [cut]")
        assert len(cut.encode("utf-16-le")) // 2 <= CELL_CHARACTERS
    assert any(line.startswith("6 texts were longer than the 32,767") for line in about)


def test_xlsx_that_is_full_says_so(tmp_path: Path) -> None:
    stored = store(tmp_path, pa.table({"a": range(12_000)}), limit=20_000)
    selected = stored[0].select(stored[1])
    rows = ExportRows(
        schema=selected.table.schema,
        windows=lambda size: selected.windows(0, 12_000, size),
        row_count=12_000,
        is_cut=False,
        as_of=datetime.now(UTC),
        spill_folder=tmp_path / SPILL_FOLDER,
    )
    found, about = sheets(b"".join(xlsx_chunks(rows, max_bytes=400_000)))
    assert len(found) == 10_001
    assert any(line.startswith("The sheet is full: 2,000 more rows") for line in about)


def test_xlsx_has_a_limit_of_columns(tmp_path: Path) -> None:
    table = pa.table({f"c{number}": [1] for number in range(16_385)})
    stored = store(tmp_path, table)
    with pytest.raises(InvalidInput, match="16,384 columns"):
        export(stored[0].select(stored[1]), stored[1], "xlsx")


# --- all of them ----------------------------------------------------------------------------------


def count(extension: str, made: bytes) -> int:
    match extension:
        case "csv":
            return len(csv_rows(made)) - 1
        case "xlsx":
            return len(sheets(made)[0]) - 1
        case "parquet":
            return int(pq.read_table(io.BytesIO(made)).num_rows)
        case "json":
            return len(json.loads(made))
        case _:
            return len(made.splitlines())


@pytest.mark.parametrize("extension", EXPORT_FORMATS)
def test_files_honour_sort_filter_and_limit(tmp_path: Path, extension: str) -> None:
    results, result = store(tmp_path, pa.table({"a": range(30_000)}), limit=10**6)
    selected = results.select(
        result,
        [Order(member="a", descending=True)],
        [Filter(member="a", operator=FilterOperator.LT, values=("25000",))],
    )
    whole = export(selected, result, extension)
    assert (whole.row_count, whole.is_cut) == (25_000, False)
    assert count(extension, b"".join(whole.chunks)) == 25_000
    part = export(selected, result, extension, max_rows=7)
    assert (part.row_count, part.is_cut) == (7, True)
    made = b"".join(part.chunks)
    assert count(extension, made) == 7
    if extension == "csv":
        assert [row[0] for row in csv_rows(made)[1:]] == [str(24_999 - at) for at in range(7)]
    cut = replace(result, truncated=True)
    assert export(selected, cut, extension).is_cut
    if extension == "xlsx":
        about = sheets(b"".join(export(selected, cut, extension).chunks))[1]
        assert any(line.startswith("There are more rows than these first 25,000") for line in about)


@pytest.mark.parametrize("extension", EXPORT_FORMATS)
def test_files_come_in_pieces(tmp_path: Path, extension: str) -> None:
    """Memory stays small, and all but XLSX send the first piece long before the last row is read."""
    size = 100_000 if extension == "xlsx" else 300_000
    table = pa.table({"a": range(size), "b": [f"text {number}" for number in range(size)]})
    results, result = store(tmp_path, table, limit=10**6)
    del table
    tracemalloc.start()
    pieces = sizes(export(results.select(result), result, extension).chunks)
    found = list(pieces)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found) > 2
    assert peak < 25_000_000


def sizes(pieces: Iterator[bytes]) -> Iterator[int]:
    for piece in pieces:
        yield len(piece)


def test_the_sink_only_appends() -> None:
    sink = ChunkSink()
    assert sink.writable()
    assert not sink.readable()
    assert not sink.seekable()
    assert sink.write(b"ab") == 2
    assert sink.take() == b"ab"
    sink.write(memoryview(b"c"))
    sink.flush()
    sink.close()
    assert (sink.tell(), sink.take(), sink.take()) == (3, b"c", b"")
