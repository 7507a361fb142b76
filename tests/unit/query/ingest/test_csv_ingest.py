"""Delimited text into tables: delimiters, headers, encodings, types, and lines that do not fit."""

# ruff: noqa: DTZ001 - values in files have no zone

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import pytest

from aiser_app.domain.cancellation import CancelToken
from aiser_app.errors import AiserError, Conflict, InvalidInput, QueryCancelled, StorageFull
from aiser_app.query.ingest import IngestMode, check_types
from aiser_app.query.ingest.connection import as_ingest_error
from tests.unit.query.ingest.desk import Desk


def test_a_plain_file(desk: Desk) -> None:
    report = desk.ingest("orders.csv", "id,city,amount\n1,Berlin,2.50\n2,Paris,3\n")
    (table,) = report.tables
    assert (report.rows, report.rejected_rows, table.total_rows) == (2, 0, 2)
    assert desk.rows() == [(1, "Berlin", 2.5), (2, "Paris", 3.0)]
    assert [(c.name, c.original, c.type) for c in table.columns] == [
        ("id", "id", "integer"),
        ("city", "city", "text"),
        ("amount", "amount", "number"),
    ]
    assert desk.target.stat().st_mode & 0o777 == 0o600
    assert desk.told[0].step == "unpack"
    assert desk.told[-1].rows == 2


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"], ids=["comma", "semi", "tab", "pipe"])
def test_delimiters_and_line_ends(desk: Desk, delimiter: str, end: str) -> None:
    lines = [["id", "name"], ["1", "a b"], ["2", f'"x{delimiter}y"'], ["3", '"say ""hi"""']]
    desk.ingest("f.csv", end.join(delimiter.join(line) for line in lines) + end)
    assert desk.rows() == [(1, "a b"), (2, f"x{delimiter}y"), (3, 'say "hi"')]


def test_mixed_line_ends(desk: Desk) -> None:
    desk.ingest("f.csv", "a,b\n1,2\r\n3,4\n5,6\r\n")
    assert desk.rows() == [(1, 2), (3, 4), (5, 6)]


def test_a_single_column(desk: Desk) -> None:
    desk.ingest("f.txt", "name\nAda, the first\nBob\n")
    assert desk.rows() == [("Ada, the first",), ("Bob",)]


def test_values_over_several_lines(desk: Desk) -> None:
    desk.ingest("f.csv", 'id,text\n1,"two\nlines"\n2,one\n')
    assert desk.rows() == [(1, "two\nlines"), (2, "one")]


def test_backslashes_before_quotes(desk: Desk) -> None:
    desk.ingest("f.csv", 'id,text\n1,"say \\"hi\\", now"\n2,"x"\n3,""\n')
    assert desk.rows() == [(1, 'say "hi", now'), (2, "x"), (3, None)]


@pytest.mark.parametrize("content", ["sep=;\r\na;b\r\n1;2\r\n", "sep=|\na|b\n1|2\n"])
def test_a_line_that_names_the_delimiter(desk: Desk, content: str) -> None:
    desk.ingest("f.csv", content)
    assert list(desk.types()) == ["a", "b"]
    assert desk.rows() == [(1, 2)]


def test_tab_separated_with_commas(desk: Desk) -> None:
    desk.ingest("f.tsv", "a\tb\n1,5\t2,5\n3,5\t4,5\n")
    assert desk.rows() == [(1.5, 2.5), (3.5, 4.5)]


@pytest.mark.parametrize(
    ("encoding", "named"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
        ("windows-1252", "windows-1252"),
    ],
)
def test_encodings(desk: Desk, encoding: str, named: str) -> None:
    content = "id;Straße\n1;Köln\n2;“Zürich”\n".encode(encoding)
    assert desk.sniff("f.csv", content).encoding == named
    report = desk.ingest("f.csv", content)
    assert desk.rows() == [(1, "Köln"), (2, "“Zürich”")]
    assert list(desk.types()) == ["id", "straße"]
    notes = report.notes + report.tables[0].notes
    assert any("Windows-1252" in note for note in notes) == (encoding == "windows-1252")


