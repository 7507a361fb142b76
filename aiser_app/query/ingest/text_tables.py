"""From text to a table of the fitting types, in one reading of the file wherever the sample did not lie.

Values are converted while they are written. A value that does not fit its column's type stops the
statement; then all values that do not fit are looked up, the types are decided anew, and it starts
over: each round rules out at least one reading, and text fits everything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb

from aiser_app.domain.cancellation import CancelToken
from aiser_app.errors import InvalidInput
from aiser_app.query.ingest import limits
from aiser_app.query.ingest.columns import (
    MISFIT,
    ColumnPlan,
    Hints,
    decide,
    meaningful,
    plan_columns,
    without_warning,
)
from aiser_app.query.ingest.connection import watched
from aiser_app.query.ingest.naming import quoted, shown
from aiser_app.query.ingest.readings import TEXT, Reading
from aiser_app.query.ingest.report import Rejected, Report, TableReport, Unfit

_MISFITS = 500
"""Values that do not fit, looked at for a new decision, from either end of the alphabet."""
_NOTHING = replace(TEXT, sql="NULL")
"""A reading that no value fits."""
_RAGGED_SHARE = 0.02


@dataclass(frozen=True, kw_only=True, slots=True)
class TextSource:
    """Rows of text as a FROM clause."""

    from_sql: str
    parameters: tuple[object, ...]
    texts: tuple[str, ...]
    """SQL of each column's text."""
    originals: tuple[str, ...]
    """Names in the file; empty where there is none."""
    samples: tuple[tuple[str | None, ...], ...]
    """Some values of each column."""
    delimiter: str = ""
    has_rejects: bool = False
    """Whether DuckDB writes lines that are no rows into `reject_errors`."""
    may_be_padded: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What all tables of one ingest share."""

    connection: duckdb.DuckDBPyConnection
    cancel: CancelToken
    report: Report
    types: Mapping[str, str]


def create_table(job: Job, source: TextSource, table: str) -> TableReport:
    """Make the table and fill it.

    Raises:
        InvalidInput: no rows, or more lines that do not fit than any real table has.
    """
    source = _with_late_values(job, source)
    plans, hints = plan_columns(
        source.originals, source.texts, source.samples, job.types, source.delimiter
    )
    failed: dict[int, set[Reading]] = {}
    while True:
        select = ", ".join(
            f"{plan.strict_value(i)} AS {quoted(plan.name)}" for i, plan in enumerate(plans)
        )
        sql = f"CREATE TABLE {quoted(table)} AS SELECT {select} FROM {source.from_sql}"  # noqa: S608
        if _misfit_column(job, source, sql) is not None:
            plans = _decided_anew(job, source, plans, hints, failed)
        elif is_ragged(job, source, rows := count_rows(job, table)):
            job.connection.execute(f"DROP TABLE {quoted(table)}")
            source = padded(source)
        else:
            return _report(job, source, table, plans, rows)


def append_rows(
    job: Job, source: TextSource, table: str, plans: Sequence[ColumnPlan]
) -> TableReport:
    """Add rows to a table; the plans have the names and types of its columns.

    Raises:
        InvalidInput: a value does not fit; says which. Nothing was added then.
    """
    before = count_rows(job, table)
    names = ", ".join(quoted(plan.name) for plan in plans)
    select = ", ".join(plan.strict_value(i) for i, plan in enumerate(plans))
    while True:
        sql = f"INSERT INTO {quoted(table)} ({names}) SELECT {select} FROM {source.from_sql}"  # noqa: S608
        job.connection.execute("BEGIN")
        position = _misfit_column(job, source, sql)
        if position is not None:
            job.connection.execute("ROLLBACK")
            plan = plans[position]
            raise does_not_fit(plan.name, plan.reading.type, _misfits(job, source, [plan])[0])
        rows = count_rows(job, table) - before
        if not is_ragged(job, source, rows):
            job.connection.execute("COMMIT")
            return _report(job, source, table, plans, rows)
        job.connection.execute("ROLLBACK")
        source = padded(source)


def no_rows() -> InvalidInput:
    return InvalidInput("The file has no rows.", hint="Choose a file with rows.")


def refuse_types(job: Job) -> None:
    """Raises `InvalidInput` when types are given for rows that are added."""
    if job.types:
        raise InvalidInput("Rows that are added take the table's types.", hint="Leave out `types`.")


def does_not_fit(column: str, wanted: str, values: Sequence[str]) -> InvalidInput:
    examples = ", ".join(f"“{shown(text)[:40]}”" for text in values[: limits.SHOWN_REJECTS])
    return InvalidInput(
        f"Column {column} has values that are not of its type {wanted}: {examples}.",
        hint="Correct the file, or replace the table.",
    )


def count_rows(job: Job, table: str) -> int:
    row = job.connection.execute(f"SELECT count(*) FROM {quoted(table)}").fetchone()  # noqa: S608
    return int(row[0]) if row else 0


def is_ragged(job: Job, source: TextSource, rows: int) -> bool:
    """Whether so many lines are short that whoever wrote them leaves out empty values at the end.

    A few short lines are remarks or sums under the table, and are no rows of it.
    """
    if not source.may_be_padded:
        return False
    row = job.connection.execute(
        "SELECT count(*) FROM reject_errors WHERE error_type = 'MISSING COLUMNS'"
    ).fetchone()
    return row is not None and row[0] > _RAGGED_SHARE * (rows + row[0])


def padded(source: TextSource) -> TextSource:
    """Short lines become rows; read by one thread, as DuckDB cannot do this by several."""
    return replace(
        source,
        from_sql=source.from_sql.removesuffix(")") + ", null_padding = true, parallel = false)",
        may_be_padded=False,
        notes=(*source.notes, "Some lines have fewer values; the missing ones are empty."),
    )


def _misfit_column(job: Job, source: TextSource, sql: str) -> int | None:
    """Run it; the position of a column with a value that does not fit, None when all went well."""
    if source.has_rejects:
        job.connection.execute("DROP TABLE IF EXISTS reject_errors")
        job.connection.execute("DROP TABLE IF EXISTS reject_scans")
    try:
        with watched(job.connection, job.cancel, job.report, "read"):
            job.connection.execute(sql, list(source.parameters))
    except duckdb.Error as error:
        found = re.search(rf"{MISFIT}(\d+)", str(error))
        if found is None:
            raise
        return int(found.group(1))
    return None


def _decided_anew(
    job: Job,
    source: TextSource,
    plans: Sequence[ColumnPlan],
    hints: Hints,
    failed: dict[int, set[Reading]],
) -> list[ColumnPlan]:
    """Plans in which no column has a reading that does not fit one of its values."""
    judged = [(i, plan) for i, plan in enumerate(plans) if not plan.is_asked_for]
    found = _misfits(job, source, [plan for _, plan in judged])
    changed = list(plans)
    for (i, plan), misfits in zip(judged, found, strict=True):
        if misfits:
            failed.setdefault(i, set()).add(without_warning(plan.reading))
            values = meaningful([*source.samples[i], *misfits])
            changed[i] = replace(plan, reading=decide(values, hints, failed[i]))
    return changed


def _with_late_values(job: Job, source: TextSource) -> TextSource:
    """Samples also of columns whose first values say nothing: otherwise they would be text."""
    silent = [i for i, sample in enumerate(source.samples) if not meaningful(sample)]
    if not silent:
        return source
    nothing = [
        ColumnPlan(name="", original="", text=source.texts[i], reading=_NOTHING) for i in silent
    ]
    found = _misfits(job, source, nothing)
    late = dict(zip(silent, found, strict=True))
    samples = (tuple(late.get(i, sample)) for i, sample in enumerate(source.samples))
    return replace(source, samples=tuple(samples))


def _misfits(job: Job, source: TextSource, plans: Sequence[ColumnPlan]) -> list[list[str]]:
    """For each plan some texts that do not fit its reading: the first and last by alphabet."""
    some = "list_concat(min({cut}, {most}) FILTER ({only}), max({cut}, {most}) FILTER ({only}))"
    items = ", ".join(some.format(cut=_cut(p), most=_MISFITS, only=p.is_misfit) for p in plans)
    with watched(job.connection, job.cancel, job.report, "read"):
        row = job.connection.execute(
            f"SELECT {items} FROM {source.from_sql}",  # noqa: S608 - built of own names
            list(source.parameters),
        ).fetchone()
    return [list(dict.fromkeys(values or ())) for values in row or ()]


def _cut(plan: ColumnPlan) -> str:
    """SQL of the column's text, so long that a sample of it fits into memory."""
    return f"left({plan.text}, {limits.SAMPLE_CHARS})"


