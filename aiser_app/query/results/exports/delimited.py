"""CSV by RFC 4180, UTF-8. Text that a spreadsheet would run as a formula gets an apostrophe."""

from __future__ import annotations

import csv
import io
from collections.abc import Generator

from aiser_app.query.results.exports.contract import ExportRows
from aiser_app.query.results.values import csv_columns, defused

_ROWS = 5_000


def csv_chunks(rows: ExportRows) -> Generator[bytes, None, None]:
    """A header line, then the rows. Numbers are numbers, also negative ones."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([defused(name) for name in rows.schema.names])
    for window in rows.windows(_ROWS):
        writer.writerows(zip(*csv_columns(window), strict=True))
        yield _drained(buffer)
    if buffer.tell():
        yield _drained(buffer)


def _drained(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()
