"""PostgreSQL's errors in the words of Aiser, by SQLSTATE: what was wrong, never rows, never places.

https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable

import adbc_driver_manager as adbc

from aiser_app.errors import (
    AiserError,
    EngineUnavailable,
    QueryCancelled,
    QueryInvalid,
    QueryTimedOut,
)
from aiser_app.query.engines.near import near_columns

log = logging.getLogger(__name__)

Columns = Callable[[], Iterable[tuple[str, str]]]
"""(table, column) of what the query may have meant; asked for only when a column is unknown."""

_MAX_CHARS = 300
_TEXT = re.compile(r"(?:ERROR|FATAL|PANIC):\s+(.+?)(?:\n|$)")
_OBJECT = re.compile(
    r"for (?:table|relation|view|materialized view|foreign table|schema|function|sequence) "
    r'"?([^"\n]{1,100}?)"?$'
)
_NAME = re.compile(r'column (?:"([^"\n]{1,100})"|([^\s"]{1,100})) ')
_HINTS = {
    "42803": "Add the column to GROUP BY, or aggregate it.",
    "42883": "Check the name of the function and the types of its arguments; CAST changes a type.",
    "42804": "Compare values of the same type; CAST changes a type.",
    "22P02": "Compare values of the same type; CAST changes a type.",
    "22012": "NULLIF(divisor, 0) gives no value instead of an error.",
}
_NO_RESOURCES = ("53100", "53200", "53400", "54000", "54001")


def as_aiser_error(error: Exception, columns: Columns) -> AiserError:
    """The error to raise instead of one of a driver."""
    state = _state(error)
    log.info("postgres refused a query: %s", state or type(error).__name__)
    if not state or state[:2] in ("08", "28", "3D", "57", "58", "XX", "F0") or state == "53300":
        return _gone(state, error)
    if state[:2] in ("40", "55"):
        return EngineUnavailable(
            "The database gave other work the way, and ended the query.", hint="Try again."
        )
    if state in _NO_RESOURCES:
        return QueryInvalid(
            "The query needs more memory or disk than the database gives one query.",
            hint="Ask for less: a shorter time range, or fewer groups.",
        )
    if state == "42501":
        return _not_permitted(error)
    if state == "25006":
        return QueryInvalid("Only reading is possible.")
    message = _message(error)
    if state == "42703":
        return QueryInvalid(message, hint=_near(message, columns))
    if state.startswith("22"):
        # What stands in quotes here is a value of some row, possibly of one that is hidden.
        message = f"A value cannot be used: {message.partition(':')[0]}"
        message = re.sub(r'"[^"]*"', "…", message)
    return QueryInvalid(message[:_MAX_CHARS], hint=_HINTS.get(state))


def _state(error: Exception) -> str:
    return (error.sqlstate or "") if isinstance(error, adbc.Error) else ""


def _gone(state: str, error: Exception) -> AiserError:
    if state == "57014":  # the watchdog did not do it
        if "statement timeout" in str(error):
            return QueryTimedOut(
                "The database stopped the query at its own time limit.",
                hint="Ask for less: a shorter time range, or fewer groups.",
            )
        return QueryCancelled("Somebody stopped the query in the database.")
    if state == "53300":
        return EngineUnavailable(
            "The database has no connection left for this query.",
            hint="Try again in a moment, or let fewer queries of this source run at once.",
        )
    return EngineUnavailable(
        "The connection to the database was lost.", hint="Try again in a moment."
    )


def _not_permitted(error: Exception) -> QueryInvalid:
    found = _OBJECT.search(_message(error))
    what = f"“{found.group(1)}”" if found else "something that the query names"
    return QueryInvalid(
        f"The database role of this source may not read {what}.",
        hint="Somebody who administers the database can GRANT SELECT to the role.",
    )


def _message(error: Exception) -> str:
    for key, value in getattr(error, "details", None) or ():
        if key == b"PG_DIAG_MESSAGE_PRIMARY":
            return _bounded(value.decode(errors="replace"))
    found = _TEXT.search(str(error))
    return _bounded(found.group(1) if found else "The query cannot run.")


def _bounded(text: str) -> str:
    line = re.sub(r"(?:[A-Za-z]:)?[/\\][^\s'\"]*[/\\][^\s'\"]*", "…", text.strip())
    return (line[:1].upper() + line[1:])[:_MAX_CHARS]


def _near(message: str, columns: Columns) -> str | None:
    found = _NAME.search(message[:1].lower() + message[1:])
    name = (found.group(1) or found.group(2)) if found else ""
    return near_columns(name, columns()) if name else None
