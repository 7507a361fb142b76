"""What lies on the disk while a workbook is made, and what happens when it cannot be made."""

from __future__ import annotations

import errno
import os
import resource
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from aiser_app.errors import InvalidInput, StorageFull
from aiser_app.query.results.exports import EXPORT_FORMATS, export
from aiser_app.query.results.exports.contract import ExportRows
from aiser_app.query.results.exports.spreadsheet import xlsx_chunks
from aiser_app.query.results.exports.written_file import WrittenFile
from aiser_app.query.results.files import SPILL_FOLDER, remove_leftovers
from tests.unit.query.builders import store

TABLE = pa.table({"a": range(20_000), "b": ["text"] * 20_000})


def given_rows(folder: Path, windows: list[pa.Table] | Iterator[pa.Table]) -> ExportRows:
    return ExportRows(
        schema=TABLE.schema,
        windows=lambda _: iter(windows),
        row_count=TABLE.num_rows,
        is_cut=False,
        as_of=datetime.now(UTC),
        spill_folder=folder,
    )


def left_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_only_the_owner_may_read_what_is_written(tmp_path: Path) -> None:
    seen = []

    def windows() -> Iterator[pa.Table]:
        yield TABLE
        seen.extend((path, path.stat()) for path in (tmp_path / "spill").rglob("*"))

    before = os.umask(0)
    try:
        made = xlsx_chunks(given_rows(tmp_path / "spill", windows()))
    finally:
        os.umask(before)
    assert len(seen) >= 4  # two folders, the workbook, its parts
    assert {stat.S_IMODE(f.st_mode) for _, f in seen if stat.S_ISREG(f.st_mode)} == {0o600}
    assert {stat.S_IMODE(f.st_mode) for _, f in seen if stat.S_ISDIR(f.st_mode)} == {0o700}
    assert left_in(tmp_path) == []  # it has no name while it is sent
    assert b"".join(made).startswith(b"PK")
    assert list(made) == []


def test_a_workbook_can_be_left_half_read(tmp_path: Path) -> None:
    file = (tmp_path / "file").open("wb+")
    file.write(bytes(1_000_000))
    file.seek(0)
    made = WrittenFile(file, row_count=1)
    assert next(made)
    made.close()
    made.close()
    assert file.closed
    assert list(made) == []


def test_a_forgotten_workbook_is_closed(tmp_path: Path) -> None:
    file = (tmp_path / "file").open("wb+")
    made = WrittenFile(file, row_count=1)
    del made
    assert file.closed


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The system refuses to write more, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_that_fills_up_is_told_before_the_first_byte(tmp_path: Path) -> None:
    results, result = store(tmp_path, TABLE, limit=10**6)
    selected = results.select(result)
    with files_of_at_most(300_000), pytest.raises(StorageFull, match="no room left") as caught:
        export(selected, result, "xlsx")
    assert caught.value.http_status == 507
    assert str(tmp_path) not in f"{caught.value.message} {caught.value.hint}"
    assert left_in(tmp_path / SPILL_FOLDER) == []


def failing_with(number: int) -> Any:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(number, "trouble")

    return fail


def test_a_disk_that_fills_up_while_packing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zipfile.ZipFile.write", failing_with(errno.ENOSPC))
    with pytest.raises(StorageFull):
        xlsx_chunks(given_rows(tmp_path, [TABLE]))
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    "place", ["zipfile.ZipFile.write", "aiser_app.query.results.exports.spreadsheet.os.stat"]
)
def test_other_troubles_are_not_called_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    given = given_rows(tmp_path, [TABLE])
    with monkeypatch.context() as patch:
        patch.setattr(place, failing_with(errno.EIO))
        with pytest.raises(Exception, match="trouble") as caught:
            xlsx_chunks(given)
    assert not isinstance(caught.value, StorageFull)


def test_failing_rows_leave_nothing(tmp_path: Path) -> None:
    def windows() -> Iterator[pa.Table]:
        yield TABLE
        raise pa.ArrowInvalid("damaged")

    with pytest.raises(pa.ArrowInvalid):
        xlsx_chunks(given_rows(tmp_path, windows()))
    assert left_in(tmp_path) == []


def test_a_sheet_beyond_what_excel_opens_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a window of hundreds of megabytes gets beyond the limit that ends a sheet."""
    monkeypatch.setattr("zipfile.ZIP64_LIMIT", 100_000)
    with pytest.raises(InvalidInput, match="too large for a workbook"):
        xlsx_chunks(given_rows(tmp_path, [TABLE]))
    assert left_in(tmp_path) == []


def test_rows_that_found_no_room_are_missing_in_the_facts_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    results, result = store(tmp_path, TABLE, limit=10**6)
    small = replace(EXPORT_FORMATS["xlsx"], chunks=lambda rows: xlsx_chunks(rows, max_bytes=1))
    monkeypatch.setitem(EXPORT_FORMATS, "xlsx", small)
    made = export(results.select(result), result, "xlsx")
    assert (made.row_count, made.is_cut) == (5_000, True)
    made.chunks.close()


def test_every_row_is_a_row(tmp_path: Path) -> None:
    """Also those without a value."""
    values = [None, 1, None]
    table = pa.table({"a": pa.array(values, pa.int64()), "f": pa.array(values, pa.float64())})
    results, result = store(tmp_path, table)
    made = b"".join(export(results.select(result), result, "xlsx").chunks)
    with zipfile.ZipFile(BytesIO(made)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert [f'<row r="{number}"' in sheet for number in range(1, 6)] == [True] * 4 + [False]


def test_large_rows_come_in_small_windows(tmp_path: Path) -> None:
    """A hundred rows of 400 kB are never in memory together."""
    results, stored = store(tmp_path, pa.table({"a": ["x" * 400_000] * 100}))
    result = replace(stored, byte_count=40_000_000)
    pieces = list(export(results.select(result), result, "ndjson").chunks)
    assert len(pieces) == 3
    assert b"".join(pieces).count(b"\n") == 100


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    folder = tmp_path / SPILL_FOLDER / "workbooks" / "dead"
    folder.mkdir(parents=True)
    (folder / "workbook").write_bytes(b"half")
    assert remove_leftovers(tmp_path) == 0  # it could be alive
    os.utime(folder / "workbook", (0, 0))  # as XlsxWriter does while it packs
    assert remove_leftovers(tmp_path) == 0
    os.utime(folder, (0, 0))
    assert remove_leftovers(tmp_path) == 1
    assert not folder.parent.exists()
