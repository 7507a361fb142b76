"""ClickHouse's errors, by code, in the words of Aiser.

The server's texts quote the query and values, so they are not passed on; names are picked out.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from clickhouse_connect.driver.exceptions import ClickHouseError

from aiser_app.errors import (
    AiserError,
    EngineUnavailable,
    QueryCancelled,
    QueryInvalid,
    QueryTimedOut,
)

log = logging.getLogger(__name__)

CODE = re.compile(r"Code: (\d{1,5})\. DB::(?:\w+::)*\w*Exception")
_HEADER = re.compile(r"exception, code: (\d{1,5})")
_NAMED = re.compile(
    r"(?:identifiers?|Identifier|columns?:?|function(?: with name)?|table|Table|Function with name)"
    r"(?: expression)?:? ?[`'\"]([^`'\"\n]{1,200})[`'\"]"
)
_TABLE = re.compile(r"(?:Table|table) (?:expression identifier )?[`']?([\w.]{1,200})")
_SYNTAX = re.compile(r"failed at position \d+ .*?\): (.{0,200}?)\s*\)?\. ?Expected", re.DOTALL)
_FIRST_CHARS = 60

_TIMED_OUT = frozenset({159, 160, 209})
_STOPPED = frozenset({394})
_SIGN_IN = frozenset({192, 193, 194, 195, 516})
_DATABASE = frozenset({81})
_BUSY = frozenset({202, 203, 216, 473})
_NETWORK = frozenset({3, 32, 33, 99, 100, 101, 102, 198, 210, 236, 279, 999})
_MEMORY = frozenset({158, 161, 191, 241, 243, 307, 396})
_GROUPING = ("A column is neither grouped nor aggregated.", "Add it to GROUP BY, or aggregate it.")
_TYPES = ("Values of different types do not fit together.", "Convert one of them with CAST.")
_FORM = ("A value has the wrong form for its type.", "Compare values of the same type.")

_INVALID: dict[int, tuple[str, str | None]] = {
    6: _FORM,
    10: ("There is no column “{0}”.", None),
    16: ("There is no column “{0}”.", None),
    27: _FORM,
    38: _FORM,
    41: _FORM,
    42: ("A function was given the wrong number of values.", None),
    43: ("A function was given a value of a type that it does not take.", None),
    44: ("A function was given a column that it does not take.", None),
    46: ("There is no function “{0}”.", None),
    47: ("There is no column “{0}”.", None),
    53: _TYPES,
    60: ("There is no table “{0}”.", None),
    70: _TYPES,
    72: _FORM,
    153: ("A number was divided by zero.", "Divide by nullIf(…, 0)."),
    164: ("The connection is read-only: the query would change something.", None),
    184: ("An aggregate stands inside another one, or where none can be.", "Use a subquery."),
    207: ("The column “{0}” is in more than one of the tables.", "Write its table before it."),
    215: _GROUPING,
    386: _TYPES,
    407: ("A number is out of range.", None),
    497: ("The database user may not read what the query needs.", "Ask its administrator."),
}


PART_BYTES = 256 * 1024 * 1024
"""Longest part of a stream that is read: it would have to fit into memory whole."""


class PartTooLong(OSError):
    """A part of the stream is longer than PART_BYTES."""


def code_of(text: str) -> int | None:
    """ClickHouse's number of an error in a text that holds one."""
    found = CODE.search(text) or _HEADER.search(text)
    return int(found.group(1)) if found else None


def as_aiser_error(
    error: BaseException, tail: str, near: Callable[[str], str | None]
) -> AiserError:
    """The error to raise instead; `tail` is the end of an answer that broke off."""
    if isinstance(error, AiserError):
        return error
    text = f"{error}\n{tail}"
    code = code_of(text) if isinstance(error, ClickHouseError) or tail else None
    log.info("clickhouse refused a query: %s %s", type(error).__name__, code)
    if code is not None:
        return _by_code(code, text, near)
    if isinstance(error, PartTooLong):
        return QueryInvalid(
            f"A part of the result has more than {PART_BYTES // (1024 * 1024)} MB.",
            hint="Leave big columns out, or take the first characters of them.",
        )
    return connection_error(error)


def connection_error(error: BaseException) -> AiserError:
    """Of a failure to connect or to sign in."""
    code = code_of(str(error))
    if code in _SIGN_IN:
        return EngineUnavailable(
            "The database refused the user or the password.", hint="Check them in the source's URL."
        )
    if code in _DATABASE:
        return EngineUnavailable(
            "There is no database of that name, or the user may not use it.",
            hint="Check the database's name in the source's URL.",
        )
    if is_tls(error):
        return EngineUnavailable(
            "The encrypted connection could not be made.",
            hint="Check the scheme and port in the source's URL, and the server's certificate.",
        )
    return _unavailable()


def is_tls(error: BaseException) -> bool:
    """Whether a connection failed at its encryption."""
    return "SSL" in str(error) or "certificate" in str(error).lower()


def _unavailable() -> EngineUnavailable:
    return EngineUnavailable(
        "The connection to the database failed.", hint="Check that the database runs; try again."
    )


def _by_code(code: int, text: str, near: Callable[[str], str | None]) -> AiserError:
    if code in _TIMED_OUT:
        return QueryTimedOut(
            "The query was stopped at its time limit.",
            hint="Ask for less: a shorter time range, or fewer groups.",
        )
    if code in _STOPPED:
        return QueryCancelled("The query was stopped in the database.")
    if code in _SIGN_IN | _DATABASE:
        return connection_error(RuntimeError(text))
    if code in _BUSY:
        return EngineUnavailable("The database is busy.", hint="Try again in a moment.")
    if code in _NETWORK:
        return _unavailable()
    if code in _MEMORY:
        return QueryInvalid(
            "The query needs more memory or rows than the database gives it.",
            hint="Ask for less: a shorter time range, or fewer groups.",
        )
    if code == 62:
        return _syntax_error(text)
    return _invalid(code, text, near)


def _syntax_error(text: str) -> QueryInvalid:
    found = _SYNTAX.search(text)
    place = " ".join(found.group(1).split())[:_FIRST_CHARS] if found else ""
    if not place.strip(")("):
        return QueryInvalid("The database cannot read the query: it ends too early.")
    return QueryInvalid(f"The database cannot read the query near “{place}”.")


def _invalid(code: int, text: str, near: Callable[[str], str | None]) -> QueryInvalid:
    known = _INVALID.get(code)
    if known is None:
        return QueryInvalid(f"The database refused the query with its error {code}.")
    message, hint = known
    found = _NAMED.search(text) or (_TABLE.search(text) if code == 60 else None)
    name = found.group(1) if found else "?"
    if code in (10, 16, 47):
        hint = near(name)
    if code == 60:
        name = name.rpartition(".")[2]
    return QueryInvalid(message.format(name), hint=hint)
