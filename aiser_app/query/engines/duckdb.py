"""DuckDB files that Aiser has written: the sample and uploads. Always read-only, always locked.

`read_only=True` alone is no protection in DuckDB (it still reads and writes other files), so every
connection gets the locked profile as well; see docs/decisions/0004-locked-duckdb.md.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.connection import ConnectionReport, ConnectionStep, StepOutcome
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.verdict import ParameterValue, Statement
from aiser_app.errors import EngineUnavailable
from aiser_app.query.engines.contract import Capabilities, Plan, RowStream, TableSchema
from aiser_app.query.engines.duckdb_errors import as_aiser_error
from aiser_app.query.engines.duckdb_schema import read_schema
from aiser_app.query.engines.interruption import Watchdog

LOCKED_PROFILE = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
}
"""Denies files, network, extensions and Python variables; then the configuration is locked."""

BATCH_ROWS = 10_000
"""Rows per Arrow batch: small enough to notice caps and cancels soon."""


def open_locked(
    path: str, *, read_only: bool, memory_limit: str, threads: int
) -> duckdb.DuckDBPyConnection:
    """A connection with the locked profile, whose settings no statement can change any more."""
    config: dict[str, str | bool | int | float | list[str]] = {
        **LOCKED_PROFILE,
        "memory_limit": memory_limit,
        "threads": str(threads),
        "max_temp_directory_size": memory_limit,
    }
    connection = duckdb.connect(path, read_only=read_only, config=config)
    connection.execute("SET GLOBAL TimeZone = 'UTC'")  # not that of the machine
    connection.execute("SET lock_configuration = true")
    return connection


@dataclass(eq=False, slots=True)
class _OpenFile:
    """One open file version. `users` counts running queries, under the engine's condition."""

    version: tuple[int, ...]
    connection: duckdb.DuckDBPyConnection
    users: int = 0
    schema: tuple[TableSchema, ...] = field(default=())


class DuckDBEngine:
    """Keeps one connection per file and process; queries run on cursors of it.

    A file that was replaced by a new ingest is noticed before the next query and reopened as soon
    as no query of the old version runs: DuckDB knows an open file by its path alone.
    """

    name = "duckdb"
    dialect = "duckdb"
    route = "duckdb"
    capabilities = Capabilities(
        native_arrow=True,
        cancels_in_database=True,
        explains=True,
        explains_actual=True,
        runs_in_tests=True,
    )

    def __init__(self, root: Path, *, memory_limit: str = "1GB", threads: int = 2) -> None:
        """`root` is the folder that `options["path"]` of a source is relative to."""
        self._root = root.resolve()
        self._memory_limit = memory_limit
        self._threads = threads
        self._files: dict[Path, _OpenFile] = {}
        self._changed = threading.Condition()
        self._pid = os.getpid()

    @contextmanager
    def stream(
        self,
        source: DataSource,
        statement: Statement,
        *,
        timeout_seconds: float,
        cancel: CancelToken,
    ) -> Iterator[RowStream]:
        deadline = time.monotonic() + timeout_seconds
        with self._borrowed(source, timeout_seconds) as opened:
            cursor = opened.connection.cursor()
            left = max(0.001, deadline - time.monotonic())
            watchdog = Watchdog(cursor.interrupt, left, cancel)
            try:
                with watchdog:
                    yield _Rows(cursor, statement, watchdog, opened.schema)
            finally:
                cursor.close()

    def describe(self, source: DataSource) -> tuple[TableSchema, ...]:
        with self._borrowed(source, 30) as opened:
            return opened.schema

    def test(self, source: DataSource) -> ConnectionReport:
        """Whether the file can be opened; there is nothing to sign in to."""
        try:
            self.describe(source)
        except EngineUnavailable as error:
            message = f"{error.message} {error.hint or ''}".strip()
            failed = StepOutcome(step=ConnectionStep.ADDRESS, is_ok=False, message=message)
            return ConnectionReport(steps=(failed,))
        opened = StepOutcome(step=ConnectionStep.ADDRESS, is_ok=True)
        return ConnectionReport(steps=(opened,), server_version=duckdb.__version__)

    def explain(
        self,
        source: DataSource,
        statement: Statement,
        *,
        actual: bool,
        timeout_seconds: float,
        cancel: CancelToken,
    ) -> Plan | None:
        verb = "EXPLAIN ANALYZE" if actual else "EXPLAIN"
        explained = Statement(sql=f"{verb} {statement.sql}", parameters=statement.parameters)
        running = self.stream(source, explained, timeout_seconds=timeout_seconds, cancel=cancel)
        with running as stream:
            texts = [row["explain_value"] for batch in stream for row in batch.to_pylist()]
        return Plan(text="\n".join(texts), is_actual=actual)

    def close(self) -> None:
        """Close every file; the engine can be used again afterwards."""
        with self._changed:
            for opened in self._files.values():
                opened.connection.close()
            self._files.clear()

    @contextmanager
    def _borrowed(self, source: DataSource, wait_seconds: float) -> Iterator[_OpenFile]:
        path = self._path(source)
        with self._changed:
            opened = self._current(path, source.name, time.monotonic() + wait_seconds)
            opened.users += 1
        try:
            yield opened
        finally:
            with self._changed:
                opened.users -= 1
                self._changed.notify_all()

    def _path(self, source: DataSource) -> Path:
        path = (self._root / source.options.get("path", "")).resolve()
        if not path.is_relative_to(self._root) or not path.is_file():
            raise _unavailable(source.name)
        return path

    def _current(self, path: Path, name: str, deadline: float) -> _OpenFile:
        """The open file at its present version; the condition is held."""
        if self._pid != os.getpid():
            # After a fork DuckDB's threads are gone: the parent's connections must not be touched.
            self._files, self._pid = {}, os.getpid()
        while True:
            version = _version(path, name)
            opened = self._files.get(path)
            if opened is not None and opened.version == version:
                return opened
            if opened is None:
                return self._open(path, version, name)
            if opened.users == 0:
                del self._files[path]
                opened.connection.close()
            elif not self._changed.wait(timeout=max(0.0, deadline - time.monotonic())):
                raise EngineUnavailable(
                    f"“{name}” is being renewed while queries run.", hint="Try again in a moment."
                )

    def _open(self, path: Path, version: tuple[int, ...], name: str) -> _OpenFile:
        try:
            connection = open_locked(
                str(path),
                read_only=True,
                memory_limit=self._memory_limit,
                threads=self._threads,
            )
            opened = _OpenFile(version, connection, schema=read_schema(connection))
        except duckdb.Error as error:
            raise _unavailable(name) from error
        self._files[path] = opened
        return opened


