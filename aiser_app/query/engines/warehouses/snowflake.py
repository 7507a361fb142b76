"""Snowflake, over snowflake-sqlalchemy and its connector; rows arrive as Arrow.

Snowflake has no read-only session: the guard, and a role with nothing but SELECT and USAGE, are what
keeps a query from writing.
"""

from __future__ import annotations

import threading
from typing import Any

import pyarrow as pa
from sqlalchemy import URL
from typing_extensions import override

from aiser_app.query.connection import Address
from aiser_app.query.engines.contract import TableSchema
from aiser_app.query.engines.warehouses.adapter import (
    Adapter,
    Fetched,
    Problem,
    Session,
    Values,
    plain,
    rows,
)
from aiser_app.query.engines.warehouses.arrow import unified
from aiser_app.query.engines.warehouses.catalog import CatalogQueries, read_catalog
from aiser_app.query.engines.warehouses.cursors import CursorSession, text_of
from aiser_app.query.engines.warehouses.drivers import connected, driver

_DOMAIN = "snowflakecomputing.com"
_LOOK_SECONDS = 0.1
_CATALOG = CatalogQueries(
    columns=(
        "SELECT table_schema, table_name, column_name, "
        "CASE WHEN data_type = 'NUMBER' "
        "THEN 'NUMBER(' || numeric_precision || ',' || numeric_scale || ')' ELSE data_type END, "
        "comment FROM information_schema.columns WHERE table_schema <> 'INFORMATION_SCHEMA' "
        "ORDER BY table_schema, table_name, ordinal_position"
    ),
    tables=(
        "SELECT table_schema, table_name, table_type, row_count, comment "
        "FROM information_schema.tables WHERE table_schema <> 'INFORMATION_SCHEMA' ORDER BY table_schema, table_name"
    ),
    views=(
        "SELECT table_schema, table_name, view_definition FROM information_schema.views WHERE table_schema <> 'INFORMATION_SCHEMA'"
    ),
)
_PROBLEMS = {
    904: Problem.COLUMN,
    2003: Problem.TABLE,
    2043: Problem.DATABASE,
    2140: Problem.FUNCTION,
    1003: Problem.SYNTAX,
    1044: Problem.TYPES,
    2016: Problem.TYPES,
    100035: Problem.TYPES,
    100038: Problem.TYPES,
    100051: Problem.ZERO,
    979: Problem.GROUPING,
    3001: Problem.RIGHTS,
    604: Problem.CANCELLED,
    630: Problem.TIMED_OUT,
    606: Problem.DATABASE,
    250001: Problem.SIGN_IN,
    390100: Problem.SIGN_IN,
    390144: Problem.SIGN_IN,
    390201: Problem.DATABASE,
    300005: Problem.MEMORY,
    14: Problem.UNREACHABLE,
}


class Snowflake(Adapter):
    name = "snowflake"
    dialect = "snowflake"
    native_arrow = True
    explain_prefix = "EXPLAIN USING TEXT "

    @override
    def server(self, address: Address) -> tuple[str, int]:
        return f"{address.host}.{_DOMAIN}", 443

    @property
    @override
    def failures(self) -> tuple[type[BaseException], ...]:
        return (driver("snowflake.connector").errors.Error, OSError)

    @override
    def open(self, address: Address, timeout_seconds: float) -> Session:
        session = _Session(connected(url(address), arguments(timeout_seconds)))
        session.version = f"Snowflake {text_of(session, 'SELECT CURRENT_VERSION()')}"
        return session

    @override
    def problem(self, error: BaseException) -> Problem:
        if isinstance(error, OSError):
            return Problem.UNREACHABLE
        number = getattr(error, "errno", None)
        if not isinstance(number, int):
            return Problem.REFUSED
        return _PROBLEMS.get(number, Problem.REFUSED)

    @override
    def describe(self, session: Session, address: Address) -> tuple[TableSchema, ...]:
        schema = address.database.partition("/")[2] or "PUBLIC"
        return read_catalog(lambda sql: rows(session, sql), _CATALOG, schema)


def url(address: Address) -> URL:
    database, _, schema = address.database.partition("/")
    kept = {key: value for key, value in address.parameters.items() if key in ("warehouse", "role")}
    return URL.create(
        "snowflake",
        username=address.user,
        password=address.password,
        host=address.host,
        database=f"{database}/{schema}" if schema else database,
        query=kept,
    )


def arguments(timeout_seconds: float) -> dict[str, Any]:
    """On top of what the URL says."""
    seconds = max(1, int(timeout_seconds))
    return {
        "paramstyle": "qmark",  # values are bound by the server
        "login_timeout": seconds,
        "autocommit": True,
        "application": "Aiser",
        "client_session_keep_alive": False,
        "session_parameters": {
            "QUERY_TAG": "aiser",
            "TIMEZONE": "UTC",
            "MULTI_STATEMENT_COUNT": 1,
            "ABORT_DETACHED_QUERY": True,  # a worker that is gone leaves nothing running
        },
    }


class _Session(CursorSession):
    """Queries run asynchronously, so that there is an id to stop them by from the first moment."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self._look = threading.Event()

    @override
    def set_limit(self, seconds: int) -> None:
        self.run(f"ALTER SESSION SET STATEMENT_TIMEOUT_IN_SECONDS = {seconds:d}", ())

    @override
    def execute(self, sql: str, values: Values) -> None:
        self.cursor.execute_async(sql, plain(values) or None)
        query = self.cursor.sfqid
        while self.connection.is_still_running(
            self.connection.get_query_status_throw_if_error(query)
        ):
            self._look.wait(_LOOK_SECONDS)
        self.cursor.get_results_from_sfqid(query)

    @override
    def read(self) -> Fetched:
        cursor = self.cursor
        return unified(
            iter(cursor.fetch_arrow_batches(force_microsecond_precision=True)),
            lambda: _schema(cursor),
        )

    @override
    def cancel(self) -> None:
        cursor = self.cursor
        query = cursor.sfqid if cursor is not None else None
        if query:
            cursor.abort_query(query)


def _schema(cursor: Any) -> pa.Schema:
    """Of an answer without rows."""
    table = cursor.fetch_arrow_all(force_return_table=True)
    schema: pa.Schema = table.schema
    return schema
