"""A look at a file before it is ingested: its kind, its columns, its first rows. Nothing is kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from aiser_app.domain.cancellation import CancelToken
from aiser_app.query.ingest import limits
from aiser_app.query.ingest.columns import plan_columns
from aiser_app.query.ingest.connection import ingest_connection
from aiser_app.query.ingest.naming import shown
from aiser_app.query.ingest.parquet_files import typed_columns
from aiser_app.query.ingest.preparing import prepare, text_tables
from aiser_app.query.ingest.report import (
    ColumnReport,
    FileKind,
    Sniffed,
    SniffedTable,
    Upload,
)
from aiser_app.query.ingest.text_tables import TextSource

_CELL_CHARS = 300
"""Longer text is cut in a preview."""


def sniff(upload: Upload, folder: Path) -> Sniffed:
    """Judge a file by its head, and check all of it for what no head shows: archives, encodings.

    Raises:
        InvalidInput, PayloadTooLarge: it could not be ingested; says why.
    """
    prepared = prepare(upload, folder, CancelToken(), most_rows=limits.SAMPLE_ROWS)
    notes = list(prepared.notes)
    with ingest_connection(None, folder, prepared.files) as connection:
        if prepared.kind is FileKind.PARQUET:
            tables = [_sniffed_parquet(connection, prepared.path)]
        else:
            tables = []
            for name, source in text_tables(prepared, connection, limit=limits.SAMPLE_ROWS):
                tables.append(_sniffed_text(name, source))
                notes += [note for note in source.notes if note not in notes]
    return Sniffed(
        kind=prepared.kind,
        tables=tuple(tables),
        encoding=prepared.encoding,
        delimiter=prepared.delimiter,
        packed=prepared.packing.value,
        notes=tuple(notes),
    )


def _sniffed_text(name: str, source: TextSource) -> SniffedTable:
    plans, _ = plan_columns(source.originals, source.texts, source.samples, {}, source.delimiter)
    heads = [column[: limits.PREVIEW_ROWS] for column in source.samples]
    return SniffedTable(
        name=shown(name),
        columns=tuple(plan.report for plan in plans),
        rows=tuple(_row(row) for row in zip(*heads, strict=True)),
        has_header=any(source.originals),
    )


def _sniffed_parquet(connection: duckdb.DuckDBPyConnection, path: Path) -> SniffedTable:
    columns = typed_columns(connection, path)
    select = ", ".join(f"CAST({column.sql} AS VARCHAR)" for column in columns)
    rows = connection.execute(
        f"SELECT {select} FROM read_parquet(?) LIMIT {limits.PREVIEW_ROWS}",  # noqa: S608 - quoted
        [str(path)],
    ).fetchall()
    return SniffedTable(
        name="",
        columns=tuple(
            ColumnReport(name=column.name, original=shown(column.original), type=column.type)
            for column in columns
        ),
        rows=tuple(_row(row) for row in rows),
    )


def _row(row: Sequence[str | None]) -> tuple[str | None, ...]:
    return tuple(text[:_CELL_CHARS] if text else None for text in row)