class _Rows:
    """Starts the query when the schema or the first row is asked for; stops it with the watchdog."""

    def __init__(
        self,
        cursor: duckdb.DuckDBPyConnection,
        statement: Statement,
        watchdog: Watchdog,
        known: tuple[TableSchema, ...],
    ) -> None:
        self._watchdog = watchdog
        self._known = known
        with self._errors():
            self._reader = _started(
                cursor,
                statement.written(lambda position, _: f"${position}"),
                [parameter.value for parameter in statement.parameters],
            )

    @property
    def schema(self) -> pa.Schema:
        return self._reader.schema

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        while True:
            with self._errors():
                try:
                    batch = self._reader.read_next_batch()
                except StopIteration:
                    return
            yield batch

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Every failure of DuckDB, also one that comes through Arrow, becomes one of Aiser's."""
        try:
            yield
        except (duckdb.Error, pa.ArrowException, OSError, RuntimeError) as error:
            self._watchdog.raise_if_stopped(error)
            raise as_aiser_error(error, self._known) from error


def _started(
    cursor: duckdb.DuckDBPyConnection, sql: str, values: list[ParameterValue]
) -> pa.RecordBatchReader:
    """Run one statement; its rows as they come.

    `cursor.sql(…).to_arrow_reader(…)` parses and plans it twice before it runs, to know the columns of
    a relation that nobody looks at: one to three milliseconds for each query. What it calls at the
    end has no public name in DuckDB 2.0; where it is missing, the long way gives the same rows.
    """
    submit = getattr(cursor, "_submit", None)
    if submit is not None:
        reader: pa.RecordBatchReader = submit(sql, values, "stream", BATCH_ROWS).arrow_reader()
        return reader
    relation = cursor.sql(sql, params=values)
    if relation is None:
        raise duckdb.InvalidInputException("not a query")
    return relation.to_arrow_reader(BATCH_ROWS)


def _version(path: Path, name: str) -> tuple[int, ...]:
    """What changes when a file is replaced or rewritten."""
    try:
        facts = path.stat()
    except OSError as error:
        raise _unavailable(name) from error
    return (facts.st_dev, facts.st_ino, facts.st_mtime_ns, facts.st_size)


def _unavailable(name: str) -> EngineUnavailable:
    return EngineUnavailable(
        f"The data of “{name}” cannot be opened.", hint="Upload or synchronize it again."
    )
