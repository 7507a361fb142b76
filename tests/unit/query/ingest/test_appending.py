"""Adding to a source, replacing in it, and attempts that were cut short."""

from __future__ import annotations

import os
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from aiser_app.domain.cancellation import CancelToken
from aiser_app.errors import InvalidInput, NotFound, StorageFull
from aiser_app.query.ingest import IngestMode, IngestOrder, Upload, ingest
from tests.unit.query.ingest.desk import Desk

FIRST = "id,city,amount,day\n1,Berlin,1.5,2024-01-02\n"


def test_rows_are_added_by_name(desk: Desk) -> None:
    desk.ingest("f.csv", FIRST)
    report = desk.table("f.csv", "Day,ID,City\n03.01.2024,2,Paris\n", mode=IngestMode.APPEND)
    assert (report.rows, report.total_rows) == (1, 2)
    assert any("lacks amount" in note for note in report.notes)
    assert desk.rows() == [
        (1, "Berlin", 1.5, date(2024, 1, 2)),
        (2, "Paris", None, date(2024, 1, 3)),
    ]


def test_rows_take_the_types_of_the_table(desk: Desk) -> None:
    desk.ingest("f.csv", "zip,p\n007,1.25\n", types={"p": "decimal"})
    desk.ingest("f.csv", "zip,p\n12,7\n", mode=IngestMode.APPEND)
    assert desk.rows() == [("007", Decimal("1.25")), ("12", Decimal("7.00"))]


def test_by_position_without_names(desk: Desk) -> None:
    desk.ingest("f.csv", FIRST)
    desk.ingest("f.csv", "2,Paris,2.5,2024-01-03\n", mode=IngestMode.APPEND)
    assert len(desk.rows()) == 2
    with pytest.raises(InvalidInput, match="not as many columns"):
        desk.ingest("f.csv", "2,3\n4,5\n", mode=IngestMode.APPEND)


def test_what_does_not_fit_is_refused_as_a_whole(desk: Desk) -> None:
    desk.ingest("f.csv", FIRST)
    before = desk.target.read_bytes()
    for content, message in (
        ("id,city\n2,x\nthree,y\n", "Column id .* integer: “three”"),
        ("id,town\n2,x\n", "no column for “town”"),
        ("id,day\n2,soon\n", "Column day"),
    ):
        with pytest.raises(InvalidInput, match=message):
            desk.ingest("f.csv", content, mode=IngestMode.APPEND)
    with pytest.raises(InvalidInput, match="take the table's types"):
        desk.ingest("f.csv", FIRST, mode=IngestMode.APPEND, types={"id": "text"})
    with pytest.raises(NotFound, match="no table"):
        desk.ingest("f.csv", FIRST, mode=IngestMode.APPEND, table="other")
    assert desk.target.read_bytes() == before


def test_short_lines_are_added_where_they_are_many(desk: Desk) -> None:
    desk.ingest("f.csv", "a,b,c\n1,2,3\n")
    report = desk.table("f.csv", "a,b,c\n" + "1,2,3\n4,5\n" * 10, mode=IngestMode.APPEND)
    assert (report.rows, report.total_rows, report.rejected_rows) == (20, 21, 0)


def test_several_tables_in_one_source(desk: Desk) -> None:
    desk.ingest("f.csv", FIRST)
    desk.ingest("g.csv", "x,y\n1,2\n", table="u")
    desk.ingest("f.csv", "a,b\n9,8\n", mode=IngestMode.REPLACE)
    assert desk.rows() == [(9, 8)]
    assert desk.rows("SELECT * FROM u") == [(1, 2)]


def test_replacing_all_of_it_starts_with_a_new_file(desk: Desk) -> None:
    desk.ingest("f.csv", "a,b\n" + "".join(f"{i},{i * 7919}x\n" for i in range(100_000)))
    large = desk.target.stat().st_size
    desk.ingest("f.csv", "a,b\n1,2\n", mode=IngestMode.REPLACE)
    assert desk.target.stat().st_size < large / 2
    desk.ingest("f.csv", "a,b\n1,2\n", mode=IngestMode.REPLACE, table="fresh")
    assert len(desk.rows()) == 1


def test_an_order_is_carried_out_once(desk: Desk) -> None:
    """A second attempt after a crash finds the mark, and what the first one would have said."""
    desk.ingest("f.csv", FIRST, mark="m1")
    first = desk.ingest("f.csv", FIRST, mode=IngestMode.APPEND, mark="m2")
    again = desk.ingest("f.csv", FIRST, mode=IngestMode.APPEND, mark="m2")
    assert again == first
    assert len(desk.rows()) == 2
    # The file is not even needed any more.
    order = IngestOrder(
        target=desk.target, folder=desk.scratch(), table="t", mode=IngestMode.APPEND, mark="m2"
    )
    gone = Upload(path=desk.folder / "gone", file_name="f.csv")
    assert ingest(gone, order, CancelToken(), desk.told.append) == first
    desk.ingest("f.csv", FIRST, mode=IngestMode.APPEND, mark="m3")
    assert len(desk.rows()) == 3
    assert desk.rows("SELECT sequence_name FROM duckdb_sequences()") == [("aiser_ingest_m3",)]


def test_a_file_that_is_gone(desk: Desk) -> None:
    order = IngestOrder(target=desk.target, folder=desk.scratch(), table="t")
    with pytest.raises(NotFound, match="gone"):
        ingest(Upload(path=desk.folder / "no", file_name="f.csv"), order, CancelToken(), print)


def test_no_room(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aiser_app.query.ingest.preparing.FREE_TIMES", 2**60)
    with pytest.raises(StorageFull):
        desk.ingest("f.csv", FIRST)
    assert not desk.target.exists()


def test_the_disk_fills_up_on_the_way(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.ingest("f.csv", FIRST)
    before = desk.target.read_bytes()

    def refuse(_path: Path, _target: Path) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="No space left"):
        desk.ingest("f.csv", FIRST, mode=IngestMode.APPEND)
    assert desk.target.read_bytes() == before
