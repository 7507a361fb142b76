"""Workbooks into tables."""

# ruff: noqa: DTZ001 - values in files have no zone

from __future__ import annotations

import datetime
import io
import zipfile
from pathlib import Path

import pytest

from aiser_app.errors import InvalidInput, PayloadTooLarge
from aiser_app.query.ingest import IngestMode, limits
from tests.unit.query.ingest.desk import Desk, workbook

DAY = datetime.date(2024, 1, 2)
MOMENT = datetime.datetime(2024, 1, 2, 3, 4, 5)


def rewritten(content: bytes, changes: dict[str, bytes | None]) -> bytes:
    """The workbook with other members, or without them."""
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            replaced = changes.get(name, old.read(name))
            if replaced is not None:
                new.writestr(name, replaced)
        for name, added in changes.items():
            if name not in old.namelist() and added is not None:
                new.writestr(name, added, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def test_cells_keep_what_they_are(desk: Desk, tmp_path: Path) -> None:
    rows = [
        ["id", "zip", "price", "ok", "day", "text"],
        [1, "007", 1.5, True, DAY, 'a "b", c'],
        [2, "12", 2, False, None, "two\nlines"],
    ]
    desk.ingest("b.xlsx", workbook(tmp_path, {"Orders": rows}))
    assert desk.types() == {
        "id": "BIGINT",
        "zip": "VARCHAR",
        "price": "DOUBLE",
        "ok": "BOOLEAN",
        "day": "DATE",
        "text": "VARCHAR",
    }
    assert desk.rows() == [
        (1, "007", 1.5, True, DAY, 'a "b", c'),
        (2, "12", 2.0, False, None, "two\nlines"),
    ]


def test_moments_and_durations(desk: Desk, tmp_path: Path) -> None:
    import xlsxwriter

    path = tmp_path / "x.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        long = book.add_format({"num_format": "[h]:mm:ss"})
        clock = book.add_format({"num_format": "hh:mm"})
        sheet.write_row(0, 0, ["at", "took", "clock"])
        sheet.write_datetime(1, 0, MOMENT, moment)
        sheet.write_number(1, 1, 1.5, long)
        sheet.write_datetime(1, 2, datetime.time(9, 30), clock)
    desk.ingest("x.xlsx", path.read_bytes())
    assert desk.rows() == [(MOMENT, "36:00:00", "09:30:00")]


def test_titles_above_and_empty_columns_beside(desk: Desk, tmp_path: Path) -> None:
    rows = [
        ["Report of March"],
        [],
        [None, "id", None, "name"],
        [None, 1, None, "x"],
        [],
        [None, 2, None, "y"],
    ]
    report = desk.table("b.xlsx", workbook(tmp_path, {"S": rows}))
    assert desk.rows() == [(1, "x"), (2, "y")]
    assert any("above the table" in note for note in report.notes)


def test_without_a_header(desk: Desk, tmp_path: Path) -> None:
    report = desk.table("b.xlsx", workbook(tmp_path, {"S": [[1, "x"], [2, "y"]]}))
    assert desk.rows() == [(1, "x"), (2, "y")]
    assert any("named by position" in note for note in report.notes)


def test_every_visible_sheet_becomes_a_table(desk: Desk, tmp_path: Path) -> None:
    sheets = {
        "Orders 2024": [["id"], [1], [2]],
        "Empty": [],
        "Names only": [["a", "b"]],
        "Secret": [["x"], [1]],
        "Items": [["id", "order"], [1, 1]],
    }
    report = desk.ingest("b.xlsx", workbook(tmp_path, sheets, Secret=True), table="shop")
    assert [table.name for table in report.tables] == ["shop_orders_2024", "shop_items"]
    assert report.rows == 3
    seen = desk.sniff("b.xlsx", workbook(tmp_path, sheets, Secret=True))
    assert [table.name for table in seen.tables] == ["Orders 2024", "Items"]


def test_append_takes_the_first_sheet(desk: Desk, tmp_path: Path) -> None:
    desk.ingest("b.xlsx", workbook(tmp_path, {"S": [["id"], [1]]}))
    report = desk.table(
        "b.xlsx",
        workbook(tmp_path, {"S": [["id"], [2]], "T": [["id"], [3]]}),
        mode=IngestMode.APPEND,
    )
    assert desk.rows() == [(1,), (2,)]
    assert any("first sheet" in note for note in report.notes)


def test_corrected_types_over_several_sheets(desk: Desk, tmp_path: Path) -> None:
    sheets = {"A": [["zip", "n"], [7, 1]], "B": [["code", "m"], [8, 2]]}
    content = workbook(tmp_path, sheets)
    desk.ingest("b.xlsx", content, types={"zip": "text", "code": "text"})
    assert desk.types("t_a") == {"zip": "VARCHAR", "n": "BIGINT"}
    assert desk.types("t_b") == {"code": "VARCHAR", "m": "BIGINT"}


def test_a_long_sheet(desk: Desk, tmp_path: Path) -> None:
    rows = [["id", "city"], *([i, "Berlin"] for i in range(25_000))]
    content = workbook(tmp_path, {"S": rows})
    assert len(desk.sniff("b.xlsx", content).tables[0].rows) == limits.PREVIEW_ROWS
    assert desk.table("b.xlsx", content).rows == 25_000


def test_external_entities_are_not_read(desk: Desk, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("canary")
    content = workbook(tmp_path, {"S": [["name", "x"], ["Ada", 1], ["Bob", 2]]})
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        strings = archive.read("xl/sharedStrings.xml").decode()
    entity = f'<!DOCTYPE x [<!ENTITY e SYSTEM "file://{secret}">]><sst'
    hostile = strings.replace("<sst", entity, 1).replace(">Ada<", ">&e;<")
    try:
        desk.ingest("b.xlsx", rewritten(content, {"xl/sharedStrings.xml": hostile.encode()}))
    except InvalidInput:
        assert not desk.target.exists()
    else:
        assert "canary" not in str(desk.rows())


@pytest.mark.parametrize("lost", ["xl/workbook.xml", "[Content_Types].xml"])
def test_no_workbook(desk: Desk, tmp_path: Path, lost: str) -> None:
    content = rewritten(workbook(tmp_path, {"S": [["a"], [1]]}), {lost: None})
    with pytest.raises(InvalidInput, match="is none"):
        desk.ingest("b.xlsx", content)


def test_damaged_workbooks(desk: Desk, tmp_path: Path) -> None:
    content = workbook(tmp_path, {"S": [["a"], [1]]})
    broken = {"xl/worksheets/sheet1.xml": b"<worksheet><sheetData><row"}
    for damaged, message in (
        (rewritten(content, {"xl/workbook.xml": b"<nonsense"}), "cannot be read|no sheet"),
        (rewritten(content, broken), "cannot be read|no sheet"),
        (content[:-40], "damaged"),
        (content[:200] + b"\xff" * 200 + content[400:], "damaged"),
    ):
        with pytest.raises(InvalidInput, match=message):
            desk.ingest("b.xlsx", damaged)
    assert not desk.target.exists()


def test_workbooks_without_rows(desk: Desk, tmp_path: Path) -> None:
    for sheets in ({"S": []}, {"S": [["a", "b"]]}):
        with pytest.raises(InvalidInput, match="no sheet with rows"):
            desk.ingest("b.xlsx", workbook(tmp_path, sheets))


def test_too_much_of_it(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wide = workbook(tmp_path, {"S": [[f"c{i}" for i in range(2_001)], list(range(2_001))]})
    with pytest.raises(InvalidInput, match="2,001 columns"):
        desk.ingest("b.xlsx", wide)
    many = workbook(tmp_path, {f"S{i}": [["a"], [1]] for i in range(51)})
    with pytest.raises(InvalidInput, match="51 sheets"):
        desk.ingest("b.xlsx", many)
    bomb = rewritten(
        workbook(tmp_path, {"S": [["a"], [1]]}), {"xl/media/x.bin": b"\0" * 64 * limits.MEGABYTE}
    )
    with pytest.raises(InvalidInput, match="200 times"):
        desk.ingest("b.xlsx", bomb)
    monkeypatch.setattr(limits, "MAX_WORKBOOK_BYTES", 10_000)
    with pytest.raises(PayloadTooLarge, match="unpacks to more"):
        desk.ingest("b.xlsx", many)


def test_an_old_workbook(desk: Desk) -> None:
    with pytest.raises(InvalidInput, match="old or a protected"):
        desk.ingest("b.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
