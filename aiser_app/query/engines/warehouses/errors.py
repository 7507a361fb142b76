"""One vocabulary for the errors of all warehouses; their own texts stay in the log's reach only."""

from __future__ import annotations

import logging
import re

import pyarrow as pa

from aiser_app.errors import (
    AiserError,
    EngineUnavailable,
    QueryCancelled,
    QueryInvalid,
    QueryTimedOut,
)
from aiser_app.query.engines.warehouses.adapter import Adapter, Problem

log = logging.getLogger(__name__)

_NAME = re.compile(
    r"(?:Unrecognized name|Function not found|Not found: Table|Table):? ['\"`]?([\w.:$-]{1,200})"
    r"|['\"`\[]([\w.$` -]{1,200})['\"`\]]"
)

_CLASS = re.compile(r"\[[A-Z][A-Z_.]+\]")
"""Spark's names of errors, which stand before their texts."""
_LESS = "Ask for less: a shorter time range, or fewer groups."
_UNAVAILABLE: dict[Problem, tuple[str, str]] = {
    Problem.SIGN_IN: (
        "The database refused the user, the password or the token.",
        "Check them in the source's URL.",
    ),
    Problem.DATABASE: (
        "There is no database of that name, or the user may not use it.",
        "Check database, schema and warehouse in the source's URL.",
    ),
    Problem.BUSY: ("The database is busy.", "Try again in a moment."),
    Problem.TLS: (
        "The encrypted connection could not be made.",
        "Check host, port and encryption in the source's URL.",
    ),
    Problem.UNREACHABLE: (
        "The connection to the database failed.",
        "Check that the database runs; try again.",
    ),
}
_INVALID: dict[Problem, tuple[str, str | None]] = {
    Problem.COLUMN: ("There is no column “{0}”.", "Look at the columns of the table."),
    Problem.TABLE: ("There is no table “{0}”, or the user may not read it.", None),
    Problem.FUNCTION: ("There is no function “{0}” for these values.", None),
    Problem.SYNTAX: ("The database cannot read the query.", None),
    Problem.TYPES: (
        "A value has the wrong form or type.",
        "Compare values of the same type, or convert with CAST.",
    ),
    Problem.GROUPING: (
        "A column is neither grouped nor aggregated.",
        "Add the column to GROUP BY, or aggregate it.",
    ),
    Problem.ZERO: ("A number was divided by zero.", "Divide by NULLIF(…, 0)."),
    Problem.RIGHTS: ("The user may not read what the query needs.", "Ask its administrator."),
    Problem.MEMORY: ("The query needs more than the database gives it.", _LESS),
    Problem.REFUSED: ("The database refused the query.", None),
}


def as_aiser_error(error: BaseException, adapter: Adapter) -> AiserError:
    """The error to raise instead."""
    if isinstance(error, AiserError):
        return error
    if isinstance(error, pa.ArrowException):
        return QueryInvalid(
            "A value of the result cannot be represented exactly.",
            hint="Numbers have at most 38 digits; convert the column with CAST.",
        )
    problem = adapter.problem(error)
    log.info("%s refused a query: %s %s", adapter.name, type(error).__name__, problem.name)
    if problem is Problem.TIMED_OUT:
        return QueryTimedOut("The query was stopped at its time limit.", hint=_LESS)
    if problem is Problem.CANCELLED:
        return QueryCancelled("The query was stopped in the database.")
    if problem in _UNAVAILABLE:
        message, hint = _UNAVAILABLE[problem]
        return EngineUnavailable(message, hint=hint)
    words, way_out = _INVALID[problem]
    return QueryInvalid(words.format(_name(_text(error))), hint=way_out)


def _text(value: object) -> str:
    """What an error says; some drivers hold bytes, and numbers and texts in tuples."""
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, BaseException):
        message = getattr(value, "message", None)
        return message if isinstance(message, str) else _text(value.args)
    if isinstance(value, tuple):
        return " ".join(_text(part) for part in value)
    return str(value)


def _name(text: str) -> str:
    """The name that an error is about: the last part of it."""
    found = _NAME.search(_CLASS.sub("", text))
    if found is None:
        return "?"
    name = (found.group(1) or found.group(2)).replace("`", "")
    return name.rpartition(".")[2] or name
