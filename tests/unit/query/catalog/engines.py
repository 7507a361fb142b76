"""Engines of the tests: the smallest thing that answers measuring queries, and counts them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.connection import ConnectionReport
from aiser_app.domain.data_source import DataSource, SourceSettings
from aiser_app.domain.verdict import Statement
from aiser_app.errors import QueryInvalid
from aiser_app.query.engines.contract import ColumnSchema, TableSchema
from aiser_app.query.engines.duckdb import DuckDBEngine

ORGANIZATION = "0" * 32


def live_source(engine: str = "postgres", *, sample_values: bool = True) -> DataSource:
    return DataSource(
        source_id="1" * 32,
        organization_id=ORGANIZATION,
        name="Live",
        engine=engine,
        settings=SourceSettings(sample_values=sample_values),
    )


@contextmanager
def kept_database(folder: Path, *statements: str) -> Iterator[tuple[DuckDBEngine, DataSource]]:
    """A DuckDB file as Aiser keeps them, with what the statements made in it."""
    with duckdb.connect(str(folder / "kept.duckdb")) as connection:
        for statement in statements:
            connection.execute(statement)
    engine = DuckDBEngine(folder)
    source = DataSource(
        source_id="1" * 32,
        organization_id=ORGANIZATION,
        name="Kept",
        engine="duckdb",
        options={"path": "kept.duckdb"},
    )
    try:
        yield engine, source
    finally:
        engine.close()


class Rows:
    def __init__(self, rows: Sequence[Sequence[Any]]) -> None:
        self._batches = [
            pa.RecordBatch.from_arrays(
                [pa.array(list(values)) for values in zip(*rows, strict=True)],
                names=[f"c{position}" for position in range(len(rows[0]))],
            )
        ] if rows else []  # fmt: skip

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return iter(self._batches)


@dataclass
class LiveEngine:
    """Somebody else's database: `schemas` is what it describes, `run` answers a statement."""

    dialect: str
    schemas: tuple[TableSchema, ...]
    run: Callable[[str, list[Any]], Sequence[Sequence[Any]]]
    style: Callable[[int], str]
    statements: list[str] = field(default_factory=list)
    described: int = 0
    name: str = "live"
    route: str = "direct"
    report: ConnectionReport = field(default_factory=lambda: ConnectionReport(steps=()))

    def test(self, source: DataSource) -> ConnectionReport:
        return self.report

    def describe(self, source: DataSource) -> tuple[TableSchema, ...]:
        self.described += 1
        return self.schemas

    @contextmanager
    def stream(
        self,
        source: DataSource,
        statement: Statement,
        *,
        timeout_seconds: float,
        cancel: CancelToken,
    ) -> Iterator[Rows]:
        text = statement.written(lambda position, _: self.style(position))
        self.statements.append(text)
        yield Rows(self.run(text, [parameter.value for parameter in statement.parameters]))


def no_rows(dialect: str, *schemas: TableSchema) -> LiveEngine:
    """A database that must not be asked for a row: whatever is asked fails the test."""

    def refuse(text: str, values: list[Any]) -> Sequence[Sequence[Any]]:
        raise AssertionError(f"a row was read: {text}")

    return LiveEngine(dialect, schemas, refuse, lambda position: "?")


def answering(
    dialect: str, run: Callable[[str, list[Any]], Sequence[Sequence[Any]]], *schemas: TableSchema
) -> LiveEngine:
    return LiveEngine(dialect, schemas, run, lambda position: "?")


def sqlite_engine(*statements: str) -> LiveEngine:
    """A database in memory, described from its own catalog."""
    connection = sqlite3.connect(":memory:")
    for statement in statements:
        connection.execute(statement)

    def run(text: str, values: list[Any]) -> Sequence[Sequence[Any]]:
        try:
            return connection.execute(text, values).fetchall()
        except sqlite3.Error as error:
            raise QueryInvalid(str(error)) from error

    names = connection.execute(
        "SELECT name, type, sql FROM sqlite_schema WHERE type IN ('table', 'view') ORDER BY name"
    ).fetchall()
    schemas = tuple(_sqlite_table(connection, *row) for row in names)
    return LiveEngine("sqlite", schemas, run, lambda position: "?", name="sqlite")


def _sqlite_table(connection: sqlite3.Connection, name: str, kind: str, sql: str) -> TableSchema:
    columns = connection.execute(f'PRAGMA table_info("{name}")').fetchall()
    keys = connection.execute(f'PRAGMA foreign_key_list("{name}")').fetchall()
    indexes = connection.execute(f'PRAGMA index_list("{name}")').fetchall()
    counted = connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
    return TableSchema(
        name=name,
        columns=tuple(
            ColumnSchema(name=column[1], native_type=column[2], type=type_of(column[2]))
            for column in columns
        ),
        row_estimate=None if kind == "view" else counted,
        primary_key=tuple(column[1] for column in sorted(columns, key=lambda c: c[5]) if column[5]),
        foreign_keys=tuple(((key[3],), key[2], (key[4],)) for key in keys),
        indexes=tuple(
            tuple(part[2] for part in connection.execute(f'PRAGMA index_info("{index[1]}")'))
            for index in indexes
        ),
        is_view=kind == "view",
        definition=sql if kind == "view" else "",
    )


def postgres_engine(url: str, *schemas: TableSchema) -> LiveEngine:
    """On a real server; rows come as text where Arrow has no type of its own."""
    connection = psycopg.connect(url, autocommit=True)

    def run(text: str, values: list[Any]) -> Sequence[Sequence[Any]]:
        try:
            return connection.execute(text.encode(), values or None).fetchall()
        except psycopg.Error as error:
            raise QueryInvalid(str(error)) from error

    return LiveEngine("postgres", schemas, run, lambda position: "%s", name="postgres")


def type_of(native: str) -> str:
    known = {
        "INTEGER": "integer", "INT": "integer", "BIGINT": "integer", "REAL": "number",
        "DATE": "date", "TIMESTAMP": "timestamp", "BOOLEAN": "boolean", "JSON": "json",
        "NUMERIC": "decimal",
    }  # fmt: skip
    return known.get(native.upper().partition("(")[0], "string")


def a_table(name: str, *columns: str, rows: int | None = 5_000, **facts: Any) -> TableSchema:
    """Columns are written `name type`."""
    return TableSchema(
        name=name,
        columns=tuple(
            ColumnSchema(name=column.partition(" ")[0], native_type=native, type=type_of(native))
            for column in columns
            for native in (column.partition(" ")[2] or "TEXT",)
        ),
        row_estimate=rows,
        **facts,
    )
