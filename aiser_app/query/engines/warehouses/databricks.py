"""Databricks SQL warehouses, over databricks-sqlalchemy and its connector; rows arrive as Arrow."""

from __future__ import annotations

import re
from collections.abc import Iterator
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
from aiser_app.query.engines.warehouses.arrow import BATCH_ROWS, unified
from aiser_app.query.engines.warehouses.catalog import CatalogQueries, read_catalog
from aiser_app.query.engines.warehouses.cursors import CursorSession, text_of
from aiser_app.query.engines.warehouses.drivers import connected, driver

_CLASS = re.compile(r"\[([A-Z][A-Z_]+)")
PROBLEMS = {
    "PARSE_SYNTAX_ERROR": Problem.SYNTAX,
    "PARSE_EMPTY_STATEMENT": Problem.SYNTAX,
    "UNRESOLVED_COLUMN": Problem.COLUMN,
    "TABLE_OR_VIEW_NOT_FOUND": Problem.TABLE,
    "UNRESOLVED_ROUTINE": Problem.FUNCTION,
    "DATATYPE_MISMATCH": Problem.TYPES,
    "CAST_INVALID_INPUT": Problem.TYPES,
    "ARITHMETIC_OVERFLOW": Problem.TYPES,
    "MISSING_AGGREGATION": Problem.GROUPING,
    "MISSING_GROUP_BY": Problem.GROUPING,
    "DIVIDE_BY_ZERO": Problem.ZERO,
    "INSUFFICIENT_PERMISSIONS": Problem.RIGHTS,
    "PERMISSION_DENIED": Problem.RIGHTS,
    "SCHEMA_NOT_FOUND": Problem.DATABASE,
    "CATALOG_NOT_FOUND": Problem.DATABASE,
    "NO_SUCH_CATALOG_EXCEPTION": Problem.DATABASE,
    "OPERATION_CANCELED": Problem.CANCELLED,
    "OPERATION_TIMEOUT": Problem.TIMED_OUT,
    "QUERY_EXECUTION_TIMEOUT_EXCEEDED": Problem.TIMED_OUT,
}
"""By Spark's error classes, which Databricks shares."""
_CATALOG = CatalogQueries(
    columns=(
        "SELECT table_schema, table_name, column_name, full_data_type, comment "
        "FROM information_schema.columns WHERE table_schema <> 'information_schema' "
        "ORDER BY table_schema, table_name, ordinal_position"
    ),
    tables=(
        "SELECT table_schema, table_name, table_type, CAST(NULL AS BIGINT), comment "
        "FROM information_schema.tables WHERE table_schema <> 'information_schema' ORDER BY table_schema, table_name"
    ),
    views="SELECT table_schema, table_name, view_definition FROM information_schema.views WHERE table_schema <> 'information_schema'",
)


class Databricks(Adapter):
    name = "databricks"
    dialect = "databricks"
    native_arrow = True
    explain_prefix = "EXPLAIN "

    @property
    @override
    def failures(self) -> tuple[type[BaseException], ...]:
        return (driver("databricks.sql.exc").Error, OSError, ValueError)

    @override
    def open(self, address: Address, timeout_seconds: float) -> Session:
        session = _Session(connected(url(address), arguments(timeout_seconds)))
        session.version = f"Databricks {text_of(session, 'SELECT current_version().dbsql_version')}"
        return session

    @override
    def problem(self, error: BaseException) -> Problem:
        return problem_of(str(error))

    @override
    def describe(self, session: Session, address: Address) -> tuple[TableSchema, ...]:
        schema = address.parameters.get("schema", "default")
        return read_catalog(lambda sql: rows(session, sql), _CATALOG, schema)


def url(address: Address) -> URL:
    kept = ("http_path", "catalog", "schema")
    return URL.create(
        "databricks",
        username=address.user or "token",
        password=address.password,
        host=address.host,
        port=address.port,
        query={key: address.parameters[key] for key in kept if key in address.parameters},
    )


def arguments(timeout_seconds: float) -> dict[str, Any]:
    """On top of what the URL says."""
    return {
        "user_agent_entry": "aiser",
        "session_configuration": {"TIMEZONE": "UTC", "ANSI_MODE": "true"},
        "query_tags": {"application": "aiser"},
        "enable_telemetry": False,
        "_socket_timeout": max(1, int(timeout_seconds)),
        "_retry_stop_after_attempts_count": 3,
        "_retry_stop_after_attempts_duration": max(1.0, timeout_seconds),
    }


def problem_of(text: str) -> Problem:
    """What a text of Spark or Databricks is about."""
    found = _CLASS.search(text)
    if found:
        return PROBLEMS.get(found.group(1).partition(".")[0], Problem.REFUSED)
    if any(mark in text for mark in ("401", "403", "Invalid access token", "UNAUTHENTICATED")):
        return Problem.SIGN_IN
    return Problem.TLS if "SSL" in text or "certificate" in text else Problem.UNREACHABLE


class _Session(CursorSession):
    @override
    def set_limit(self, seconds: int) -> None:
        self.run(f"SET STATEMENT_TIMEOUT = {seconds:d}", ())

    @override
    def execute(self, sql: str, values: Values) -> None:
        self.cursor.execute(sql, list(plain(values)) or None)

    @override
    def read(self) -> Fetched:
        first = self.cursor.fetchmany_arrow(BATCH_ROWS)
        return unified(self._tables(first), lambda: first.schema)

    def _tables(self, first: pa.Table) -> Iterator[pa.Table]:
        table = first
        while table.num_rows:
            yield table
            table = self.cursor.fetchmany_arrow(BATCH_ROWS)

    @override
    def harmless(self) -> tuple[type[BaseException], ...]:
        return (driver("databricks.sql.exc").Error, OSError)
