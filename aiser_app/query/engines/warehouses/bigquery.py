"""BigQuery, over sqlalchemy-bigquery and Google's client; rows arrive as Arrow.

The account of a source is a service account in the URL. Other kinds of Google credentials (of the
machine, of programs, from other hosts) are refused: they would let a URL act as the server itself.
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
from sqlalchemy import URL
from typing_extensions import override

from aiser_app.domain.verdict import BoundParameter, ParameterValue
from aiser_app.errors import EngineUnavailable
from aiser_app.query.connection import Address
from aiser_app.query.engines.contract import Plan, TableSchema
from aiser_app.query.engines.warehouses.adapter import (
    Adapter,
    Fetched,
    Problem,
    Session,
    Values,
    rows,
)
from aiser_app.query.engines.warehouses.arrow import unified
from aiser_app.query.engines.warehouses.catalog import CatalogQueries, read_catalog
from aiser_app.query.engines.warehouses.drivers import connected, driver

_KEPT = ("project_id", "private_key_id", "private_key", "client_email", "client_id")
_TOKENS = "https://oauth2.googleapis.com/token"
_REASONS = {
    "invalidQuery": Problem.REFUSED,
    "invalid": Problem.REFUSED,
    "accessDenied": Problem.RIGHTS,
    "notFound": Problem.TABLE,
    "stopped": Problem.CANCELLED,
    "timeout": Problem.TIMED_OUT,
    "jobRateLimitExceeded": Problem.BUSY,
    "rateLimitExceeded": Problem.BUSY,
    "quotaExceeded": Problem.BUSY,
    "backendError": Problem.BUSY,
    "resourcesExceeded": Problem.MEMORY,
    "responseTooLarge": Problem.MEMORY,
    "bytesBilledLimitExceeded": Problem.MEMORY,
}
_WORDS = (
    ("Syntax error", Problem.SYNTAX),
    ("Unrecognized name", Problem.COLUMN),
    ("not found inside", Problem.COLUMN),
    ("Function not found", Problem.FUNCTION),
    ("No matching signature", Problem.TYPES),
    ("neither grouped nor aggregated", Problem.GROUPING),
    ("division by zero", Problem.ZERO),
    ("Bad ", Problem.TYPES),
    ("Could not cast", Problem.TYPES),
)
_CATALOG = CatalogQueries(
    columns=(
        "SELECT c.table_schema, c.table_name, c.column_name, c.data_type, f.description "
        "FROM {schema}.COLUMNS AS c LEFT JOIN {schema}.COLUMN_FIELD_PATHS AS f "
        "ON f.table_schema = c.table_schema AND f.table_name = c.table_name "
        "AND f.field_path = c.column_name "
        "ORDER BY c.table_schema, c.table_name, c.ordinal_position"
    ),
    tables=(
        "SELECT t.table_schema, t.table_name, t.table_type, CAST(NULL AS INT64), o.option_value "
        "FROM {schema}.TABLES AS t LEFT JOIN {schema}.TABLE_OPTIONS AS o "
        "ON o.table_schema = t.table_schema AND o.table_name = t.table_name "
        "AND o.option_name = 'description' ORDER BY t.table_schema, t.table_name"
    ),
    views="SELECT table_schema, table_name, view_definition FROM {schema}.VIEWS",
)
_MAX_SCALE = 9
"""Of NUMERIC; beyond it a number is BIGNUMERIC."""


class BigQuery(Adapter):
    name = "bigquery"
    dialect = "bigquery"
    native_arrow = True

    @override
    def placeholder(self, position: int, parameter: BoundParameter) -> str:
        return f"@p{position}"

    @override
    def server(self, address: Address) -> tuple[str, int]:
        return "bigquery.googleapis.com", 443

    @property
    @override
    def failures(self) -> tuple[type[BaseException], ...]:
        return (
            driver("google.api_core.exceptions").GoogleAPIError,
            driver("google.auth.exceptions").GoogleAuthError,
            driver("concurrent.futures").TimeoutError,
            OSError,
        )

    @override
    def open(self, address: Address, timeout_seconds: float) -> Session:
        connection = connected(
            url(address),
            {},
            credentials_info=credentials(address.password),
            location=address.parameters.get("location"),
        )
        return _Session(connection, address)

    @override
    def problem(self, error: BaseException) -> Problem:
        if isinstance(error, driver("google.auth.exceptions").GoogleAuthError):
            return Problem.SIGN_IN
        if isinstance(error, OSError):
            return Problem.UNREACHABLE
        text = str(error)
        for words, problem in _WORDS:
            if words in text:
                return problem
        return self._by_reason(error)

    def _by_reason(self, error: BaseException) -> Problem:
        details: list[dict[str, str]] = list(getattr(error, "errors", None) or [])
        reason = details[0].get("reason", "") if details else ""
        if "Dataset" in str(error) and reason == "notFound":
            return Problem.DATABASE
        if getattr(error, "code", None) == 401:
            return Problem.SIGN_IN
        return _REASONS.get(reason, Problem.REFUSED if reason else Problem.UNREACHABLE)

    @override
    def describe(self, session: Session, address: Address) -> tuple[TableSchema, ...]:
        return read_catalog(
            lambda sql: rows(session, sql), _catalog(address), address.database or ""
        )

    @override
    def explain(self, session: Session, sql: str, values: Values) -> Plan | None:
        """BigQuery has no plan before a query runs, but tells what it would read."""
        return Plan(text=session.estimate(sql, values)) if isinstance(session, _Session) else None


def url(address: Address) -> URL:
    return URL.create("bigquery", host=address.host, database=address.database or None)


def credentials(encoded: str) -> dict[str, str]:
    """The service account of the URL, with Google's own address for tokens.

    Raises:
        EngineUnavailable: it is not one.
    """
    try:
        found = json.loads(base64.b64decode(encoded.replace("-", "+").replace("_", "/")))
    except (binascii.Error, ValueError):
        found = None
    if not isinstance(found, dict) or found.get("type") != "service_account":
        raise EngineUnavailable(
            "The URL needs the key of a service account.",
            hint="Write its JSON file as base64 into the parameter credentials_base64.",
        )
    kept = {key: str(found[key]) for key in _KEPT if key in found}
    return {**kept, "type": "service_account", "token_uri": _TOKENS}


def _catalog(address: Address) -> CatalogQueries:
    location = address.parameters.get("location", "us").lower()
    place = address.database or f"region-{location}"
    schema = f"`{address.host}`.`{place}`.INFORMATION_SCHEMA"
    return CatalogQueries(
        columns=_CATALOG.columns.format(schema=schema),
        tables=_CATALOG.tables.format(schema=schema),
        views=_CATALOG.views.format(schema=schema),
    )


class _Session:
    """Jobs of one client."""

    version = "BigQuery"

    def __init__(self, connection: Any, address: Address) -> None:
        self._connection = connection
        self._client = connection._client  # the dialect has made it
        self._dataset = f"{address.host}.{address.database}" if address.database else None
        self._limit_seconds = 0
        self._job: Any = None

    def begin(self, limit_seconds: int) -> None:
        self._limit_seconds = limit_seconds

    def run(self, sql: str, values: Values) -> Fetched:
        self._job = self._client.query(sql, job_config=self._config(values))
        found = self._job.result(timeout=self._limit_seconds or None)
        return unified(iter(found.to_arrow_iterable()), lambda: _schema(found))

    def estimate(self, sql: str, values: Values) -> str:
        config = self._config(values)
        config.dry_run = True
        job = self._client.query(sql, job_config=config)
        return f"BigQuery would read {int(job.total_bytes_processed):,} bytes."

    def end(self) -> None:
        self._job = None

    def cancel(self) -> None:
        job = self._job
        if job is not None:
            job.cancel()

    def close(self) -> None:
        self._connection.close()
        self._client.close()

    def _config(self, values: Values) -> Any:
        bigquery = driver("google.cloud.bigquery")
        config = bigquery.QueryJobConfig(
            use_legacy_sql=False,
            labels={"application": "aiser"},
            query_parameters=[
                bigquery.ScalarQueryParameter(f"p{position}", *_typed(parameter.value))
                for position, parameter in enumerate(values, start=1)
            ],
        )
        if self._limit_seconds:
            config.job_timeout_ms = self._limit_seconds * 1000
        if self._dataset:
            config.default_dataset = self._dataset
        return config


def _typed(value: ParameterValue) -> tuple[str, ParameterValue]:
    for kind, name in ((bool, "BOOL"), (int, "INT64"), (float, "FLOAT64")):
        if isinstance(value, kind):
            return name, value
    if isinstance(value, Decimal):
        exponent = value.as_tuple().exponent
        is_wide = isinstance(exponent, int) and -exponent > _MAX_SCALE
        return ("BIGNUMERIC" if is_wide else "NUMERIC"), value
    if isinstance(value, datetime):
        return ("TIMESTAMP" if value.tzinfo else "DATETIME"), value
    return ("DATE" if isinstance(value, date) else "STRING"), value


def _schema(found: Any) -> pa.Schema:
    """Of an answer without rows."""
    schema: pa.Schema = found.to_arrow().schema
    return schema
