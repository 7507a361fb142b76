"""Values for a query's places `$1`, `$2` …, bound by the driver.

All values travel as text and are cast in the query to the type that the server itself infers for
the place, as it would read a literal there: so a date given as text can be compared with a date.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal

import adbc_driver_manager as adbc
import pyarrow as pa

from aiser_app.domain.verdict import BoundParameter, ParameterValue, Statement
from aiser_app.errors import QueryInvalid
from aiser_app.query.engines.postgres.session import Session

_NOT_INFERRED = frozenset({"42P18", "42725", "42P08"})
"""The server cannot choose a type for a place."""
_LIMITS = {"int2": 2**15, "int4": 2**31, "int8": 2**63}
_TIMES = frozenset({"timestamp", "timestamptz"})


def placed(session: Session, statement: Statement) -> tuple[str, pa.RecordBatch | None]:
    """The text for the driver, and one row of values to bind.

    Raises:
        QueryInvalid: a value that PostgreSQL's text cannot hold.
        adbc.Error: the query cannot be prepared.
    """
    if not statement.parameters:
        return statement.sql, None
    values = [_text(parameter) for parameter in statement.parameters]
    types = _types(session, statement)
    names = [str(position) for position in range(1, len(values) + 1)]
    arrays = [pa.array([value], pa.string()) for value in values]
    row = pa.RecordBatch.from_arrays(arrays, names=names)
    return statement.written(_style(types)), row


def bind(running: adbc.AdbcStatement, values: pa.RecordBatch | None) -> None:
    """Give the driver the row of values that `placed` has made."""
    if values is not None:
        running.prepare()
        running.bind_stream(pa.RecordBatchReader.from_batches(values.schema, [values]))


def _types(session: Session, statement: Statement) -> list[str]:
    try:
        inferred = session.parameter_types(statement.written(lambda position, _: f"${position}"))
    except adbc.Error as error:
        if error.sqlstate not in _NOT_INFERRED:
            raise
        session.begin_again()
        return [_natural(parameter.value) for parameter in statement.parameters]
    return [
        name if _fits(parameter.value, name) else _natural(parameter.value)
        for parameter, name in zip(statement.parameters, inferred, strict=True)
    ]


def _style(types: list[str]) -> Callable[[int, BoundParameter], str]:
    def written(position: int, _: BoundParameter) -> str:
        name = types[position - 1].replace('"', '""')
        return f'CAST(CAST(${position} AS text) AS "{name}")'

    return written


def _fits(value: ParameterValue, name: str) -> bool:
    """Whether the inferred type takes the value as it is; a cast must not change it."""
    if not name or name.startswith("unnamed<"):
        return False
    if value is None or isinstance(value, str):
        return True
    if isinstance(value, bool):
        return name == "bool"
    if isinstance(value, int):
        return name in ("numeric", "float8") or abs(value) < _LIMITS.get(name, 0)
    if isinstance(value, datetime):
        return name in _TIMES
    if isinstance(value, date):
        return name == "date" or name in _TIMES
    return name == "numeric" or (isinstance(value, float) and name == "float8")


def _natural(value: ParameterValue) -> str:
    """The type that a value has by itself, as a literal would."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        fitting = (name for name in ("int4", "int8") if abs(value) < _LIMITS[name])
        return next(fitting, "numeric")
    if isinstance(value, float):
        return "float8"
    if isinstance(value, Decimal):
        return "numeric"
    if isinstance(value, datetime):
        return "timestamp" if value.tzinfo is None else "timestamptz"
    return "date" if isinstance(value, date) else "text"


def _text(parameter: BoundParameter) -> str | None:
    value = parameter.value
    if value is None:
        return None
    text = value.isoformat() if isinstance(value, date) else str(value)
    if "\x00" in text:
        raise QueryInvalid(f"The parameter {parameter.name} holds a character of code 0.")
    return text
