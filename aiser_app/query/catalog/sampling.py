"""Facts from a bounded sample of each table of somebody else's database.

Never a count of rows, never a view, never a document: at most SAMPLE_ROWS rows of a table, of texts
their first characters, in one statement per table, the most important tables first. A table that
is smaller than its sample is known completely.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from sqlglot import exp

from aiser_app.domain.catalog import ColumnProfile, TableProfile, name_words
from aiser_app.domain.verdict import ParameterValue
from aiser_app.query.catalog.portable import bounds_of, sampled_table, start_of_text
from aiser_app.query.catalog.probe import Probe, column_expression, table_expression

SAMPLE_ROWS = 1_000
MAX_COLUMNS = 100
"""Columns of a table that a sample reads; wider tables keep the types of the rest."""
MAX_VALUE_LENGTH = 60
"""Characters; a column with a longer value is prose, and none of its values is kept."""
MAX_VALUES = 100
"""Most distinct values of a column that looks categorical."""
MIN_REPEATS = 4
"""How often a value must occur, on average, for the column to look categorical."""
SMALL_TABLE = 50
"""Rows of a table that is known completely, and whose every text may be one of few values."""
MAX_COMPARED = 60
"""Distinct values per column that are kept in memory to compare them with keys."""
_SAMPLED_TYPES = frozenset(("integer", "string", "boolean", "date", "timestamp"))
_LARGE_TYPES = (
    "BLOB BYTEA BINARY VARBINARY IMAGE RAW XML GEOMETRY GEOGRAPHY VECTOR TSVECTOR HSTORE BYTES"
)
_NOT_SAMPLED = tuple(_LARGE_TYPES.split())
_PRIVATE_WORDS = (
    "email mail phone mobile fax password passwd pwd hash salt secret token ssn iban bic passport "
    "license licence birth birthday birthdate dob ip address street firstname lastname surname "
    "username login signature cookie session note notes comment comments message body"
)
_PRIVATE = frozenset(_PRIVATE_WORDS.split())
"""Words of columns whose values are about somebody, or nobody's business: never kept."""
_BOUNDED_BY_INDEX = frozenset(("postgres", "mysql", "sqlite", "tsql"))
"""Dialects whose engines find the ends of an index without reading what is between them."""


@dataclass(slots=True)
class Sample:
    """What was read of one table, and is not kept: only to compare it with keys."""

    is_complete: bool
    values: dict[str, tuple[ParameterValue, ...]] = field(default_factory=dict)
    """Distinct values by column, at most MAX_COMPARED unless the sample is complete."""
    repeated: frozenset[str] = frozenset()
    """Columns in which a value occurs twice or is missing: no keys."""


def sample_table(probe: Probe, table: TableProfile) -> tuple[TableProfile, Sample] | None:
    """The table with what its sample says; None when there is none."""
    columns = [column for column in table.columns if _is_sampled(column)][:MAX_COLUMNS]
    if not columns:
        return None
    rows = _rows(probe, table, columns)
    if rows is None:
        return None
    is_complete = len(rows) <= SAMPLE_ROWS
    found = _columns(rows, len(columns))
    facts = {
        column.name: _facts(column, values, len(rows), is_complete=is_complete)
        for column, values in zip(columns, found, strict=True)
    }
    sample = Sample(
        is_complete=is_complete,
        values={
            column.name: _compared(values, whole=is_complete)
            for column, values in zip(columns, found, strict=True)
            if column.type in ("integer", "string")
        },
        repeated=frozenset(
            column.name
            for column, values in zip(columns, found, strict=True)
            if None in values or len(set(values)) < len(values)
        ),
    )
    sampled = replace(
        table,
        row_count=len(rows) if is_complete else max(table.row_count, len(rows)),
        columns=tuple(facts.get(column.name, column) for column in table.columns),
    )
    return sampled, sample


def bound_dates(probe: Probe, table: TableProfile) -> TableProfile:
    """Dates that begin an index get their true bounds: two looks at the ends of the index."""
    leading = {index[0] for index in table.indexes if index}
    columns = []
    for column in table.columns:
        is_wanted = column.is_sampled and column.type in ("date", "timestamp")
        if is_wanted and column.name in leading and probe.dialect in _BOUNDED_BY_INDEX:
            query = bounds_of(column_expression(column.name), table_expression(table.name))
            row = probe.find_row(query)
            if row is not None and None not in row:
                column = replace(column, minimum=str(row[0]), maximum=str(row[1]))
        columns.append(column)
    return replace(table, columns=tuple(columns))


