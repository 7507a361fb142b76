"""How a text file separates its values, and whether its first line names them."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from aiser_app.errors import InvalidInput
from aiser_app.query.ingest import limits

NO_DELIMITER = "\x1f"
"""For files of a single column: a character that no text contains."""
_DELIMITERS = ("\t", ";", "|", ",")
"""In the order in which they are preferred when two fit equally well."""
_MIN_SHARE = 0.5
"""Of the lines that must have the same number of values."""
_SAID = re.compile(r'"?sep=([;,|\t])"?\r?\n', re.IGNORECASE)
"""Excel's way to name the delimiter, on a line of its own above the table."""
_BACKSLASHED = re.compile(r'\\"[^,;|\t\r\n]')
_DOUBLED = re.compile(r'[^,;|\t\r\n]""')
_YEAR = re.compile(r"(19|20)\d\d")
_VALUE = re.compile(
    r"[+-]?[\d.,'\s]*\d[\d.,'\s]*%?|\d[\d./:T\sZ+-]*|true|false|yes|no", re.IGNORECASE
)
"""What is no name of a column: numbers, dates, times, yes and no."""

_VALUE_CHARS = 60
"""Beyond, nothing is a number; and the pattern would take long to find out."""

Row = list[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    delimiter: str
    quote: str
    escape: str
    skip: int
    """Lines above the table: titles, remarks."""
    width: int
    header: tuple[str, ...]
    """Empty when the first row is data."""
    rows: tuple[tuple[str, ...], ...]
    """Of the sample, without the header, each of exactly `width` values."""
    notes: tuple[str, ...] = ()

    @property
    def has_header(self) -> bool:
        return bool(self.header)


def find_dialect(head: str, *, is_whole: bool, prefer_tab: bool = False) -> Dialect:
    """Judge by the head of a file, which ends at a line's end.

    Raises:
        InvalidInput: no rows, no names, or more columns than a table may have.
    """
    if not head.strip():
        raise InvalidInput("The file is empty.", hint="Choose a file with rows.")
    said = _SAID.match(head)
    if said is not None:
        head = head[said.end() :]
    quote, escape = _quoting(head)
    delimiter = said[1] if said else _delimiter(head, quote, escape, prefer_tab=prefer_tab)
    rows, lines = _parse(head, delimiter, quote, escape, limits.SAMPLE_ROWS)
    width = _usual_width(rows)
    if width > limits.MAX_COLUMNS:
        raise too_many_columns(width)
    first = next(i for i, row in enumerate(rows) if len(row) == width)
    table = [tuple(row) for row in rows[first:] if len(row) == width]
    header = table[0] if is_header(table[0], table[1:]) else ()
    body = tuple(table[1:] if header else table)
    if header and not body and is_whole:
        raise InvalidInput(
            "The file has names of columns, but no rows.", hint="Choose a file with rows."
        )
    notes = []
    if first:
        notes.append(f"{first} line{'s' if first > 1 else ''} above the table left out.")
    if not header:
        notes.append("The first line looks like data, so the columns were named by position.")
    return Dialect(
        delimiter=delimiter,
        quote=quote,
        escape=escape,
        skip=(lines[first - 1] if first else 0) + (said is not None),
        width=width,
        header=header,
        rows=body,
        notes=tuple(notes),
    )


def is_header(row: Sequence[str], below: Sequence[Sequence[str]]) -> bool:
    """Whether a row names the columns rather than being one of the table's rows."""
    names = [text.strip() for text in row]
    filled = [name for name in names if name]
    if not filled:
        return False
    values = [name for name in filled if _is_value(name)]
    if values and not _are_years(values, filled, names, below):
        return False
    if not below:
        return not values
    for position, name in enumerate(names):
        column = [other[position].strip() for other in below[:200]]
        if name and name in column:
            return False
    return True


def _is_value(name: str) -> bool:
    return len(name) <= _VALUE_CHARS and _VALUE.fullmatch(name) is not None


def _are_years(
    values: list[str], filled: list[str], names: list[str], below: Sequence[Sequence[str]]
) -> bool:
    """Years across the top of a table, with other numbers under them."""
    if len(values) == len(filled) or len(set(values)) < len(values):
        return False
    if not all(_YEAR.fullmatch(value) for value in values):
        return False
    under = [row[i] for i, name in enumerate(names) if name in values for row in below[:50]]
    return not under or not all(_YEAR.fullmatch(text.strip()) for text in under)


def too_many_columns(width: int) -> InvalidInput:
    return InvalidInput(
        f"The file has {width:,} columns; at most {limits.MAX_COLUMNS:,} are accepted.",
        hint="Put values that repeat into rows instead of columns.",
    )


def _quoting(head: str) -> tuple[str, str]:
    """How a quote is written within quotes: doubled, or after a backslash."""
    if _BACKSLASHED.search(head) and not _DOUBLED.search(head):
        return '"', "\\"
    return '"', '"'


def _delimiter(head: str, quote: str, escape: str, *, prefer_tab: bool) -> str:
    best, best_share = NO_DELIMITER, 0.0
    for delimiter in _DELIMITERS:
        if delimiter not in head:
            continue
        rows, _ = _parse(head, delimiter, quote, escape, limits.SAMPLE_ROWS)
        width = _usual_width(rows)
        share = sum(len(row) == width for row in rows) / max(1, len(rows))
        if width > 1 and prefer_tab and delimiter == "\t":
            return delimiter
        if width > 1 and share >= _MIN_SHARE and share > best_share + 0.02:
            best, best_share = delimiter, share
    return best


def _parse(
    head: str, delimiter: str, quote: str, escape: str, most: int
) -> tuple[list[Row], list[int]]:
    """Rows that are not empty, and the line of the file that each ends at."""
    csv.field_size_limit(sys.maxsize)
    reader = csv.reader(
        io.StringIO(head, newline=""),
        delimiter=delimiter,
        quotechar=quote,
        doublequote=escape == quote,
        escapechar=None if escape == quote else escape,
    )
    rows: list[Row] = []
    lines: list[int] = []
    for row in reader:
        if not row:
            continue
        rows.append(row)
        lines.append(reader.line_num)
        if len(rows) >= most or len(rows) * len(row) > limits.SAMPLE_CELLS:
            break
    return rows, lines


def _usual_width(rows: list[Row]) -> int:
    counts = Counter(len(row) for row in rows)
    return max(counts, key=lambda width: (counts[width], width)) if counts else 0
