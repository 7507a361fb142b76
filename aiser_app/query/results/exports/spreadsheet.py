"""XLSX by XlsxWriter: written into a file window by window, which is then read out in pieces.

Excel's limits are kept and told: rows per sheet, characters per cell, 15 digits per number, dates
from 1900-03-01. What does not fit becomes text, or is cut with a mark; the sheet “About” says so.
Text is always written as text, never as a formula, and marked so that editing it leaves it text.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from xlsxwriter import Workbook  # type: ignore[import-untyped]
from xlsxwriter.exceptions import (  # type: ignore[import-untyped]
    FileCreateError,
    FileSizeError,
)

from aiser_app.errors import InvalidInput, StorageFull
from aiser_app.query.results.exports.contract import ExportRows
from aiser_app.query.results.exports.exact_sheet import ExactSheet
from aiser_app.query.results.exports.sheet_cells import SheetCells
from aiser_app.query.results.exports.written_file import WrittenFile, private_folder
from aiser_app.query.results.files import FULL_DISK

SHEET_ROWS = 1_048_575
"""Rows of a sheet below its header."""
SHEET_COLUMNS = 16_384
SHEET_BYTES = 1_900_000_000
"""Once a sheet has so many, no more rows follow: from 2 GiB on a zip file needs extensions that
Excel refuses, and a window of rows is smaller than what is left to there."""
_ROWS = 5_000
_CELLS = 200_000
"""Most that are put together at once, however many columns a row has: they are in memory."""
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}


def xlsx_chunks(rows: ExportRows, *, max_bytes: int = SHEET_BYTES) -> WrittenFile:
    """The sheet “Data”, then “About”; complete on disk when this returns, under no name.

    Raises:
        InvalidInput: Excel has no room for so many columns, or for rows as large as these.
        StorageFull: there is no room on the disk.
    """
    if len(rows.schema) > SHEET_COLUMNS:
        raise InvalidInput(
            f"A sheet has at most {SHEET_COLUMNS:,} columns, the result {len(rows.schema):,}.",
            hint="Export it as CSV or Parquet.",
        )
    with _failures_in_words(), private_folder(rows.spill_folder) as folder:
        path = folder / "workbook"
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        written = _write(path, rows, max_bytes)
        return WrittenFile(path.open("rb"), row_count=written)


def _write(path: Path, rows: ExportRows, max_bytes: int) -> int:
    """The number of rows that found room."""
    book = Workbook(str(path), {**_OPTIONS, "tmpdir": str(path.parent)})
    try:
        sheet = book.add_worksheet("Data", worksheet_class=ExactSheet)
        sheet.freeze_panes(1, 0)
        about = book.add_worksheet("About", worksheet_class=ExactSheet)
        cells = SheetCells(book, sheet, rows.schema)
        cells.write_names()
        written = 0
        for window in rows.windows(_window_rows(len(rows.schema))):
            cells.write_rows(window, written + 1)
            written += window.num_rows
            if os.stat(sheet.row_data_filename).st_size > max_bytes:
                break
        for number, line in enumerate(_about(rows, cells, written)):
            about.write_string(number, 0, line)
        book.close()
    finally:
        _close_files(book)
    return written


def _window_rows(columns: int) -> int:
    return min(_ROWS, max(1, _CELLS // max(1, columns)))


def _close_files(book: Workbook) -> None:
    """XlsxWriter leaves files open when it fails."""
    for sheet in book.worksheets():
        for file in (sheet.fh, sheet.row_data_fh):
            with suppress(OSError):  # what could not be written is not wanted any more
                file.close()


@contextmanager
def _failures_in_words() -> Iterator[None]:
    try:
        yield
    except FileSizeError as error:
        raise InvalidInput(
            "The rows are too large for a workbook.", hint="Export them as CSV or Parquet."
        ) from error
    except (FileCreateError, OSError) as error:
        cause = error.args[0] if isinstance(error, FileCreateError) else error
        if cause.errno not in FULL_DISK:
            raise
        raise StorageFull(
            "There is no room left to write the workbook; nothing of it was kept.",
            hint="Export the result as CSV or Parquet, or ask an administrator to free disk space.",
        ) from error


def _about(rows: ExportRows, cells: SheetCells, written: int) -> list[str]:
    return [
        f"Rows in the sheet “Data”: {written:,}.",
        f"Age of the data: {rows.as_of.isoformat()}.",
        *_missing(rows, written),
        *cells.notes(),
    ]


def _missing(rows: ExportRows, written: int) -> list[str]:
    if written < rows.row_count:
        return [
            f"The sheet is full: {rows.row_count - written:,} more rows do not fit. "
            "Export the result as CSV or Parquet to get all of them."
        ]
    if rows.is_cut:
        return [f"There are more rows than these first {written:,}; totals over them are partial."]
    return []
