"""The engine `sqlite`: one connection per query, closed afterwards."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.connection import ConnectionReport, ConnectionStep, StepOutcome
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.verdict import BoundParameter, Statement
from aiser_app.errors import AiserError, EngineUnavailable, InvalidInput
from aiser_app.query.connection import Pools, failed_report, read_address
from aiser_app.query.connection.files import source_file
from aiser_app.query.engines.contract import Capabilities, Plan, RowStream, TableSchema
from aiser_app.query.engines.interruption import Watchdog
from aiser_app.query.engines.sqlite.columns import batch, readings
from aiser_app.query.engines.sqlite.errors import as_aiser_error, cannot_open
from aiser_app.query.engines.sqlite.opening import (
    declared_types,
    open_catalog,
    open_locked,
    with_strict_names,
)
from aiser_app.query.engines.sqlite.schema import read_schema

BATCH_ROWS = 10_000
LOOK_AHEAD_ROWS = 50_000
"""Rows by which the types of columns are decided."""


class SqliteEngine:
    """Reads files in the folder of sources; they belong to other programs and may change."""

    name = "sqlite"
    dialect = "sqlite"
    route = "direct"
    capabilities = Capabilities(
        native_arrow=False,
        cancels_in_database=True,
        explains=True,
        explains_actual=False,
        runs_in_tests=True,
    )

    def __init__(self, folder: Path, unseal: Callable[[str], str]) -> None:
        """`folder` is what file names of sources are relative to; `unseal` opens their URLs."""
        self._folder = folder
        self._unseal = unseal
        self._pools: Pools[_Opened] = Pools(self._open, _Opened.close)

    @contextmanager
    def stream(
        self,
        source: DataSource,
        statement: Statement,
        *,
        timeout_seconds: float,
        cancel: CancelToken,
    ) -> Iterator[RowStream]:
        with self._watched(source, timeout_seconds, cancel) as (opened, watchdog):
            rows = _Rows(opened, watchdog)
            rows.start(statement)
            yield rows

    def describe(self, source: DataSource) -> tuple[TableSchema, ...]:
        path = self._path(source)
        try:
            return _schema(path)
        except sqlite3.Error as error:
            raise _unavailable(source) from error

    def test(self, source: DataSource) -> ConnectionReport:
        try:
            path = source_file(self._folder, read_address(self._unseal(source.sealed_url)))
        except AiserError as error:
            return failed_report(ConnectionStep.ADDRESS, error)
        steps = [StepOutcome(step=ConnectionStep.ADDRESS, is_ok=True)]
        try:
            tables = _schema(path)
        except sqlite3.Error as error:
            message = cannot_open(error)
            steps.append(StepOutcome(step=ConnectionStep.SIGN_IN, is_ok=False, message=message))
            return ConnectionReport(steps=tuple(steps))
        steps.append(StepOutcome(step=ConnectionStep.SIGN_IN, is_ok=True))
        message = "" if tables else "The file holds no table."
        steps.append(StepOutcome(step=ConnectionStep.RIGHTS, is_ok=bool(tables), message=message))
        return ConnectionReport(steps=tuple(steps), server_version=sqlite3.sqlite_version)

    def explain(
        self,
        source: DataSource,
        statement: Statement,
        *,
        actual: bool,
        timeout_seconds: float,
        cancel: CancelToken,
    ) -> Plan | None:
        if actual:
            return None
        with self._watched(source, timeout_seconds, cancel) as (opened, watchdog):
            rows = _Rows(opened, watchdog)
            return Plan(text=_plan_text(rows.plan(statement)))

    def close(self) -> None:
        self._pools.close()

    @contextmanager
    def _watched(
        self, source: DataSource, seconds: float, cancel: CancelToken
    ) -> Iterator[tuple[_Opened, Watchdog]]:
        deadline = time.monotonic() + seconds
        with self._pools.borrowed(source, wait_seconds=seconds, cancel=cancel) as lease:
            opened = lease.connection
            left = max(0.001, deadline - time.monotonic())
            with Watchdog(opened.connection.interrupt, left, cancel) as watchdog:
                yield opened, watchdog

    def _open(self, source: DataSource) -> _Opened:
        path = self._path(source)
        try:
            return _Opened(path, open_locked(path))
        except sqlite3.Error as error:
            raise _unavailable(source) from error

    def _path(self, source: DataSource) -> Path:
        try:
            return source_file(self._folder, read_address(self._unseal(source.sealed_url)))
        except InvalidInput as error:
            raise _unavailable(source) from error


@dataclass(eq=False, slots=True)
class _Opened:
    path: Path
    connection: sqlite3.Connection

    def close(self) -> None:
        self.connection.close()


class _Rows:
    """The first rows are read before the schema is known: they decide its types."""

    def __init__(self, opened: _Opened, watchdog: Watchdog) -> None:
        self._opened = opened
        self._watchdog = watchdog
        self._cursor = opened.connection.cursor()

    def start(self, statement: Statement) -> None:
        sql = with_strict_names(statement.written(lambda position, _: f"?{position}"))
        untyped = with_strict_names(statement.written(lambda *_: "NULL"))
        with self._errors():
            self._cursor.execute(sql, [_bound(part) for part in statement.parameters])
            if self._cursor.description is None:
                raise sqlite3.ProgrammingError("This is not a query.")
            self._first = self._cursor.fetchmany(LOOK_AHEAD_ROWS)
        names = [part[0] for part in self._cursor.description]
        self._columns = readings(names, declared_types(self._opened.path, untyped), self._first)
        self._schema = pa.schema([column.field for column in self._columns])

    def plan(self, statement: Statement) -> list[tuple[Any, ...]]:
        """Rows of EXPLAIN QUERY PLAN."""
        sql = with_strict_names(statement.written(lambda position, _: f"?{position}"))
        values = [_bound(part) for part in statement.parameters]
        with self._errors():
            return self._cursor.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()

    @property
    def schema(self) -> pa.Schema:
        return self._schema

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        starts = range(0, len(self._first), BATCH_ROWS)
        held = (self._first[start : start + BATCH_ROWS] for start in starts)
        for rows in chain(held, self._rest()):
            yield batch(rows, self._columns, self._schema)

    def _rest(self) -> Iterator[list[tuple[Any, ...]]]:
        self._first = []
        while True:
            with self._errors():
                rows = self._cursor.fetchmany(BATCH_ROWS)
            if not rows:
                return
            yield rows

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, sqlite3.Warning, OverflowError, MemoryError) as error:
            self._watchdog.raise_if_stopped(error)
            raise as_aiser_error(error, self._known) from error

    def _known(self) -> list[tuple[str, str]]:
        try:
            tables = _schema(self._opened.path)
        except sqlite3.Error:
            return []
        return [(table.name, column.name) for table in tables for column in table.columns]


def _bound(parameter: BoundParameter) -> str | int | float | None:
    """SQLite has no decimals, dates and times of its own: they are numbers and texts."""
    value = parameter.value
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value.as_tuple().exponent == 0 else float(value)
    return value


def _schema(path: Path) -> tuple[TableSchema, ...]:
    connection = open_catalog(path)
    try:
        return read_schema(connection)
    finally:
        connection.close()


def _plan_text(rows: list[tuple[Any, ...]]) -> str:
    """Each line under the one that it is a part of."""
    depths: dict[int, int] = {0: -1}
    lines = []
    for number, parent, _, detail in rows:
        depths[number] = depths.get(parent, -1) + 1
        lines.append(f"{'  ' * depths[number]}{detail}")
    return "\n".join(lines)


def _unavailable(source: DataSource) -> EngineUnavailable:
    return EngineUnavailable(
        f"The file of “{source.name}” cannot be opened.",
        hint="Test the connection of this data source: it says what is wrong.",
    )
