"""Columns of a result as cells of a sheet, a window of rows at a time, in whole columns.

The XML of the cells is put together by Arrow. Python looks at single values only where they are
unusual: too long for a cell, with characters that XML cannot say, outside of Excel's calendar.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc
from xlsxwriter import Workbook  # type: ignore[import-untyped]
from xlsxwriter.format import Format  # type: ignore[import-untyped]
from xlsxwriter.utility import xl_col_to_name  # type: ignore[import-untyped]

from aiser_app.query.results.columns import is_number_as_text
from aiser_app.query.results.conversion import UNITS_PER_SECOND
from aiser_app.query.results.exports.exact_sheet import UNUSUAL_TEXT, ExactSheet, excel_text
from aiser_app.query.results.values import has_text_form, is_formula, json_texts, strings, texts

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
_PLAIN_NUMBER = r"^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$"


class SheetCells:
    """Writes windows of rows into a sheet, and remembers what had to be changed.

    A cell is written after the type of its column: nobody guesses what a value may be. What stands
    after the reference of a cell (`<c r="B7`) is made for whole columns; a missing value has no cell.
    """

    def __init__(self, book: Workbook, sheet: ExactSheet, schema: pa.Schema) -> None:
        self._sheet = sheet
        self._schema = schema
        self._letters = [xl_col_to_name(at) for at in range(len(schema))]
        self._plain = _style(book.add_format())
        self._head = book.add_format({"bold": True})
        self._quoted = _style(book.add_format({"num_format": "@", "quote_prefix": True}))
        """Stays text when somebody edits it."""
        self._date = _style(book.add_format({"num_format": "yyyy-mm-dd"}))
        self._seconds = _style(book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}))
        self._milliseconds = _style(book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss.000"}))
        self._decimals = {
            scale: _style(book.add_format({"num_format": f"0.{'0' * scale}"}))
            for scale in sorted(_scales(schema))
        }
        self._cut_cells = 0
        self._long_numbers = 0
        self._far_dates = 0

    def write_names(self) -> None:
        """The first row."""
        for at, name in enumerate(self._schema.names):
            self._sheet.write_string(0, at, self._cut(name), self._head)

    def write_rows(self, window: pa.Table, first: int) -> None:
        """All rows of the window, from row `first` on (the header is row 0)."""
        numbers = pc.cast(pa.array(range(first + 1, first + 1 + window.num_rows)), pa.string())
        columns = [
            self._column(column.combine_chunks(), field)
            for column, field in zip(window.columns, self._schema, strict=True)
        ]
        columns[0] = _never_empty(columns, self._plain)
        cells = [
            _joined(f'<c r="{letters}', numbers, column)
            for letters, column in zip(self._letters, columns, strict=True)
        ]
        rows = pc.binary_join_element_wise(
            '<row r="',
            numbers,
            '">',
            *cells,
            "</row>",
            "",
            null_handling="replace",
            null_replacement="",
        )
        self._sheet.append_rows(_content(rows), first, window.num_rows)

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

    def _column(self, column: pa.Array, field: pa.Field) -> pa.Array:
        kind = field.type
        if pa.types.is_string(kind):
            text = _valid(column)
            return self._long(text, "") if is_number_as_text(field) else self._texts(text)
        if pa.types.is_boolean(kind):
            return _joined('" t="b"><v>', pc.if_else(column, "1", "0"), "</v></c>")
        if pa.types.is_integer(kind):
            return self._integers(column)
        if pa.types.is_floating(kind):
            return _floats(pc.cast(column, pa.float64()))
        whole = pa.chunked_array([column])
        if pa.types.is_decimal(kind):
            return self._long(_one(texts(whole)), self._decimals.get(kind.scale, ""))
        if has_text_form(kind):
            return self._moments(column)
        return self._texts(_one(json_texts(whole)))

    def _texts(self, text: pa.Array) -> pa.Array:
        flags = is_formula(text)
        return _text_cells(self._fitting(text), pc.if_else(flags, self._quoted, ""))

    def _fitting(self, text: pa.Array) -> pa.Array:
        """Cut where a cell ends."""
        return _changed(text, pc.greater(pc.utf8_length(text), CELL_CHARACTERS // 2), self._cut)

    def _cut(self, text: str) -> str:
        units = text.encode("utf-16-le")
        if len(units) <= 2 * CELL_CHARACTERS:
            return text
        self._cut_cells += 1
        kept = units[: 2 * (CELL_CHARACTERS - len(CUT_MARK))]
        return kept.decode("utf-16-le", errors="ignore") + CUT_MARK

    def _integers(self, column: pa.Array) -> pa.Array:
        text = pc.cast(column, pa.string())
        cells = _number_cells(text, "")
        if column.type.bit_width < 64:
            return cells
        long = pc.greater_equal(column, pa.scalar(_EXACT, column.type))
        if pa.types.is_signed_integer(column.type):
            long = pc.or_(long, pc.less_equal(column, pa.scalar(-_EXACT, column.type)))
        return pc.if_else(self._counted(long), _text_cells(text, ""), cells)

    def _counted(self, long: pa.Array) -> pa.Array:
        self._long_numbers += _how_many(long)
        return long

    def _long(self, text: pa.Array, style: str) -> pa.Array:
        """Numbers where Excel keeps every digit, text where it does not."""
        is_number = pc.match_substring_regex(text, _PLAIN_NUMBER)
        digits = pc.utf8_ltrim(pc.replace_substring(text, ".", ""), "-0")
        long = pc.and_(is_number, pc.greater(pc.utf8_length(digits), _DIGITS))
        is_text = pc.or_(self._counted(long), pc.invert(is_number))
        cells = _number_cells(text, style)
        if not pc.any(is_text).as_py():
            return cells
        styles = pc.if_else(is_number, "", self._quoted)
        return pc.if_else(is_text, _text_cells(self._fitting(text), styles), cells)

    def _moments(self, column: pa.Array) -> pa.Array:
        if pa.types.is_date(column.type):
            return self._days(column, pc.cast(column, pa.int32()), self._date)
        per_second = UNITS_PER_SECOND[column.type.unit]
        raw = pc.cast(column, pa.int64())
        seconds = pc.multiply(pc.divide(raw, per_second), per_second)
        is_whole = pc.all(pc.equal(raw, seconds)).as_py() is not False
        days = pc.divide(pc.cast(raw, pa.float64(), safe=False), float(per_second * 86_400))
        return self._days(column, days, self._seconds if is_whole else self._milliseconds)

    def _days(self, column: pa.Array, days: pa.Array, style: str) -> pa.Array:
        number = pc.add(pc.cast(days, pa.float64()), float(_UNIX_DAY))
        far = pc.or_(pc.less(number, _FIRST_DAY), pc.greater_equal(number, _LAST_DAY + 1))
        cells = _number_cells(pc.cast(number, pa.string()), style)
        count = _how_many(far)
        if not count:
            return cells
        self._far_dates += count
        written = _one(texts(pa.chunked_array([pc.filter(column, far)])))
        as_text = _placed(pa.nulls(len(column), pa.string()), far, written)
        return pc.if_else(far, _text_cells(as_text, ""), cells)


def _style(style: Format) -> str:
    """As an attribute of a cell."""
    return f' s="{style._get_xf_index()}"'


def _scales(schema: pa.Schema) -> set[int]:
    """Digits after the point for which there is a format of numbers."""
    return {
        field.type.scale
        for field in schema
        if pa.types.is_decimal(field.type) and 0 < field.type.scale <= _DIGITS
    }


def _joined(*parts: str | pa.Array) -> pa.Array:
    """Row by row, null where a part is."""
    return pc.binary_join_element_wise(*parts, "")


def _number_cells(text: pa.Array, style: str) -> pa.Array:
    return _joined(f'"{style}><v>', text, "</v></c>")


def _text_cells(text: pa.Array, styles: pa.Array | str) -> pa.Array:
    """In-line strings; readers drop white space at the ends unless they are told to keep it."""
    text = _changed(text, pc.match_substring_regex(text, UNUSUAL_TEXT), excel_text)
    if pc.any(pc.match_substring_regex(text, "[&<>]")).as_py():
        for sign, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
            text = pc.replace_substring(text, sign, name)
    edges = pc.match_substring_regex(text, r"^\s|\s$")
    keep = pc.if_else(edges, ' xml:space="preserve"', "")
    return _joined('"', styles, ' t="inlineStr"><is><t', keep, ">", text, "</t></is></c>")


def _floats(column: pa.Array) -> pa.Array:
    """The shortest text that reads as the same number; words for what is no number."""
    cells = _number_cells(pc.cast(column, pa.string()), "")
    is_finite = pc.is_finite(column)
    if pc.all(is_finite).as_py() is not False:
        return cells
    infinite = pc.if_else(pc.greater(column, 0.0), "Infinity", "-Infinity")
    words = pc.if_else(pc.is_nan(column), "NaN", infinite)
    return pc.if_else(is_finite, cells, _text_cells(words, ""))


def _never_empty(columns: list[pa.Array], style: str) -> pa.Array:
    """The first column, with an empty cell in rows without any: without a cell it would be no row."""
    is_empty = columns[0].is_null()
    for column in columns[1:]:
        if not pc.any(is_empty).as_py():
            return columns[0]
        is_empty = pc.and_(is_empty, column.is_null())
    return pc.if_else(is_empty, f'"{style}/>', columns[0])


def _changed(text: pa.Array, which: pa.Array, change: Callable[[str], str]) -> pa.Array:
    """Where `which` is true, as `change` says."""
    if not pc.any(which).as_py():
        return text
    return _placed(
        text, which, pa.array(map(change, pc.filter(text, which).to_pylist()), pa.string())
    )


def _placed(text: pa.Array, which: pa.Array, values: pa.Array) -> pa.Array:
    return pc.replace_with_mask(text, pc.fill_null(which, False), values)


def _how_many(which: pa.Array) -> int:
    return int(pc.sum(which).as_py() or 0)


def _one(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _valid(text: pa.Array) -> pa.Array:
    """Bytes that are no UTF-8 are replaced."""
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        return pa.array(strings(pa.chunked_array([text])), pa.string())
    return text


def _content(rows: pa.Array) -> memoryview:
    """The bytes of all texts, one after the other."""
    _, ends, content = rows.buffers()
    last = rows.offset + len(rows)
    offsets = memoryview(ends).cast("i")
    return memoryview(content)[offsets[rows.offset] : offsets[last]]
