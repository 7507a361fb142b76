"""How the contract's tests ask an engine."""

from __future__ import annotations

import secrets
from typing import Any

import pyarrow as pa

from aiser_app.domain.cancellation import CancelToken
from aiser_app.domain.data_source import DataSource
from aiser_app.domain.verdict import BoundParameter, ParameterValue, Statement
from aiser_app.errors import AiserError
from tests.contract.engines.cases import Case


def a_statement(sql: str, *values: ParameterValue) -> Statement:
    """The text with `{}` at the places of the values."""
    parameters = tuple(
        BoundParameter(token=f"p_{secrets.token_hex(12)}", name=f"value_{position}", value=value)
        for position, value in enumerate(values)
    )
    text = sql.format(*(parameter.token for parameter in parameters)) if values else sql
    return Statement(sql=text, parameters=parameters)


def table(
    case: Case,
    statement: Statement,
    seconds: float = 30,
    cancel: CancelToken | None = None,
    source: DataSource | None = None,
) -> pa.Table:
    with case.engine.stream(
        source or case.source,
        statement,
        timeout_seconds=seconds,
        cancel=cancel or CancelToken(),
    ) as stream:
        return pa.Table.from_batches(list(stream), schema=stream.schema)


def rows(
    case: Case,
    sql: str,
    seconds: float = 30,
    cancel: CancelToken | None = None,
    source: DataSource | None = None,
) -> list[dict[str, Any]]:
    return table(case, a_statement(sql), seconds, cancel, source).to_pylist()


def assert_safe(error: AiserError) -> None:
    """No paths, no addresses, no trace, and not longer than a person reads."""
    text = f"{error.message} {error.hint or ''}"
    assert "/" not in text
    assert "127.0.0.1" not in text
    assert "duckdb" not in text.lower()
    assert "libpq" not in text
    assert "Traceback" not in text
    assert 5 < len(error.message) < 400
