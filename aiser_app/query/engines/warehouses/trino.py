"""Trino, over its own SQLAlchemy dialect and client."""

from __future__ import annotations

import re
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
from aiser_app.query.engines.warehouses.arrow import JSON, fetched
from aiser_app.query.engines.warehouses.catalog import CatalogQueries, read_catalog
from aiser_app.query.engines.warehouses.cursors import CursorSession, text_of
from aiser_app.query.engines.warehouses.drivers import connected, driver

_DECIMAL = re.compile(r"decimal\((\d+),\s*(\d+)\)")
_KINDS: dict[str, pa.Field | pa.DataType] = {
    "boolean": pa.bool_(),
    "tinyint": pa.int64(),
    "smallint": pa.int64(),
    "integer": pa.int64(),
    "bigint": pa.int64(),
    "real": pa.float64(),
    "double": pa.float64(),
    "date": pa.date32(),
    "varbinary": pa.binary(),
    "json": JSON,
    "array": JSON,
    "map": JSON,
    "row": JSON,
}
_PROBLEMS = {
    "SYNTAX_ERROR": Problem.SYNTAX,
    "COLUMN_NOT_FOUND": Problem.COLUMN,
    "TABLE_NOT_FOUND": Problem.TABLE,
    "FUNCTION_NOT_FOUND": Problem.FUNCTION,
    "TYPE_MISMATCH": Problem.TYPES,
    "INVALID_CAST_ARGUMENT": Problem.TYPES,
    "INVALID_FUNCTION_ARGUMENT": Problem.TYPES,
    "NUMERIC_VALUE_OUT_OF_RANGE": Problem.TYPES,
    "EXPRESSION_NOT_AGGREGATE": Problem.GROUPING,
    "DIVISION_BY_ZERO": Problem.ZERO,
    "PERMISSION_DENIED": Problem.RIGHTS,
    "EXCEEDED_TIME_LIMIT": Problem.TIMED_OUT,
    "USER_CANCELED": Problem.CANCELLED,
    "ADMINISTRATIVELY_KILLED": Problem.CANCELLED,
    "SCHEMA_NOT_FOUND": Problem.DATABASE,
    "CATALOG_NOT_FOUND": Problem.DATABASE,
    "MISSING_CATALOG_NAME": Problem.DATABASE,
    "MISSING_SCHEMA_NAME": Problem.DATABASE,
    "EXCEEDED_GLOBAL_MEMORY_LIMIT": Problem.MEMORY,
    "EXCEEDED_LOCAL_MEMORY_LIMIT": Problem.MEMORY,
    "EXCEEDED_CPU_LIMIT": Problem.MEMORY,
    "QUERY_QUEUE_FULL": Problem.BUSY,
    "SERVER_STARTING_UP": Problem.BUSY,
}
_CATALOG = CatalogQueries(
    columns=(
        "SELECT table_schema, table_name, column_name, data_type, NULL "
        "FROM information_schema.columns WHERE table_schema <> 'information_schema' "
        "ORDER BY table_schema, table_name, ordinal_position"
    ),
    tables=(
        "SELECT table_schema, table_name, table_type, NULL, NULL "
        "FROM information_schema.tables WHERE table_schema <> 'information_schema' ORDER BY table_schema, table_name"
    ),
    views="SELECT table_schema, table_name, view_definition FROM information_schema.views WHERE table_schema <> 'information_schema'",
)


class Trino(Adapter):
    name = "trino"
    dialect = "trino"
    explain_prefix = "EXPLAIN "

    @override
    def is_encrypted(self, address: Address) -> bool:
        return _scheme(address) == "https"

    @property
    @override
    def failures(self) -> tuple[type[BaseException], ...]:
        errors = driver("trino.exceptions")
        return (errors.Error, errors.HttpError, OSError, ValueError)

    @override
    def open(self, address: Address, timeout_seconds: float) -> Session:
        session = _Session(connected(url(address), arguments(address, timeout_seconds)))
        session.version = f"Trino {text_of(session, 'SELECT version()')}"
        return session

    @override
    def problem(self, error: BaseException) -> Problem:
        errors = driver("trino.exceptions")
        if isinstance(error, errors.TrinoQueryError):
            return _PROBLEMS.get(error.error_name or "", Problem.REFUSED)
        if isinstance(error, errors.TrinoAuthError) or "401" in str(error):
            return Problem.SIGN_IN
        if "SSL" in str(error) or "certificate" in str(error):
            return Problem.TLS
        return Problem.UNREACHABLE

    @override
    def describe(self, session: Session, address: Address) -> tuple[TableSchema, ...]:
        schema = address.database.partition("/")[2]
        return read_catalog(lambda sql: rows(session, sql), _CATALOG, schema)


def url(address: Address) -> URL:
    """Without the password: the dialect would then insist on https by itself."""
    return URL.create(
        "trino",
        username=address.user or "aiser",
        host=address.host,
        port=address.port,
        database=address.database,
    )


def arguments(address: Address, timeout_seconds: float) -> dict[str, Any]:
    """On top of what the URL says."""
    trino = driver("trino")
    scheme = _scheme(address)
    found: dict[str, Any] = {
        "http_scheme": scheme,
        "source": "aiser",
        "request_timeout": timeout_seconds,
        "max_attempts": 2,
        "timezone": "UTC",
        "http_session": _session_for(f"{scheme}://{address.host}:{address.port}/"),
    }
    if address.password:
        found["auth"] = trino.auth.BasicAuthentication(address.user, address.password)
    return found


def _scheme(address: Address) -> str:
    default = "https" if address.password else "http"
    return address.parameters.get("http_scheme", default)


def _session_for(base: str) -> Any:
    """A session that reaches this server alone: answers of Trino name the address to ask next."""
    requests = driver("requests")
    session = requests.Session()
    session.trust_env = False  # no proxies, no .netrc of the machine
    session.adapters.clear()
    session.mount(base, requests.adapters.HTTPAdapter())
    return session


class _Session(CursorSession):
    @override
    def set_limit(self, seconds: int) -> None:
        self.run(f"SET SESSION query_max_run_time = '{seconds:d}s'", ())

    @override
    def execute(self, sql: str, values: Values) -> None:
        self.cursor.execute(sql, list(plain(values)) or None)

    @override
    def read(self) -> Fetched:
        described = self.cursor.description or []
        names = [str(column[0]) for column in described]
        kinds = [_kind(str(column[1])) for column in described]
        return fetched(names, self.cursor.fetchmany, kinds)

    @override
    def harmless(self) -> tuple[type[BaseException], ...]:
        errors = driver("trino.exceptions")
        return (errors.Error, errors.HttpError, OSError)


def _kind(text: str) -> pa.Field | pa.DataType:
    decimal = _DECIMAL.match(text)
    if decimal:
        return pa.decimal128(int(decimal.group(1)), int(decimal.group(2)))
    if text.startswith("timestamp"):
        return pa.timestamp("us", tz="UTC" if "with time zone" in text else None)
    return _KINDS.get(text.partition("(")[0], pa.string())