def test_damaged_utf8_names_the_row(desk: Desk) -> None:
    content = b"a,b\n" + "ä,ö\n".encode() * 1500 + b"\xff\xfe,x\n" + "ü,ß\n".encode()
    with pytest.raises(InvalidInput, match=r"Row 1,502 contains bytes"):
        desk.ingest("f.csv", content)
    assert not desk.target.exists()


def test_utf8_cut_in_the_middle_of_a_letter(desk: Desk) -> None:
    with pytest.raises(InvalidInput, match=r"Row 3 contains"):
        desk.ingest("f.csv", "a\nää\nö".encode()[:-1])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b" \n\t\n", "empty"),
        (b"\xef\xbb\xbf\n \n", "empty"),
        (b"a,b\n", "no rows"),
        (b"a,b\n" + b"1,2\n" * 99 + b"1,\x002\n", "Row 101 has a zero byte"),
        (bytes(range(256)) * 64, "not a text file"),
        (b"\x00\x01\x02" * 500, "not a text file"),
        (b"a,b\n\x81\x8d,1\n", "not text"),
        ("a,b\n1,2\n".encode("utf-16") + b"\x00", "not valid UTF-16"),
        ("a,b\n1,\x00\n".encode("utf-16"), "not a text file"),
        (",".join(f"c{i}" for i in range(10_000)).encode() + b"\n1\n", "10,000 columns"),
    ],
    ids=lambda value: repr(value[:12]),
)
def test_files_that_are_no_tables(desk: Desk, content: bytes, message: str) -> None:
    for call in (desk.ingest, desk.sniff):
        with pytest.raises(InvalidInput, match=message):
            call("f.csv", content)
    assert not desk.target.exists()