def _report(
    job: Job, source: TextSource, table: str, plans: Sequence[ColumnPlan], rows: int
) -> TableReport:
    rejected_rows, rejected = _rejects(job, rows) if source.has_rejects else (0, ())
    return TableReport(
        name=table,
        rows=rows,
        total_rows=count_rows(job, table),
        columns=tuple(plan.report for plan in plans),
        rejected_rows=rejected_rows,
        rejected=rejected,
        unfit=_unfit(job, source, [plan for plan in plans if plan.is_asked_for]),
        notes=source.notes,
    )


def _rejects(job: Job, rows: int) -> tuple[int, tuple[Rejected, ...]]:
    """How many lines are no rows, and the first of them."""
    counted = job.connection.execute(
        "SELECT count(DISTINCT line), coalesce(sum(n), 0) FROM (SELECT line, "
        "max(length(csv_line) - length(replace(csv_line, chr(10), ''))) AS n "
        "FROM reject_errors GROUP BY line)"
    ).fetchone()
    lines, within = counted or (0, 0)
    first = job.connection.execute(
        "SELECT line, min(error_type), min(csv_line) FROM reject_errors "
        "GROUP BY line ORDER BY line LIMIT ?",
        [limits.SHOWN_REJECTS],
    ).fetchall()
    rejected = tuple(
        Rejected(line=line, reason=_REASONS.get(kind, _REASON), text=shown(text or ""))
        for line, kind, text in first
    )
    if lines >= limits.MAX_REJECTS or lines > rows:
        example = f" Line {rejected[0].line:,}: {rejected[0].reason}." if rejected else ""
        raise InvalidInput(
            f"Most lines of the file do not fit its first ones.{example}",
            hint="Check that all lines have the same number of values, and that quotes are closed.",
        )
    # An unclosed quote swallows the lines after it.
    return int(lines + within), rejected


