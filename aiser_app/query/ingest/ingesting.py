"""From a file to tables of a DuckDB file: unpack, judge, convert, and only then replace what was there.

Everything is done to a copy in a scratch folder. Renaming it over the old file is the last step, so
that a crash, a full disk or a Stop leaves the old data whole.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import duckdb

from aiser_app.domain.cancellation import CancelToken
from aiser_app.errors import Conflict, NotFound
from aiser_app.query.ingest import limits
from aiser_app.query.ingest.appending import appended_plans, missing_note, table_columns
from aiser_app.query.ingest.columns import refuse_unknown
from aiser_app.query.ingest.connection import ingest_connection, refuse_cancelled
from aiser_app.query.ingest.marks import find_mark, set_mark
from aiser_app.query.ingest.naming import literal, plain_name, quoted, unique_names
from aiser_app.query.ingest.parquet_tables import append_parquet, create_from_parquet
from aiser_app.query.ingest.preparing import Prepared, prepare, text_tables
from aiser_app.query.ingest.report import (
    FileKind,
    IngestMode,
    IngestOrder,
    IngestReport,
    Progress,
    Report,
    TableReport,
    Upload,
)
from aiser_app.query.ingest.text_tables import (
    Job,
    TextSource,
    append_rows,
    create_table,
    refuse_types,
)

Write = Callable[[Job, str], TableReport]
"""Writes one table of the file under a name."""


def ingest(upload: Upload, order: IngestOrder, cancel: CancelToken, report: Report) -> IngestReport:
    """Make a file's rows tables of the target, all of them or none.

    Raises:
        InvalidInput, PayloadTooLarge: the file cannot be read; says why.
        Conflict: the table exists already (mode create).
        NotFound: there is no such table (mode append), or no file.
        StorageFull: no room on the disk.
        QueryCancelled: stopped.
    """
    work = order.folder / "work.duckdb"
    if order.target.exists():
        shutil.copyfile(order.target, work)
        done = _done_before(work, order)
        if done is not None:
            return done
    if not upload.path.is_file():
        raise NotFound("The uploaded file is gone.", hint="Upload it again.")
    report(Progress(step="unpack"))
    prepared = prepare(upload, order.folder, cancel)
    refuse_cancelled(cancel)
    with ingest_connection(work, order.folder, prepared.files) as connection:
        job = Job(connection=connection, cancel=cancel, report=report, types=order.types)
        tables = _write_all(job, prepared, order)
        finished = IngestReport(kind=prepared.kind, tables=tuple(tables), notes=prepared.notes)
        set_mark(connection, order.mark, finished)
        report(Progress(step="write", rows=finished.rows))
        connection.execute("CHECKPOINT")
    refuse_cancelled(cancel)
    _put_in_place(work, order.target)
    return finished


def _done_before(work: Path, order: IngestOrder) -> IngestReport | None:
    """Look at the copy of the target; start without it when all of it will be replaced."""
    with ingest_connection(work, order.folder, ()) as connection:
        done = find_mark(connection, order.mark)
        tables = table_names(connection)
    if order.mode is IngestMode.REPLACE and tables == [order.table]:
        work.unlink()
    return done


def table_names(connection: duckdb.DuckDBPyConnection) -> list[str]:
    rows = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE NOT internal AND NOT temporary ORDER BY 1"
    ).fetchall()
    return [name for (name,) in rows]


def _write_all(job: Job, prepared: Prepared, order: IngestOrder) -> list[TableReport]:
    writes = list(_writes(job, prepared, order.mode))
    if order.mode is IngestMode.APPEND:
        (_, write), *others = writes
        table = write(job, order.table)
        if not others:
            return [table]
        note = f"Only the first sheet was added; {len(others)} more were left out."
        return [replace(table, notes=(*table.notes, note))]
    existing = table_names(job.connection)
    names = _names_of([name for name, _ in writes], order.table)
    tables: list[TableReport] = []
    for name, (_, write) in zip(names, writes, strict=True):
        if name in existing:
            if order.mode is IngestMode.CREATE:
                raise Conflict(
                    f"The source already has a table “{name}”.",
                    hint="Choose another name, or the mode append or replace.",
                )
            job.connection.execute(f"DROP TABLE {quoted(name)}")
        table = write(job, name)
        _comment(job.connection, table)
        tables.append(table)
    refuse_unknown(order.types, [column for table in tables for column in table.columns])
    return tables


def _names_of(sheets: list[str], table: str) -> list[str]:
    """One table has the name that was given; several also have those of their sheets."""
    if len(sheets) == 1:
        return [table]
    cut = table[: limits.NAME_CHARS // 2]
    return unique_names([f"{cut}_{plain_name(sheet, 'sheet')}" for sheet in sheets])


def _writes(job: Job, prepared: Prepared, mode: IngestMode) -> Iterator[tuple[str, Write]]:
    is_append = mode is IngestMode.APPEND
    if prepared.kind is FileKind.PARQUET:
        write_parquet = append_parquet if is_append else create_from_parquet
        yield "", partial(_from_parquet, write_parquet, prepared.path)
        return
    write_text = _append_text if is_append else create_table
    for name, source in text_tables(prepared, job.connection):
        yield name, partial(_from_text, write_text, source)


def _from_parquet(
    write: Callable[[Job, Path, str], TableReport], path: Path, job: Job, table: str
) -> TableReport:
    return write(job, path, table)


def _from_text(
    write: Callable[[Job, TextSource, str], TableReport], source: TextSource, job: Job, table: str
) -> TableReport:
    return write(job, source, table)


def _append_text(job: Job, source: TextSource, table: str) -> TableReport:
    refuse_types(job)
    known = table_columns(job.connection, table)
    plans = appended_plans(source, known)
    note = missing_note([plan.name for plan in plans], known)
    return append_rows(job, replace(source, notes=(*source.notes, *note)), table, plans)


def _comment(connection: duckdb.DuckDBPyConnection, table: TableReport) -> None:
    """Names as they were in the file, where they had to be changed beyond recognition by case."""
    for column in table.columns:
        if column.original and column.original.casefold().replace(" ", "_") != column.name:
            connection.execute(
                f"COMMENT ON COLUMN {quoted(table.name)}.{quoted(column.name)} "
                f"IS {literal(column.original)}"
            )


def _put_in_place(work: Path, target: Path) -> None:
    work.chmod(0o600)
    descriptor = os.open(work, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    work.replace(target)
