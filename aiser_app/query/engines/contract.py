"""What every engine must do; tests/contract/engines holds each of them to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import DataSource


@dataclass(frozen=True, kw_only=True, slots=True)
class ColumnSchema:
    name: str
    native_type: str
    type: str
    """One of the types of `domain.result.Column`."""
    description: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class TableSchema:
    """A table or view as the database's own catalog describes it."""

    name: str
    """Plain name in the default schema, otherwise `schema.name`."""
    columns: tuple[ColumnSchema, ...]
    row_estimate: int | None = None
    description: str = ""
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[tuple[tuple[str, ...], str, tuple[str, ...]], ...] = ()
    """(own columns, target table, target columns), as declared."""


class RowStream(Protocol):
    """Rows of one running query, arriving in batches while it runs."""

    @property
    def schema(self) -> pa.Schema: ...

    def __iter__(self) -> Iterator[pa.RecordBatch]: ...


class Engine(Protocol):
    """Runs text that the guard has written. Every failure is one of the errors of `aiser_app.errors`.

    A query ends within its time limit or soon after a cancel, inside the database too;
    messages never carry server paths or addresses.
    """

    @property
    def name(self) -> str:
        """As in `DataSource.engine`."""

    @property
    def dialect(self) -> str:
        """The SQL that the engine speaks, by sqlglot's name for it."""

    @property
    def route(self) -> str:
        """`direct` for the user's own database, `duckdb` for data that Aiser keeps."""

    def stream(
        self, source: DataSource, sql: str, *, timeout_seconds: float, cancel: CancelToken
    ) -> AbstractContextManager[RowStream]:
        """Run one query.

        Raises:
            QueryInvalid: the engine says that the query cannot run.
            QueryTimedOut, QueryCancelled: stopped, on entering or while rows are read.
            EngineUnavailable: the database cannot be reached or opened.
        """

    def describe(self, source: DataSource) -> tuple[TableSchema, ...]:
        """Tables and columns from the database's own catalog, without reading rows.

        Raises:
            EngineUnavailable: the database cannot be reached or opened.
        """
