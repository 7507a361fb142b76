"""Workbooks: each visible sheet with data is written as CSV of our own, and read like any other.

Cells keep what they are: whole numbers without a fraction, dates in ISO form, text as it stands.
"""

from __future__ import annotations

import csv
import datetime
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    XmlError,
    ZipError,
)

from aiser_app.domain.cancellation import CancelToken
from aiser_app.errors import InvalidInput
from aiser_app.query.ingest import limits
from aiser_app.query.ingest.archives import check_workbook
from aiser_app.query.ingest.connection import refuse_cancelled
from aiser_app.query.ingest.dialects import Dialect, is_header, too_many_columns

_BATCH_ROWS = 10_000
_FAILURES = (CalamineError, PasswordError, XmlError, ZipError, OSError, ValueError)
_EPOCH = datetime.date(1899, 12, 30)
"""Dates in cells are days since then; a time of day alone is on day zero."""

Cells = Sequence[Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sheet:
    """A sheet written as CSV."""

    name: str
    path: Path
    dialect: Dialect


def read_sheets(
    path: Path, folder: Path, cancel: CancelToken, *, most_rows: int | None = None
) -> list[Sheet]:
    """Every visible sheet with rows, in the order of the workbook.

    `most_rows` writes the beginning of each sheet only.

    Raises:
        InvalidInput: no workbook, protected, nothing in it, too many columns.
        PayloadTooLarge: it unpacks to too much.
    """
    check_workbook(path)
    sheets = []
    try:
        with CalamineWorkbook.from_path(str(path)) as workbook:
            for number, meta in enumerate(workbook.sheets_metadata):
                is_sheet = meta.typ is SheetTypeEnum.WorkSheet
                if is_sheet and meta.visible is SheetVisibleEnum.Visible:
                    content = workbook.get_sheet_by_index(number)
                    target = folder / f"sheet-{number}.csv"
                    sheet = _write(content, meta.name, target, cancel, most_rows)
                    if sheet is not None:
                        sheets.append(sheet)
    except _FAILURES as error:
        raise InvalidInput(
            "The workbook cannot be read: it is damaged or protected.",
            hint="Open it and save it again as .xlsx, without a password.",
        ) from error
    if not sheets:
        raise InvalidInput("The workbook has no sheet with rows.", hint="Choose one with rows.")
    if len(sheets) > limits.MAX_TABLES:
        raise InvalidInput(
            f"The workbook has {len(sheets)} sheets; at most {limits.MAX_TABLES} are accepted.",
            hint="Split it into several workbooks.",
        )
    return sheets


def _write(
    content: CalamineSheet, name: str, target: Path, cancel: CancelToken, most_rows: int | None
) -> Sheet | None:
    """None when the sheet has no rows under its header."""
    if content.width > limits.MAX_COLUMNS:
        raise too_many_columns(content.width)
    first, used = _table_within(content)
    if not used:
        return None
    header: tuple[str, ...] = ()
    sample: list[tuple[str, ...]] = []
    count = 0
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for position, cells in enumerate(content.iter_rows()):
            row = tuple(_text(cells[column]) for column in used)
            if position < first or not any(row):
                continue
            if position == first and _names_columns(content, first, used, row):
                header = row
                writer.writerow(row)
                continue
            if count % _BATCH_ROWS == 0:
                refuse_cancelled(cancel)
            if most_rows is not None and count >= most_rows:
                break
            writer.writerow(row)
            count += 1
            if len(sample) * len(row) < limits.SAMPLE_CELLS and len(sample) < limits.SAMPLE_ROWS:
                sample.append(tuple(text[: limits.SAMPLE_CHARS] for text in row))
    return Sheet(name=name, path=target, dialect=_dialect(header, sample, first)) if count else None


def _dialect(header: tuple[str, ...], rows: list[tuple[str, ...]], skipped: int) -> Dialect:
    notes = []
    if skipped:
        notes.append(f"{skipped} row{'s' if skipped > 1 else ''} above the table left out.")
    if not header:
        notes.append("The first row looks like data, so the columns were named by position.")
    return Dialect(
        delimiter=",",
        quote='"',
        escape='"',
        skip=0,
        width=len(rows[0]) if rows else len(header),
        header=header,
        rows=tuple(rows),
        notes=tuple(notes),
    )


def _table_within(content: CalamineSheet) -> tuple[int, list[int]]:
    """The row at which the table begins, below titles, and the columns that have something in it."""
    widths = [sum(_is_filled(cell) for cell in cells) for cells in _first_rows(content)]
    usual = Counter(width for width in widths if width).most_common(1)
    if not usual:
        return 0, []
    enough = usual[0][0] // 2 + 1
    first = next(i for i, width in enumerate(widths) if width >= enough)
    used: set[int] = set()
    for position, cells in enumerate(content.iter_rows()):
        if position >= first and len(used) < content.width:
            used.update(i for i, cell in enumerate(cells) if i not in used and _is_filled(cell))
    return first, sorted(used)


def _first_rows(content: CalamineSheet, most: int = 100) -> Iterator[Cells]:
    for _, cells in zip(range(most), content.iter_rows(), strict=False):
        yield cells


def _names_columns(
    content: CalamineSheet, first: int, used: list[int], row: tuple[str, ...]
) -> bool:
    below = [
        [_text(cells[column]) for column in used]
        for position, cells in enumerate(_first_rows(content, first + 200))
        if position > first
    ]
    return is_header(row, [cells for cells in below if any(cells)])


def _is_filled(cell: Any) -> bool:
    return cell not in ("", None)


def _text(cell: Any) -> str:
    """One cell as text that reads back as the same value."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell)
    if isinstance(cell, datetime.datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, datetime.date):
        return cell.isoformat()
    if isinstance(cell, datetime.timedelta):
        seconds = int(cell.total_seconds())
        return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    text = "" if cell is None else str(cell)
    return text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")
