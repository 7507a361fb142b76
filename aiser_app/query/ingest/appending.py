"""Adding rows to a table that exists: columns are matched by name, and take the table's types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import duckdb

from aiser_app.errors import InvalidInput, NotFound
from aiser_app.query.ingest.columns import ColumnPlan, asked_reading, meaningful
from aiser_app.query.ingest.naming import shown, unique_names
from aiser_app.query.ingest.parquet_files import TypedColumn
from aiser_app.query.ingest.readings import TEXT
from aiser_app.query.ingest.text_tables import TextSource

_WANTED = {
    "BIGINT": "integer",
    "DOUBLE": "number",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
}


def table_columns(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, str]:
    """Native types by name, in order.

    Raises:
        NotFound: there is no such table.
    """
    rows = connection.execute(
        "SELECT column_name, data_type FROM duckdb_columns() "
        "WHERE table_name = ? AND NOT internal ORDER BY column_index",
        [table],
    ).fetchall()
    if not rows:
        raise NotFound(
            f"The source has no table “{shown(table)}”.", hint="Create it first, by mode create."
        )
    return dict(rows)


def appended_plans(source: TextSource, known: dict[str, str]) -> list[ColumnPlan]:
    """A plan for each column of the file.

    Raises:
        InvalidInput: the file has columns that the table has not, or none of its.
    """
    if not any(source.originals):
        names = list(known)[: len(source.texts)]
        if len(source.texts) != len(known):
            raise InvalidInput(
                "The file has no names of columns, and not as many columns as the table.",
                hint="Add a first line with the names of the table's columns.",
            )
    else:
        names = matched_names(source.originals, known)
    plans = []
    for position, name in enumerate(names):
        native = known[name]
        values = meaningful(source.samples[position])
        plan = ColumnPlan(
            name=name,
            original=source.originals[position],
            text=source.texts[position],
            reading=TEXT,
        )
        wanted = _WANTED.get(native, "decimal" if native.startswith("DECIMAL") else "text")
        if wanted != "text":
            reading = asked_reading(wanted, values)
            sql = f"CAST({reading.sql} AS {native})" if reading.sql_type != native else reading.sql
            plan = replace(plan, reading=replace(reading, sql=sql, sql_type=native))
        plans.append(plan)
    return plans


def appended_columns(columns: Sequence[TypedColumn], known: dict[str, str]) -> list[TypedColumn]:
    """Columns of a Parquet file under the names and types of the table."""
    names = matched_names([column.original for column in columns], known)
    return [
        replace(column, name=name, sql=f"CAST({column.sql} AS {known[name]})")
        for name, column in zip(names, columns, strict=True)
    ]


def missing_note(names: Sequence[str], known: dict[str, str]) -> tuple[str, ...]:
    missing = [name for name in known if name not in names]
    if not missing:
        return ()
    return (f"The file lacks {', '.join(missing[:20])}: empty in the rows added.",)


def matched_names(originals: Sequence[str], known: dict[str, str]) -> list[str]:
    """Names in the table for names in the file, which become plain in the same way."""
    exact = {name.casefold(): name for name in known}
    plain = unique_names(originals)
    names = [
        exact.get(name.casefold()) or exact.get(original.casefold(), "")
        for name, original in zip(plain, originals, strict=True)
    ]
    extra = [shown(o) or p for o, p, name in zip(originals, plain, names, strict=True) if not name]
    if extra:
        raise InvalidInput(
            f"The table has no column for {', '.join(f'“{item[:60]}”' for item in extra[:5])}.",
            hint="Leave those columns out, or replace the table.",
        )
    return names