def typed(
    desk: Desk, *values: str, header: str = "v", **options: object
) -> tuple[str, list[object]]:
    """The type that a column of these values gets, and what they become."""
    rows = "".join(f'"{value}"\tx\n' for value in values)
    desk.ingest("f.tsv", f"{header}\tother\n{rows}", mode=IngestMode.REPLACE, **options)  # type: ignore[arg-type]
    return next(iter(desk.types().values())), [row[0] for row in desk.rows()]


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (("1", "-2", "0"), "BIGINT", [1, -2, 0]),
        (("1", "", "NA", "n/a", "NULL", "-"), "BIGINT", [1, None, None, None, None, None]),
        (("007", "12"), "VARCHAR", ["007", "12"]),
        (("9223372036854775807", "1"), "BIGINT", [2**63 - 1, 1]),
        (("9223372036854775808", "1"), "DECIMAL(38,0)", [Decimal(2**63), Decimal(1)]),
        (("9" * 39, "1"), "VARCHAR", ["9" * 39, "1"]),
        (("1.5", "2", "-.5", "1e3"), "DOUBLE", [1.5, 2.0, -0.5, 1000.0]),
        (("1.5", "x"), "VARCHAR", ["1.5", "x"]),
        (("12345678901234567.5", "1"), "VARCHAR", ["12345678901234567.5", "1"]),
        (("inf", "1"), "VARCHAR", ["inf", "1"]),
        (("0x1A", "1"), "VARCHAR", ["0x1A", "1"]),
        (("1_000", "1"), "VARCHAR", ["1_000", "1"]),
        (("1,234", "12,345,678"), "BIGINT", [1234, 12345678]),
        (("1,234.50", "7"), "DOUBLE", [1234.5, 7.0]),
        (("1.234,56", "7,00"), "DOUBLE", [1234.56, 7.0]),
        (("1\u00a0234,5", "7,1"), "DOUBLE", [1234.5, 7.1]),
        (("1 234", "12 345"), "BIGINT", [1234, 12345]),
        (("1'234.5", "7.25"), "DOUBLE", [1234.5, 7.25]),
        (("$1,234.50", "$7"), "DOUBLE", [1234.5, 7.0]),
        (("1.234,50 €", "-7,25 €"), "DOUBLE", [1234.5, -7.25]),
        (("+49 171 123", "+49 172 124"), "VARCHAR", ["+49 171 123", "+49 172 124"]),
        (("12%", "13%"), "VARCHAR", ["12%", "13%"]),
        (("true", "FALSE", ""), "BOOLEAN", [True, False, None]),
        (("yes", "no"), "BOOLEAN", [True, False]),
        (("y", "n"), "VARCHAR", ["y", "n"]),
        (("0", "1"), "BIGINT", [0, 1]),
        (("2024-02-29", "2023-01-01"), "DATE", [date(2024, 2, 29), date(2023, 1, 1)]),
        (("2023-02-29", "2023-01-01"), "VARCHAR", ["2023-02-29", "2023-01-01"]),
        (("31.12.2024", "1.2.2025"), "DATE", [date(2024, 12, 31), date(2025, 2, 1)]),
        (("12/31/2024", "01/02/2025"), "DATE", [date(2024, 12, 31), date(2025, 1, 2)]),
        (("31/12/2024", "01/02/2025"), "DATE", [date(2024, 12, 31), date(2025, 2, 1)]),
        (("12/31/2024", "31/12/2024"), "VARCHAR", ["12/31/2024", "31/12/2024"]),
        (("5 Jan 2024", "17 FEB 2024"), "DATE", [date(2024, 1, 5), date(2024, 2, 17)]),
        (("May 5, 2024", "January 7, 2024"), "DATE", [date(2024, 5, 5), date(2024, 1, 7)]),
        (("2024/03/01", "2024/3/2"), "DATE", [date(2024, 3, 1), date(2024, 3, 2)]),
        (
            ("2024-01-02 03:04", "2024-01-02T03:04:05.25", "2024-01-03"),
            "TIMESTAMP",
            [
                datetime(2024, 1, 2, 3, 4),
                datetime(2024, 1, 2, 3, 4, 5, 250_000),
                datetime(2024, 1, 3),
            ],
        ),
        (
            ("2024-01-02T03:04:05Z", "2024-01-02T03:04:05+02:00"),
            "TIMESTAMP WITH TIME ZONE",
            [datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), datetime(2024, 1, 2, 1, 4, 5, tzinfo=UTC)],
        ),
        (
            ("31.12.2024 23:59", "01.02.2025 1:02:03"),
            "TIMESTAMP",
            [datetime(2024, 12, 31, 23, 59), datetime(2025, 2, 1, 1, 2, 3)],
        ),
        (
            ("12/31/2024 11:59 PM", "01/02/2025 12:00 am"),
            "TIMESTAMP",
            [datetime(2024, 12, 31, 23, 59), datetime(2025, 1, 2)],
        ),
        (("12:30", "13:45"), "VARCHAR", ["12:30", "13:45"]),
        (("", "NA", ""), "VARCHAR", [None, "NA", None]),
        (("a", "a"), "VARCHAR", ["a", "a"]),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_types(desk: Desk, values: tuple[str, ...], kind: str, expected: list[object]) -> None:
    assert typed(desk, *values) == (kind, expected)


def test_a_day_that_could_be_a_month_is_mentioned(desk: Desk) -> None:
    american = desk.table("f.csv", "d,x\n01/02/2024,a\n03/04/2024,b\n")
    assert "month before day" in american.columns[0].note
    assert "other way round" in american.columns[0].note
    assert desk.rows()[0][0] == date(2024, 1, 2)
    european = desk.table("f.csv", "d;x\n01/02/2024;1,5\n03/04/2024;2,5\n", mode=IngestMode.REPLACE)
    assert "day before month" in european.columns[0].note
    assert desk.rows()[0][0] == date(2024, 2, 1)


def test_points_are_thousands_where_commas_are_decimals(desk: Desk) -> None:
    desk.ingest("f.csv", "a;b\n1.234;0,5\n5.678;1,25\n")
    assert desk.rows() == [(1234, 0.5), (5678, 1.25)]


