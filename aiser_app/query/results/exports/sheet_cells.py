"""Columns of a result as cells of a sheet, a window at a time."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
from xlsxwriter import Workbook  # type: ignore[import-untyped]

from aiser_app.query.results.columns import is_number_as_text
from aiser_app.query.results.conversion import UNITS_PER_SECOND
from aiser_app.query.results.exports.exact_sheet import ExactNumber, ExactSheet
from aiser_app.query.results.values import (
    has_text_form,
    is_formula,
    json_texts,
    strings,
    texts,
)

CELL_CHARACTERS = 32_767
"""Most UTF-16 units of one cell."""
CUT_MARK = " … [cut]"
_DIGITS = 15
"""From here on Excel rounds."""
_EXACT = 10**_DIGITS
_UNIX_DAY = 25_569
"""Excel's number of 1970-01-01."""
_FIRST_DAY, _LAST_DAY = 61, 2_958_465
"""1900-03-01, before which Excel counts a day that never was, and 9999-12-31."""
_PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")

Cell: TypeAlias = tuple[Callable[..., Any], Any, Any] | None
"""How it is written, its value, its format; None is an empty one."""


class SheetCells:
    """Writes windows of rows into a sheet, and remembers what had to be changed.

    Each cell is written by the method of its type: XlsxWriter never guesses what a value may be.
    """

    def __init__(self, book: Workbook, sheet: ExactSheet, schema: pa.Schema) -> None:
        self._sheet = sheet
        self._schema = schema
        self._string, self._number = sheet.write_string, sheet.write_number
        self._plain = book.add_format()
        self._head = book.add_format({"bold": True})
        self._quoted = book.add_format({"num_format": "@", "quote_prefix": True})
        """Stays text when somebody edits it."""
        self._date = book.add_format({"num_format": "yyyy-mm-dd"})
        self._seconds = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._milliseconds = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss.000"})
        self._decimals = {
            scale: book.add_format({"num_format": f"0.{'0' * scale}"})
            for scale in sorted(_scales(schema))
        }
        self._cut_cells = 0
        self._long_numbers = 0
        self._far_dates = 0

    def write_names(self) -> None:
        """The first row."""
        for at, name in enumerate(self._schema.names):
            self._string(0, at, self._fitting(name), self._head)

    def write_rows(self, window: pa.Table, first: int) -> None:
        """All rows of the window, from row `first` on."""
        columns = [
            self._column(column, field)
            for column, field in zip(window.columns, self._schema, strict=True)
        ]
        for row, cells in enumerate(zip(*columns, strict=True), first):
            is_empty = True
            for at, cell in enumerate(cells):
                if cell is not None:
                    cell[0](row, at, cell[1], cell[2])
                    is_empty = False
            if is_empty:  # a row without any cell would be no row
                self._sheet.write_blank(row, 0, None, self._plain)

    def notes(self) -> list[str]:
        """What is not as it was, for the people who read the workbook."""
        found = []
        if self._cut_cells:
            found.append(
                f"{self._cut_cells:,} texts were longer than the {CELL_CHARACTERS:,} characters "
                f"of a cell; they end in “{CUT_MARK.strip()}”."
            )
        if self._long_numbers:
            found.append(
                f"{self._long_numbers:,} numbers have more than {_DIGITS} digits and are text, "
                "because Excel would round them."
            )
        if self._far_dates:
            found.append(
                f"{self._far_dates:,} dates lie outside of Excel's calendar "
                "(1900-03-01 to 9999-12-31) and are text."
            )
        if any(getattr(field.type, "tz", None) for field in self._schema):
            found.append("Times with a zone are in UTC.")
        return found

    def _column(self, column: pa.ChunkedArray, field: pa.Field) -> list[Cell]:
        kind = field.type
        if pa.types.is_string(kind):
            is_number = is_number_as_text(field)
            return self._long(strings(column), None) if is_number else self._texts(column)
        if pa.types.is_boolean(kind):
            write = self._sheet.write_boolean
            return [None if value is None else (write, value, None) for value in column.to_pylist()]
        if pa.types.is_integer(kind):
            return [self._integer(value) for value in column.to_pylist()]
        if pa.types.is_floating(kind):
            return [self._float(value) for value in column.to_pylist()]
        if pa.types.is_decimal(kind):
            return self._long(strings(texts(column)), self._decimals.get(kind.scale))
        if has_text_form(kind):
            return self._moments(column)
        return self._texts(json_texts(column))

    def _texts(self, column: pa.ChunkedArray) -> list[Cell]:
        write, quoted = self._string, self._quoted
        values = [None if text is None else self._fitting(text) for text in strings(column)]
        flags = is_formula(column)
        if not pc.any(flags).as_py():
            return [None if text is None else (write, text, None) for text in values]
        return [
            None if text is None else (write, text, quoted if flag else None)
            for text, flag in zip(values, flags.to_pylist(), strict=True)
        ]

    def _fitting(self, text: str) -> str:
        if len(text) * 2 <= CELL_CHARACTERS:
            return text
        units = text.encode("utf-16-le")
        if len(units) <= 2 * CELL_CHARACTERS:
            return text
        self._cut_cells += 1
        kept = units[: 2 * (CELL_CHARACTERS - len(CUT_MARK))]
        return kept.decode("utf-16-le", errors="ignore") + CUT_MARK

    def _integer(self, value: int | None) -> Cell:
        if value is None:
            return None
        if -_EXACT < value < _EXACT:
            return self._number, value, None
        self._long_numbers += 1
        return self._string, str(value), None

    def _float(self, value: float | None) -> Cell:
        if value is None:
            return None
        if value - value == 0:
            return self._number, ExactNumber(value), None
        text = "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
        return self._string, text, None

    def _long(self, values: list[str | None], style: object) -> list[Cell]:
        """Numbers where Excel keeps every digit, text where it does not."""
        cells: list[Cell] = []
        for text in values:
            if text is None:
                cells.append(None)
            elif not _PLAIN_NUMBER.fullmatch(text):
                cells.append((self._string, self._fitting(text), self._quoted))
            elif len(text.replace(".", "").lstrip("-0")) <= _DIGITS:
                cells.append((self._number, ExactNumber(text), style))
            else:
                self._long_numbers += 1
                cells.append((self._string, self._fitting(text), None))
        return cells

    def _moments(self, column: pa.ChunkedArray) -> list[Cell]:
        kind = column.type
        if pa.types.is_date(kind):
            return self._days(column, pc.cast(column, pa.int32()).to_pylist(), self._date)
        per_day = UNITS_PER_SECOND[kind.unit] * 86_400
        raw = pc.cast(column, pa.int64()).to_pylist()
        whole = all(value is None or value % (per_day // 86_400) == 0 for value in raw)
        days = [None if value is None else value / per_day for value in raw]
        return self._days(column, days, self._seconds if whole else self._milliseconds)

    def _days(self, column: pa.ChunkedArray, days: list[Any], style: object) -> list[Cell]:
        cells: list[Cell] = []
        for at, day in enumerate(days):
            if day is None:
                cells.append(None)
            elif _FIRST_DAY <= day + _UNIX_DAY < _LAST_DAY + 1:
                cells.append((self._number, ExactNumber(day + _UNIX_DAY), style))
            else:
                self._far_dates += 1
                text = strings(texts(column.slice(at, 1)))[0]
                cells.append((self._string, text, None))
        return cells


def _scales(schema: pa.Schema) -> set[int]:
    """Digits after the point for which there is a format of numbers."""
    return {
        field.type.scale
        for field in schema
        if pa.types.is_decimal(field.type) and 0 < field.type.scale <= _DIGITS
    }
