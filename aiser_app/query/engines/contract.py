"""What every engine must do; tests/contract/engines holds each of them to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import pyarrow as pa

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.connection import ConnectionReport
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.verdict import Statement

TYPE_KEY = b"aiser.type"
"""Metadata of a field in a stream's schema: the type of `domain.result.Column`, where the Arrow type
does not tell it, as for text that holds JSON or decimals of more digits than Arrow's types have."""


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
    indexes: tuple[tuple[str, ...], ...] = ()
    """Columns of each index in order, keys included."""
    is_view: bool = False
    definition: str = ""
    """Of a view: its SELECT as the database gives it; empty when it does not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Capabilities:
    """What an engine can do beyond reading rows; callers ask instead of trying."""

    native_arrow: bool
    """Rows arrive as Arrow from the driver, not through Python objects."""
    cancels_in_database: bool
    """A cancel ends the query inside the database within two seconds."""
    explains: bool
    """`explain` returns the plan before running."""
    explains_actual: bool
    """`explain(actual=True)` returns a plan with measured times; it runs the query again."""
    runs_in_tests: bool
    """False for engines that were never run against a live server; docs/engines.md says so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """`text` for people; `tree` as JSON values where the engine gives one."""

    text: str
    tree: object = None
    is_actual: bool = False


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

    @property
    def capabilities(self) -> Capabilities: ...

    def stream(
        self,
        source: DataSource,
        statement: Statement,
        *,
        timeout_seconds: float,
        cancel: CancelToken,
    ) -> AbstractContextManager[RowStream]:
        """Run one query; values of parameters go to the driver, never into the text.

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

    def test(self, source: DataSource) -> ConnectionReport:
        """Try to reach the database, step by step; failures are in the report, not raised."""

    def explain(
        self,
        source: DataSource,
        statement: Statement,
        *,
        actual: bool,
        timeout_seconds: float,
        cancel: CancelToken,
    ) -> Plan | None:
        """The plan of a query; None where the engine has none. `actual` runs the query.

        Raises:
            QueryInvalid, QueryTimedOut, QueryCancelled, EngineUnavailable: as `stream`.
        """

    def close(self) -> None:
        """Give back every connection; the engine can be used again afterwards."""