def test_what_the_sample_did_not_show(desk: Desk) -> None:
    """The first rows fit one type, later ones another: the whole file decides."""
    rows = [f"{i},{i}.5,2024-01-01,01/02/2024" for i in range(3000)]
    rows += ["x1,n/a,2024-01-01 10:00,13/02/2024", "007,1.5,2024-01-02,14/02/2024"]
    report = desk.table("f.csv", "code,amount,seen,day\n" + "\n".join(rows) + "\n")
    assert report.rows == 3002
    assert desk.types() == {
        "code": "VARCHAR",
        "amount": "DOUBLE",
        "seen": "TIMESTAMP",
        "day": "DATE",
    }
    assert desk.rows("SELECT * FROM t WHERE code IN ('x1', '007') ORDER BY code") == [
        ("007", 1.5, datetime(2024, 1, 2), date(2024, 2, 14)),
        ("x1", None, datetime(2024, 1, 1, 10), date(2024, 2, 13)),
    ]


def test_lines_that_do_not_fit_are_counted_and_shown(desk: Desk) -> None:
    rows = "".join(f"{i},{i},{i}\n" for i in range(500))
    content = f'a,b,c\n{rows}1,2,3,4\nTotal\n5,"x"y,6\n'
    report = desk.table("f.csv", content)
    assert (report.rows, report.rejected_rows) == (500, 3)
    assert [(r.line, r.text) for r in report.rejected] == [
        (502, "1,2,3,4"),
        (503, "Total"),
        (504, '5,"x"y,6'),
    ]
    assert "more values" in report.rejected[0].reason
    assert "fewer values" in report.rejected[1].reason
    assert "quote" in report.rejected[2].reason


def test_short_lines_are_rows_where_they_are_many(desk: Desk) -> None:
    report = desk.table("f.csv", "a,b,c\n" + "1,2,3\n4,5\n" * 50)
    assert (report.rows, report.rejected_rows) == (100, 0)
    assert desk.rows("SELECT count(*) FROM t WHERE c IS NULL") == [(50,)]
    assert any("fewer values" in note for note in report.notes)


def test_a_file_whose_lines_do_not_fit_is_refused(desk: Desk) -> None:
    first = "".join(f"{i},{i}\n" for i in range(1_500))
    later = "".join(f"{i},{i},{i}\n" for i in range(5_000))
    with pytest.raises(InvalidInput, match=r"Most lines .* Line 1,502"):
        desk.ingest("f.csv", f"a,b\n{first}{later}")
    with pytest.raises(InvalidInput, match=r"Line 2: A quote is not closed"):
        desk.ingest("f.csv", 'a,b\n1,"unterminated\n3,4\n5,6\n')


def test_a_long_line(desk: Desk) -> None:
    million = "x" * 1_000_000
    report = desk.table("f.csv", f"a,b\n1,{million}\n2,{million * 3}\n3,y\n")
    assert (report.rows, report.rejected_rows) == (2, 1)
    assert "too long" in report.rejected[0].reason
    assert desk.rows("SELECT a, length(b) FROM t ORDER BY a") == [(1, 1_000_000), (3, 1)]


