"""What happens to a file before DuckDB sees it, and how it is then read: the same for a look and for the ingest."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from aiser_app.domain.cancellation import CancelToken
from aiser_app.query.ingest.archives import unpack
from aiser_app.query.ingest.connection import disk_full
from aiser_app.query.ingest.csv_files import csv_source, read_csv_file
from aiser_app.query.ingest.dialects import NO_DELIMITER
from aiser_app.query.ingest.encodings import as_utf8
from aiser_app.query.ingest.json_files import json_source
from aiser_app.query.ingest.kinds import Packing, kind_of
from aiser_app.query.ingest.report import FileKind, Upload
from aiser_app.query.ingest.text_tables import TextSource
from aiser_app.query.ingest.workbooks import read_sheets

FREE_TIMES = 3
"""Free space wanted, in sizes of the upload, before work begins that would only fail later."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """A file that DuckDB can read, or the sheets of one."""

    kind: FileKind
    packing: Packing
    path: Path
    """Of the file itself, or of its unpacked or recoded copy."""
    encoding: str = ""
    delimiter: str = ""
    texts: tuple[tuple[str, TextSource], ...] = ()
    """By name of the sheet, empty for other files. JSON is looked into later."""
    files: tuple[Path, ...] = ()
    """All that the connection has to reach."""
    notes: tuple[str, ...] = ()


def prepare(
    upload: Upload, folder: Path, cancel: CancelToken, *, most_rows: int | None = None
) -> Prepared:
    """Unpack, recode and judge; `most_rows` reads the beginning of workbooks only.

    Raises:
        InvalidInput, PayloadTooLarge: says what is wrong with the file.
        StorageFull: there is no room for the work.
    """
    _check_room(upload.path, folder)
    upload, packing = unpack(upload, folder)
    kind = kind_of(upload.path, upload.file_name, packed=packing is not Packing.NONE)
    if kind is FileKind.CSV:
        return _csv(upload, folder, packing)
    if kind is FileKind.XLSX:
        sheets = read_sheets(upload.path, folder, cancel, most_rows=most_rows)
        texts = tuple((sheet.name, csv_source(sheet.path, sheet.dialect)) for sheet in sheets)
        files = tuple(sheet.path for sheet in sheets)
        return Prepared(kind=kind, packing=packing, path=upload.path, texts=texts, files=files)
    if kind is FileKind.PARQUET:
        return Prepared(kind=kind, packing=packing, path=upload.path, files=(upload.path,))
    text = as_utf8(upload.path, folder)
    return Prepared(
        kind=kind,
        packing=packing,
        path=text.path,
        encoding=text.encoding,
        files=(text.path,),
        notes=text.notes,
    )


def text_tables(
    prepared: Prepared, connection: duckdb.DuckDBPyConnection, *, limit: int = 0
) -> Iterator[tuple[str, TextSource]]:
    """Every table of the file, by name of its sheet; not for Parquet."""
    if prepared.kind in (FileKind.JSON, FileKind.NDJSON):
        yield "", json_source(connection, prepared.path, limit=limit)
    yield from prepared.texts


def _csv(upload: Upload, folder: Path, packing: Packing) -> Prepared:
    is_tsv = upload.file_name.lower().endswith((".tsv", ".tab"))
    text, dialect = read_csv_file(upload.path, folder, is_tsv=is_tsv)
    source = csv_source(text.path, dialect)
    return Prepared(
        kind=FileKind.CSV,
        packing=packing,
        path=text.path,
        encoding=text.encoding,
        delimiter="" if dialect.delimiter == NO_DELIMITER else dialect.delimiter,
        texts=(("", replace(source, notes=(*text.notes, *source.notes))),),
        files=(text.path,),
    )


def _check_room(path: Path, folder: Path) -> None:
    if shutil.disk_usage(folder).free < FREE_TIMES * path.stat().st_size:
        raise disk_full()
