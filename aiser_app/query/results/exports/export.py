"""Which formats there are, and how much of a result one file may hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aiser_app.domain.result import Result
from aiser_app.query.results.exports.contract import Chunks, ExportRows
from aiser_app.query.results.exports.delimited import csv_chunks
from aiser_app.query.results.exports.json_objects import json_chunks, ndjson_chunks
from aiser_app.query.results.exports.parquet import parquet_chunks
from aiser_app.query.results.exports.spreadsheet import SHEET_ROWS, xlsx_chunks
from aiser_app.query.results.exports.written_file import WrittenFile
from aiser_app.query.results.selected import SelectedRows

MAX_EXPORT_ROWS = 1_000_000
"""Most rows of one file. The bytes are bounded by what is stored of a result: 512 MB."""
_WINDOW_BYTES = 16 * 1024 * 1024
"""About what the rows that a format takes at once may be in memory, before they are converted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportFormat:
    extension: str
    media_type: str
    chunks: Callable[[ExportRows], Chunks]
    max_rows: int = MAX_EXPORT_ROWS


EXPORT_FORMATS = {
    each.extension: each
    for each in (
        ExportFormat(extension="csv", media_type="text/csv; charset=utf-8", chunks=csv_chunks),
        ExportFormat(
            extension="xlsx",
            media_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            chunks=xlsx_chunks,
            max_rows=min(MAX_EXPORT_ROWS, SHEET_ROWS),
        ),
        ExportFormat(
            extension="parquet",
            media_type="application/vnd.apache.parquet",
            chunks=parquet_chunks,
        ),
        ExportFormat(extension="json", media_type="application/json", chunks=json_chunks),
        ExportFormat(extension="ndjson", media_type="application/x-ndjson", chunks=ndjson_chunks),
    )
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Export:
    """`is_cut`: rows are missing that the query, with the filters, would have."""

    format: ExportFormat
    row_count: int
    is_cut: bool
    chunks: Chunks


def export(
    selected: SelectedRows, result: Result, extension: str, *, max_rows: int = MAX_EXPORT_ROWS
) -> Export:
    """A file of the chosen rows; its content is made while it is read, that of XLSX before.

    Raises:
        InvalidInput: the format has no room for rows like these.
        StorageFull: there is no room on the disk for a workbook.
    """
    chosen = EXPORT_FORMATS[extension]
    row_count = min(selected.row_count, max_rows, chosen.max_rows)
    is_cut = result.truncated or row_count < selected.row_count
    window_rows = max(1, _WINDOW_BYTES // max(1, selected.row_bytes))
    rows = ExportRows(
        schema=selected.table.schema,
        windows=lambda size: selected.windows(0, row_count, min(size, window_rows)),
        row_count=row_count,
        is_cut=is_cut,
        as_of=result.as_of,
        spill_folder=selected.spill_folder,
    )
    chunks = chosen.chunks(rows)
    if isinstance(chunks, WrittenFile) and chunks.row_count < row_count:
        row_count, is_cut = chunks.row_count, True
    return Export(format=chosen, row_count=row_count, is_cut=is_cut, chunks=chunks)
