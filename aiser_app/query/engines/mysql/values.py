"""The text of a statement for pymysql, which puts the values into it by its own rules."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal

from pymysql.cursors import Cursor

from aiser_app.domain.verdict import ParameterValue, Statement
from aiser_app.errors import QueryInvalid
from aiser_app.query.engines.mysql.wire import Wire


def bound_text(wire: Wire, statement: Statement) -> str:
    """The statement with its values escaped by the driver; a % of the statement stays one.

    Raises:
        QueryInvalid: a value has no form in MySQL.
    """
    if not statement.parameters:
        return statement.sql
    doubled = Statement(sql=statement.sql.replace("%", "%%"), parameters=statement.parameters)
    values = tuple(_value(parameter.value) for parameter in statement.parameters)
    return str(Cursor(wire).mogrify(doubled.written(lambda *_: "%s"), values))


def _value(value: ParameterValue) -> ParameterValue:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)  # sessions run in UTC
    if isinstance(value, (float, Decimal)) and not math.isfinite(value):
        raise QueryInvalid("MySQL has no infinite numbers and no NaN: bind another value.")
    return value
