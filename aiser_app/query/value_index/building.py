"""Reads the distinct values of text columns, and writes them into one SQLite file per source.

Data that Aiser keeps is read whole. Of somebody else's database, only tables that it says are small
are read, within a budget of statements, as a sync does it otherwise; of the others what their samples
showed is kept. Columns about persons and secrets are left out there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import NamedTemporaryFile

from sqlglot import exp

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.catalog import Catalog, ColumnProfile, TableProfile
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.table_importance import rank_tables
from aiser_app.query.catalog.portable import as_text
from aiser_app.query.catalog.probe import Probe, column_expression, table_expression
from aiser_app.query.catalog.sampled_links import COUNTABLE_ROWS
from aiser_app.query.catalog.sampling import is_private
from aiser_app.query.engines.contract import Engine
from aiser_app.query.value_index.text import MAX_LENGTH, fragments, may_have_typo, normal, words_of

MAX_PER_COLUMN = 50_000
"""A column with more distinct values is no category; none of them is kept."""
MAX_VALUES = 1_000_000
"""Of one source."""
MAX_AVERAGE_LENGTH = 60
BUDGET_SECONDS = 30.0
MAX_STATEMENTS = 60
"""Sent to somebody else's database; data that Aiser keeps is limited by time alone."""
_SCHEMA = """
CREATE TABLE columns (column_id INTEGER PRIMARY KEY, tab TEXT, name TEXT);
CREATE TABLE vals (value_id INTEGER PRIMARY KEY, column_id INTEGER, value TEXT, normal TEXT,
    frequency INTEGER);
CREATE TABLE tokens (token_id INTEGER PRIMARY KEY, token TEXT, times INTEGER);
CREATE TABLE postings (token_id INTEGER, rank INTEGER, value_id INTEGER,
    PRIMARY KEY (token_id, rank, value_id)) WITHOUT ROWID;
CREATE TABLE near (fragment TEXT, token_id INTEGER, PRIMARY KEY (fragment, token_id)) WITHOUT ROWID;
"""
_INDEXES = """
CREATE INDEX vals_normal ON vals (normal, frequency DESC);
CREATE UNIQUE INDEX tokens_token ON tokens (token);
"""

Values = list[tuple[str, int]]


def build_value_index(
    engine: Engine,
    source: DataSource,
    catalog: Catalog,
    path: Path,
    *,
    cancel: CancelToken | None = None,
    budget_seconds: float = BUDGET_SECONDS,
) -> int:
    """Replace the index of a source at once; returns how many values it has.

    Whoever reads the old one goes on with it.

    Raises:
        QueryCancelled: `cancel` was set.
        OSError, sqlite3.Error: the file cannot be written; the old one stays.
    """
    probe = Probe(
        engine,
        source,
        budget_seconds=budget_seconds,
        max_statements=None if source.is_kept_here else MAX_STATEMENTS,
        cancel=cancel,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
        made = Path(file.name)
    try:
        count = write_values(made, _values(probe, source, catalog))
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)
    return count


def write_values(path: Path, columns: Iterable[tuple[str, str, Values]]) -> int:
    """Write (table, column, [(value, frequency)]) into an empty file; returns the values written."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("PRAGMA synchronous = OFF")
        database.executescript(_SCHEMA)
        database.execute("BEGIN")
        count = _Writer(database).write(columns)
        database.execute("COMMIT")
        database.executescript(_INDEXES)
        database.execute("ANALYZE")
    return count


class _Writer:
    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._tokens: dict[str, int] = {}
        self._times: dict[int, int] = {}
        self._count = 0

    def write(self, columns: Iterable[tuple[str, str, Values]]) -> int:
        for number, (table, column, values) in enumerate(columns, start=1):
            left = MAX_VALUES - self._count
            if left <= 0:
                break
            self._database.execute("INSERT INTO columns VALUES (?, ?, ?)", (number, table, column))
            self._values(number, values[:left])
        self._database.executemany(
            "INSERT INTO tokens VALUES (?, ?, ?)",
            ((key, token, self._times[key]) for token, key in self._tokens.items()),
        )
        self._database.executemany(
            "INSERT OR IGNORE INTO near VALUES (?, ?)",
            (
                (fragment, key)
                for token, key in self._tokens.items()
                if may_have_typo(token)
                for fragment in fragments(token)
            ),
        )
        return self._count

    def _values(self, column_id: int, values: Values) -> None:
        rows, postings = [], []
        for value, frequency in values:
            plain = normal(value)
            if not plain or len(value) > MAX_LENGTH:
                continue
            self._count += 1
            rows.append((self._count, column_id, value, plain, frequency))
            for token in dict.fromkeys(words_of(plain)):
                key = self._tokens.setdefault(token, len(self._tokens) + 1)
                self._times[key] = self._times.get(key, 0) + 1
                postings.append((key, -frequency, self._count))
        self._database.executemany("INSERT INTO vals VALUES (?, ?, ?, ?, ?)", rows)
        self._database.executemany("INSERT OR IGNORE INTO postings VALUES (?, ?, ?)", postings)


def _values(
    probe: Probe, source: DataSource, catalog: Catalog
) -> Iterator[tuple[str, str, Values]]:
    """The most important tables first: when the budget ends, the least is missing."""
    for table in rank_tables(catalog):
        for column in table.columns:
            if not is_indexed(column):
                continue
            values = _read(probe, source, table, column)
            if values:
                yield table.name, column.name, values


def is_indexed(column: ColumnProfile) -> bool:
    """Texts and codes, not prose."""
    is_few = column.distinct_count is None or column.distinct_count <= MAX_PER_COLUMN
    is_short = (column.average_length or 0) <= MAX_AVERAGE_LENGTH
    return column.type == "string" and is_few and is_short


def _read(probe: Probe, source: DataSource, table: TableProfile, column: ColumnProfile) -> Values:
    if not source.is_kept_here and is_private(column):
        return []
    sampled = [(value, 0) for value in column.values]
    if not _may_be_read(source, table) or probe.is_spent:
        return sampled
    rows = probe.find_rows(_query(table.name, column.name))
    if rows is None:
        return sampled
    return [] if len(rows) > MAX_PER_COLUMN else _sorted(rows)


def _may_be_read(source: DataSource, table: TableProfile) -> bool:
    if source.is_kept_here:
        return True
    is_small = 0 < table.row_count <= COUNTABLE_ROWS and not table.is_view
    return source.settings.sample_values and is_small


def _query(table: str, column: str) -> exp.Select:
    this = column_expression(column)
    return (
        exp.select(as_text(this).as_("value"), exp.Count(this=exp.Star()).as_("n"))
        .from_(table_expression(table))
        .where(exp.not_(exp.Is(this=this.copy(), expression=exp.Null())))
        .group_by(as_text(this.copy()))
        .limit(MAX_PER_COLUMN + 1)
    )


def _sorted(rows: Sequence[tuple[object, ...]]) -> Values:
    """The most frequent first; engines return groups in any order."""
    found = [(str(value), int(str(count))) for value, count in rows]
    return sorted(found, key=lambda item: (-item[1], item[0]))