def test_two_thousand_columns(desk: Desk) -> None:
    header = ",".join(f"c{i}" for i in range(2_000))
    row = ",".join(str(i) for i in range(2_000))
    assert len(desk.table("f.csv", f"{header}\n{row}\n{row}\n").columns) == 2_000
    assert desk.rows("SELECT c0, c1999 FROM t LIMIT 1") == [(0, 1999)]


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("1,a\n2,b\n", ["column_1", "column_2"]),
        ("x,2024-01-01\ny,2024-01-02\n", ["column_1", "column_2"]),
        ("paid,berlin\nopen,paris\npaid,rome\n", ["column_1", "column_2"]),
        ("Country,2019,2020\nFrance,1,2\n", ["country", "c_2019", "c_2020"]),
        ("2019,2019\n1,2\n", ["column_1", "column_2"]),
        ("x,1985\ny,1990\n", ["column_1", "column_2"]),
        (",,\n1,2,3\n", ["column_1", "column_2", "column_3"]),
        ("id,,id,ID\n1,2,3,4\n", ["id", "column_2", "id_2", "id_3"]),
        ("order,Group By,select\n1,2,3\n", ["order_", "group_by", "select_"]),
        ("customerID,orderDate,HTTPCode\n1,2,3\n", ["customer_id", "order_date", "http_code"]),
        ("Umsatz (netto) €;Größe\n1;2\n", ["umsatz_netto", "größe"]),
        ("город,名前\n1,2\n", ["город", "名前"]),
        (f"{'n' * 300},{'n' * 300}\n1,2\n", ["n" * 60, f"{'n' * 52}_2"]),
        ('"; DROP TABLE x; --",b\n1,2\n', ["drop_table_x", "b"]),
        ("<img src=x onerror=alert(1)>,b\n1,2\n", ["img_src_x_onerror_alert_1", "b"]),
        ("\u202eabc,\u200b\n1,2\n", ["abc", "column_2"]),
        ('"a""b",c\n1,2\n', ["a_b", "c"]),
        ("Report of March\n\nid,name\n1,x\n2,y\n", ["id", "name"]),
        ("# made by hand\nid,name\n1,x\n2,y\n", ["id", "name"]),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_names_of_columns(desk: Desk, content: str, names: list[str]) -> None:
    report = desk.table("f.csv", content)
    assert list(desk.types()) == names
    assert [column.name for column in report.columns] == names


def test_former_names_are_kept_as_comments(desk: Desk) -> None:
    report = desk.table("f.csv", "Umsatz (netto) €;id\n1;2\n")
    assert report.columns[0].original == "Umsatz (netto) €"
    assert desk.rows(
        "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 't'"
    ) == [("umsatz_netto", "Umsatz (netto) €"), ("id", None)]


def test_content_that_looks_like_sql_is_content(desk: Desk) -> None:
    hostile = ["'); DROP TABLE t; --", "read_csv('/etc/passwd')", "{x}", "${HOME}", "=cmd|' /C'!A0"]
    rows = "".join(f'"{text}",1\n' for text in hostile)
    desk.ingest("f.csv", f"a,b\n{rows}")
    assert [row[0] for row in desk.rows()] == hostile


# Corrected types


def test_corrected_types(desk: Desk) -> None:
    types = {
        "zip": "integer",
        "n": "text",
        "price": "decimal",
        "on": "boolean",
        "day": "date:dmy",
        "seen": "timestamp",
        "share": "number",
    }
    content = (
        "zip,n,price,on,day,seen,share\n"
        "007,1,1.25,1,01/02/2024,2024-01-02,3\n"
        "12,2,2.5,0,03/04/2024,2024-01-03,4\n"
        "x,3,y,maybe,z,w,\n"
    )
    report = desk.table("f.csv", content, types=types)
    assert desk.types() == {
        "zip": "BIGINT",
        "n": "VARCHAR",
        "price": "DECIMAL(38,2)",
        "on_": "BOOLEAN",
        "day": "DATE",
        "seen": "TIMESTAMP",
        "share": "DOUBLE",
    }
    assert desk.rows() == [
        (7, "1", Decimal("1.25"), True, date(2024, 2, 1), datetime(2024, 1, 2), 3.0),
        (12, "2", Decimal("2.50"), False, date(2024, 4, 3), datetime(2024, 1, 3), 4.0),
        (None, "3", None, None, None, None, None),
    ]
    assert [(u.column, u.count, u.examples) for u in report.unfit] == [
        ("zip", 1, ("x",)),
        ("price", 1, ("y",)),
        ("on_", 1, ("maybe",)),
        ("day", 1, ("z",)),
        ("seen", 1, ("w",)),
    ]