_REASON = "It cannot be read"
_REASONS = {
    "MISSING COLUMNS": "It has fewer values than the table has columns",
    "TOO MANY COLUMNS": "It has more values than the table has columns",
    "UNQUOTED VALUE": "A quote is not closed, or text follows it",
    "LINE SIZE OVER MAXIMUM": "The line is too long",
    "INVALID ENCODING": "It has bytes that are not text",
}


def _unfit(job: Job, source: TextSource, plans: Sequence[ColumnPlan]) -> tuple[Unfit, ...]:
    """Values that are not of the type that somebody asked for; they are empty in the table."""
    if not plans:
        return ()
    some = "count(*) FILTER ({only}), min({cut}, {most}) FILTER ({only})"
    most = limits.SHOWN_REJECTS
    items = ", ".join(some.format(cut=_cut(p), most=most, only=p.is_misfit) for p in plans)
    row = job.connection.execute(
        f"SELECT {items} FROM {source.from_sql}",  # noqa: S608 - built of own names
        list(source.parameters),
    ).fetchone()
    values = row or ()
    return tuple(
        Unfit(
            column=plan.name,
            type=plan.reading.type,
            count=count,
            examples=tuple(shown(text) for text in examples or ()),
        )
        for plan, count, examples in zip(plans, values[0::2], values[1::2], strict=True)
        if count
    )
