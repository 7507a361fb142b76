"""The DuckDB in memory that joins what the sources sent: locked, bounded, gone after the query."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.verdict import Statement
from aiser_app.query.engines.duckdb import BATCH_ROWS, LOCKED_PROFILE
from aiser_app.query.engines.duckdb_errors import as_aiser_error
from aiser_app.query.engines.interruption import Watchdog


@contextmanager
def local_database(
    folder: Path, *, memory_limit: str, temporary_limit: str, threads: int
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of this query alone, which spills to `folder` and reaches nothing else."""
    config: dict[str, str | bool | int | float | list[str]] = {
        **LOCKED_PROFILE,
        "memory_limit": memory_limit,
        "threads": str(threads),
        "temp_directory": str(folder),
        "max_temp_directory_size": temporary_limit,
    }
    connection = duckdb.connect(":memory:", config=config)
    try:
        connection.execute("SET GLOBAL TimeZone = 'UTC'")
        connection.execute("SET lock_configuration = true")
        yield connection
    finally:
        connection.close()


@contextmanager
def joined(
    connection: duckdb.DuckDBPyConnection,
    tables: Mapping[str, pa.Table],
    statement: Statement,
    *,
    timeout_seconds: float,
    cancel: CancelToken,
) -> Iterator[JoinedRows]:
    """Run the query over the tables, which DuckDB reads where they are, without a copy.

    Raises:
        QueryInvalid: DuckDB cannot run it.
        QueryTimedOut, QueryCancelled: it was stopped.
    """
    for name, table in tables.items():
        connection.register(name, table)
    with Watchdog(connection.interrupt, timeout_seconds, cancel) as watchdog:
        rows = JoinedRows(connection, statement, watchdog)
        try:
            yield rows
        finally:
            rows.close()


class JoinedRows:
    """As `engines.contract.RowStream`."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, statement: Statement, watchdog: Watchdog
    ) -> None:
        self._watchdog = watchdog
        with self._errors():
            relation = connection.sql(
                statement.written(lambda position, _: f"${position}"),
                params=[parameter.value for parameter in statement.parameters],
            )
            if relation is None:
                raise duckdb.InvalidInputException("not a query")
            self._reader: pa.RecordBatchReader = relation.to_arrow_reader(BATCH_ROWS)

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

    def close(self) -> None:
        self._reader.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (duckdb.Error, pa.ArrowException, OSError, RuntimeError) as error:
            self._watchdog.raise_if_stopped(error)
            raise as_aiser_error(error, ()) from error