def test_a_decimal_out_of_commas(desk: Desk) -> None:
    desk.ingest("f.csv", "p;x\n1.234,567;a\n2,5;b\n", types={"p": "decimal"})
    assert desk.types()["p"] == "DECIMAL(38,3)"
    assert desk.rows()[0][0] == Decimal("1234.567")


def test_a_date_out_of_timestamps(desk: Desk) -> None:
    desk.ingest("f.csv", "d,x\n2024-01-02 03:04,a\n", types={"d": "date"})
    assert desk.rows()[0][0] == date(2024, 1, 2)


@pytest.mark.parametrize("wanted", ["money", "", "date:abc", "integer:dmy", "INTEGER; DROP"])
def test_types_that_there_are_not(desk: Desk, wanted: str) -> None:
    with pytest.raises(InvalidInput, match="not a type"):
        desk.ingest("f.csv", "a,b\n1,2\n", types={"a": wanted})


def test_types_are_checked_without_a_file() -> None:
    check_types({"a": "text", "b": "date:mdy"})
    with pytest.raises(InvalidInput):
        check_types({"a": "money"})


def test_errors_of_the_engine_in_plain_words() -> None:
    memory = as_ingest_error(duckdb.OutOfMemoryException("Out of Memory Error: failed to pin"))
    disk = as_ingest_error(duckdb.OutOfMemoryException("… max_temp_directory_size …"))
    other = as_ingest_error(duckdb.InvalidInputException("Invalid: /secret/path"))
    full = as_ingest_error(duckdb.IOException("Could not write file /x: No space left on device"))
    torn = as_ingest_error(duckdb.IOException("IO Error: Snappy decompression failure"))
    assert [type(error) for error in (memory, disk, other, full, torn)] == [
        InvalidInput,
        StorageFull,
        InvalidInput,
        StorageFull,
        InvalidInput,
    ]
    assert "secret" not in other.message


def test_a_type_for_a_column_that_there_is_not(desk: Desk) -> None:
    with pytest.raises(InvalidInput, match=r"no column “zip”"):
        desk.ingest("f.csv", "a,b\n1,2\n", types={"zip": "text"})
    assert not desk.target.exists()


# Stop


def test_a_stop_leaves_nothing(desk: Desk) -> None:
    desk.cancel.cancel()
    with pytest.raises(QueryCancelled):
        desk.ingest("f.csv", "a,b\n1,2\n")
    assert not desk.target.exists()


def test_a_stop_while_rows_are_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiser_app.query.ingest.connection.POLL_SECONDS", 0.001)
    content = "a,b\n" + "1,2\n" * 3_000_000
    token = CancelToken()
    desk.cancel = token

    class Stopping(list[object]):
        def append(self, item: object) -> None:
            if getattr(item, "step", "") == "read":
                token.cancel()

    desk.told = Stopping()  # type: ignore[assignment]
    with pytest.raises(QueryCancelled):
        desk.ingest("f.csv", content)
    assert not desk.target.exists()


def test_the_table_must_be_new(desk: Desk) -> None:
    desk.ingest("f.csv", "a,b\n1,2\n")
    before = desk.target.read_bytes()
    with pytest.raises(Conflict, match="already has a table"):
        desk.ingest("f.csv", "a,b\n3,4\n")
    with pytest.raises(AiserError):
        desk.ingest("f.csv", b"", mode=IngestMode.REPLACE)
    assert desk.target.read_bytes() == before


def test_a_path_that_ends_with_a_backslash(desk: Desk) -> None:
    desk.ingest("f.csv", 'path,n\n"C:\\dir\\",1\n"D:\\",2\n')
    assert desk.rows() == [("C:\\dir\\", 1), ("D:\\", 2)]


def test_very_long_values_take_no_time_to_judge(desk: Desk) -> None:
    digits = "1" * 1_000_000
    desk.ingest("f.csv", f"{digits}x,b\n{digits},2\n")
    assert list(desk.types().values()) == ["VARCHAR", "BIGINT"]
