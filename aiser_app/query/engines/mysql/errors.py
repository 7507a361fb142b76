"""MySQL's and MariaDB's errors, by number, in the words of Aiser.

Texts of the server may quote values out of tables, so they are not passed on; names of columns,
tables and functions are picked out of them.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

import pyarrow as pa

from aiser_app.errors import (
    AiserError,
    EngineUnavailable,
    QueryCancelled,
    QueryInvalid,
    QueryTimedOut,
)
from aiser_app.query.engines.mysql.wire import ROW_BYTES, RowTooLong

log = logging.getLogger(__name__)

_NAME = re.compile(r"'([^'\n]{1,200})'")
_DENIED = re.compile(r" for (?:table|column|routine) (?:\S*\.)?[`']?([^`'.\s]{1,200})")
_LINE = re.compile(r"near '(.*?)' at line (\d+)", re.DOTALL)

_TIMED_OUT = frozenset({1969, 3024})
_LOCKED = frozenset({1205, 1213})
_SIGN_IN = frozenset({1045, 1698, 1251, 2059, 2061})
_UNREACHABLE = frozenset({1040, 1053, 1129, 1130, 1152, 1158, 1159, 1160, 1161, 1184, 1203, 1226})
_LOST = frozenset({0, 2000, 2003, 2005, 2006, 2013, 2014, 2027, 2055})
_TLS = frozenset({2026, 3159})
_DATABASE = frozenset({1044, 1049})

_INVALID: dict[int, tuple[str, str | None]] = {
    1052: ("The column “{0}” is in more than one of the tables.", "Write its table before it."),
    1054: ("There is no column “{0}”.", None),
    1055: (
        "A column is neither grouped nor aggregated.",
        "Add the column to GROUP BY, or aggregate it.",
    ),
    1056: ("The query cannot be grouped by “{0}”.", "Group by columns, not by aggregates."),
    1066: ("Two tables of the query have the name “{0}”.", "Give one of them another alias."),
    1111: ("An aggregate stands where none can be.", "Filter on aggregates in HAVING."),
    1140: (
        "A column is neither grouped nor aggregated.",
        "Add the column to GROUP BY, or aggregate it.",
    ),
    1142: ("The database user may not read “{0}”.", "Ask the database's administrator."),
    1143: ("The database user may not read the column “{0}”.", "Ask the database's administrator."),
    1146: ("There is no table “{0}”.", None),
    1222: ("The parts of the UNION have different numbers of columns.", None),
    1242: ("A subquery that stands for one value returned several rows.", None),
    1264: ("A number is out of range.", None),
    1267: ("Texts of different collations are compared.", "Convert one of them with COLLATE."),
    1292: ("A value has the wrong form for its type.", "Compare values of the same type."),
    1305: ("There is no function “{0}”.", None),
    1365: ("A number was divided by zero.", "Divide by NULLIF(…, 0)."),
    1370: ("The database user may not use the function “{0}”.", None),
    1411: ("A value has the wrong form for a date.", None),
    1582: ("The function “{0}” was given the wrong number of values.", None),
    1583: ("The function “{0}” was given wrong values.", None),
    1630: ("There is no function “{0}”.", None),
    1690: ("A number is out of range.", None),
    1792: ("The connection is read-only: the query would change something.", None),
    3065: ("The order of a DISTINCT query uses something that is not selected.", None),
}
_RIGHTS = frozenset({1142, 1143, 1370})
_OUT_OF_MEMORY = frozenset({1037, 1038, 1041, 1114, 3170, 3171})
_FIRST_CHARS = 60


def number_of(error: BaseException) -> int | None:
    """MySQL's number of an error; None when it did not come from MySQL."""
    first = error.args[0] if error.args else None
    return first if isinstance(first, int) else None


def as_aiser_error(error: BaseException, near: Callable[[str], str | None]) -> AiserError:
    """The error to raise instead; `near` finds columns with names like a given one."""
    if isinstance(error, AiserError):
        return error
    number = number_of(error)
    log.info("mysql refused a query: %s %s", type(error).__name__, number)
    if isinstance(error, RowTooLong):
        megabytes = ROW_BYTES // (1024 * 1024)
        return QueryInvalid(
            f"A row of the result has more than {megabytes} MB.",
            hint="Leave the big column out, or take the first characters of it with LEFT.",
        )
    if isinstance(error, (pa.ArrowException, UnicodeDecodeError)):
        return QueryInvalid(
            "A value of the result cannot be represented exactly.",
            hint="Numbers have at most 38 digits; convert the column with CAST.",
        )
    if number is None:
        return _lost()
    return _by_number(number, str(error.args[-1]), near)


def _by_number(number: int, text: str, near: Callable[[str], str | None]) -> AiserError:
    if number in _TIMED_OUT:
        return QueryTimedOut(
            "The query was stopped at its time limit.",
            hint="Ask for less: a shorter time range, or fewer groups.",
        )
    if number == 1317:
        return QueryCancelled("The query was stopped in the database.")
    connection = connection_error(number)
    if connection is not None:
        return connection
    if number == 1064:
        return _syntax_error(text)
    if number in _OUT_OF_MEMORY:
        return QueryInvalid(
            "The query needs more memory or space than the database gives it.",
            hint="Ask for less: a shorter time range, or fewer groups.",
        )
    return _invalid(number, text, near)


def connection_error(number: int) -> AiserError | None:
    """Errors that are about the connection, not about the query."""
    if number in _SIGN_IN:
        return EngineUnavailable(
            "The database refused the user or the password.", hint="Check them in the source's URL."
        )
    if number in _DATABASE:
        return EngineUnavailable(
            "There is no database of that name, or the user may not use it.",
            hint="Check the database's name in the source's URL.",
        )
    if number in _TLS:
        return EngineUnavailable(
            "The encrypted connection could not be made.",
            hint="Check ssl_mode in the source's URL, and the server's certificate.",
        )
    if number in _UNREACHABLE:
        return EngineUnavailable(
            "The database accepts no more connections from Aiser now.", hint="Try again later."
        )
    if number in _LOCKED:
        return EngineUnavailable("The query waited too long for a lock.", hint="Try again.")
    return _lost() if number in _LOST else None


def _lost() -> EngineUnavailable:
    return EngineUnavailable(
        "The connection to the database failed.", hint="Check that the database runs; try again."
    )


def _syntax_error(text: str) -> QueryInvalid:
    found = _LINE.search(text)
    place = " ".join(found.group(1).split())[:_FIRST_CHARS] if found else ""
    if not place:
        return QueryInvalid("The database cannot read the query: it ends too early.")
    return QueryInvalid(f"The database cannot read the query near “{place}”.")


def _invalid(number: int, text: str, near: Callable[[str], str | None]) -> QueryInvalid:
    known = _INVALID.get(number)
    if known is None:
        return QueryInvalid(f"The database refused the query with its error {number}.")
    message, hint = known
    denied = _DENIED.search(text) if number in _RIGHTS else None
    names = [denied.group(1)] if denied else [n.replace("`", "") for n in _NAME.findall(text)]
    if number == 1146 and names:
        names[0] = names[0].rpartition(".")[2]
    if number in (1305, 1630) and not names:
        names = [text.removeprefix("FUNCTION ").partition(" ")[0].rpartition(".")[2]]
    if number == 1054 and names:
        hint = near(names[0])
    return QueryInvalid(message.format(*names[:1], "?"), hint=hint)
