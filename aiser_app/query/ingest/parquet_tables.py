"""Tables out of Parquet files, whose types are known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from aiser_app.errors import InvalidInput
from aiser_app.query.ingest import limits
from aiser_app.query.ingest.appending import appended_columns, missing_note, table_columns
from aiser_app.query.ingest.connection import watched
from aiser_app.query.ingest.naming import quoted, shown
from aiser_app.query.ingest.parquet_files import TypedColumn, read_as, typed_columns
from aiser_app.query.ingest.report import ColumnReport, TableReport, Unfit
from aiser_app.query.ingest.text_tables import Job, count_rows, no_rows, refuse_types


def create_from_parquet(job: Job, path: Path, table: str) -> TableReport:
    """Make the table, with the file's types or those that were asked for."""
    found = typed_columns(job.connection, path)
    columns = [
        read_as(column, wanted)
        if (wanted := job.types.get(column.name, job.types.get(column.original)))
        else column
        for column in found
    ]
    select = ", ".join(f"{column.sql} AS {quoted(column.name)}" for column in columns)
    with watched(job.connection, job.cancel, job.report, "read"):
        job.connection.execute(
            f"CREATE TABLE {quoted(table)} AS SELECT {select} FROM read_parquet(?)",  # noqa: S608
            [str(path)],
        )
    unfit = _unfit(job, path, found, columns)
    return _report(job, table, columns, count_rows(job, table), unfit=unfit)


def append_parquet(job: Job, path: Path, table: str) -> TableReport:
    """Add rows to a table.

    Raises:
        InvalidInput: a value is not of its column's type. Nothing was added then.
    """
    refuse_types(job)
    known = table_columns(job.connection, table)
    columns = appended_columns(typed_columns(job.connection, path), known)
    names = ", ".join(quoted(column.name) for column in columns)
    select = ", ".join(column.sql for column in columns)
    before = count_rows(job, table)
    try:
        with watched(job.connection, job.cancel, job.report, "read"):
            job.connection.execute(
                f"INSERT INTO {quoted(table)} ({names}) SELECT {select} FROM read_parquet(?)",  # noqa: S608
                [str(path)],
            )
    except (duckdb.ConversionException, duckdb.OutOfRangeException) as error:
        raise InvalidInput(
            "The file has values that are not of the types of the table's columns.",
            hint="Correct the file, or replace the table.",
        ) from error
    notes = missing_note([column.name for column in columns], known)
    return _report(job, table, columns, count_rows(job, table) - before, notes=notes)


def _report(
    job: Job,
    table: str,
    columns: Sequence[TypedColumn],
    rows: int,
    *,
    unfit: tuple[Unfit, ...] = (),
    notes: tuple[str, ...] = (),
) -> TableReport:
    if rows == 0:
        raise no_rows()
    return TableReport(
        name=table,
        rows=rows,
        total_rows=count_rows(job, table),
        columns=tuple(
            ColumnReport(name=column.name, original=shown(column.original), type=column.type)
            for column in columns
        ),
        unfit=unfit,
        notes=notes,
    )


def _unfit(
    job: Job, path: Path, found: Sequence[TypedColumn], columns: Sequence[TypedColumn]
) -> tuple[Unfit, ...]:
    """Values that are not of the type that somebody asked for; they are empty in the table."""
    asked = [(old, new) for old, new in zip(found, columns, strict=True) if old is not new]
    if not asked:
        return ()
    items = ", ".join(
        f"count(*) FILTER ({old.sql} IS NOT NULL AND {new.sql} IS NULL), "
        f"min(CAST({old.sql} AS VARCHAR), {limits.SHOWN_REJECTS}) "
        f"FILTER ({old.sql} IS NOT NULL AND {new.sql} IS NULL)"
        for old, new in asked
    )
    row = job.connection.execute(
        f"SELECT {items} FROM read_parquet(?)",  # noqa: S608 - quoted
        [str(path)],
    ).fetchone()
    values = row or ()
    return tuple(
        Unfit(
            column=new.name,
            type=new.type,
            count=count,
            examples=tuple(shown(text) for text in examples or ()),
        )
        for (_, new), count, examples in zip(asked, values[0::2], values[1::2], strict=True)
        if count
    )