def _is_sampled(column: ColumnProfile) -> bool:
    native = column.native_type.upper()
    return column.type in _SAMPLED_TYPES and not any(word in native for word in _NOT_SAMPLED)


def _rows(
    probe: Probe, table: TableProfile, columns: Sequence[ColumnProfile]
) -> list[tuple[Any, ...]] | None:
    """One row more than the sample tells that there are more."""
    plain = table_expression(table.name)
    estimate = table.row_count or None
    blocks = sampled_table(plain, SAMPLE_ROWS, estimate, probe.dialect)
    rows = probe.find_rows(_query(blocks, columns, probe.dialect))
    if blocks is not plain and (rows is None or len(rows) <= SAMPLE_ROWS):
        # Foreign tables have no blocks, and an estimate may be far off: then the first rows.
        rows = probe.find_rows(_query(plain, columns, probe.dialect))
    return rows


def _query(table: exp.Table, columns: Sequence[ColumnProfile], dialect: str) -> exp.Select:
    items = []
    for position, column in enumerate(columns):
        this: exp.Expr = column_expression(column.name)
        if column.type == "string":
            this = start_of_text(this, MAX_VALUE_LENGTH + 1, dialect=dialect)
        items.append(this.as_(f"c{position}"))
    return exp.select(*items).from_(table).limit(SAMPLE_ROWS + 1)


def _columns(rows: list[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [list(values) for values in zip(*rows, strict=True)] if rows else [[]] * width


def _facts(
    column: ColumnProfile, values: list[Any], row_count: int, *, is_complete: bool
) -> ColumnProfile:
    filled = [value for value in values if value is not None]
    distinct = set(filled)
    kept = _kept_values(column, filled, distinct, is_complete=is_complete)
    lengths = [len(str(value)) for value in filled] if column.type == "string" else []
    is_ordered = column.type in ("integer", "date", "timestamp") and bool(filled)
    is_unique = is_complete and 0 < row_count == len(distinct)
    return replace(
        column,
        distinct_count=len(distinct) if is_complete or kept else None,
        null_fraction=round(1 - len(filled) / row_count, 6) if row_count else 0.0,
        minimum=_text(min(filled)) if is_ordered else None,
        maximum=_text(max(filled)) if is_ordered else None,
        average_length=round(sum(lengths) / len(lengths), 2) if lengths else None,
        values=kept,
        is_sampled=not is_complete,
        is_unique=column.is_unique or is_unique,
    )


def _kept_values(
    column: ColumnProfile, filled: list[Any], distinct: set[Any], *, is_complete: bool
) -> tuple[str, ...]:
    """Values of a column that looks categorical, none of any other."""
    if column.type != "string" or not 0 < len(distinct) <= MAX_VALUES or is_private(column):
        return ()
    is_small = is_complete and len(filled) <= SMALL_TABLE
    if not is_small and len(filled) < MIN_REPEATS * len(distinct):
        return ()
    values = sorted(str(value) for value in distinct)
    return () if any(len(value) > MAX_VALUE_LENGTH for value in values) else tuple(values)


def is_private(column: ColumnProfile) -> bool:
    return bool(set(name_words(column.name)) & _PRIVATE)


def _compared(values: list[Any], *, whole: bool) -> tuple[ParameterValue, ...]:
    """Spread over what there is, and the same for the same rows."""
    distinct = sorted({value for value in values if _is_comparable(value)}, key=str)
    if whole or len(distinct) <= MAX_COMPARED:
        return tuple(distinct)
    step = len(distinct) / MAX_COMPARED
    return tuple(distinct[int(position * step)] for position in range(MAX_COMPARED))


def _is_comparable(value: Any) -> bool:
    """Longer texts were cut, and are nothing that one compares with keys."""
    return value is not None and not (isinstance(value, str) and len(value) > MAX_VALUE_LENGTH)


def _text(value: Any) -> str:
    """As the engines' own casts write it: days as ISO, moments with a space."""
    return value.isoformat() if type(value) is date else str(value)
