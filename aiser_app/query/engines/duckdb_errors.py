"""DuckDB's errors in the words of Aiser: what was wrong, never where files lie."""

from __future__ import annotations

import difflib
import logging
import re

from aiser_app.errors import AiserError, EngineUnavailable, QueryInvalid
from aiser_app.query.engines.contract import TableSchema

log = logging.getLogger(__name__)

_COLUMN = re.compile(r'(?:column|key|field) (?:named )?"([^"\n]{1,100})"', re.IGNORECASE)
_TABLE_HAS_NOT = re.compile(
    r'Table "([^"\n]{1,100})" does not have a column named "([^"\n]{1,100})"'
)
_FIRST_LINE_LIMIT = 300
_ABOUT_VALUES = frozenset({"Conversion Error", "Invalid Input Error", "Out of Range Error"})
_VALUE = re.compile(r"'.*'|\".*\"|(?<=with value )\S+|-?\d[\d.]{3,}")
"""Greedy: DuckDB does not escape quotes within the value that it quotes."""


def as_aiser_error(error: Exception, known: tuple[TableSchema, ...]) -> AiserError:
    """The error to raise instead; `known` are the tables, for hints on misspelled columns."""
    text = str(error)
    kind = _kind(error, text)
    log.info("duckdb refused a query: %s", kind)
    if kind in ("IO Error", "Connection Error", "FATAL Error", "Internal Error", "INTERNAL Error"):
        return EngineUnavailable("The database behind this data source failed.", hint="Try again.")
    if kind == "Out of Memory Error":
        return QueryInvalid(
            "The query needs more memory than one query may use.",
            hint="Ask for less: a shorter time range, or fewer groups.",
        )
    return QueryInvalid(_message(text, kind), hint=_hint(text, known))


def _kind(error: Exception, text: str) -> str:
    """`Binder Error` and the like; Arrow hands the text on with a prefix of its own."""
    found = re.search(r"\b([A-Z][A-Za-z]*(?: [A-Za-z]+){0,4} Error): ", text)
    return found.group(1) if found else type(error).__name__


def _message(text: str, kind: str) -> str:
    _, separator, rest = text.partition(f"{kind}: ")
    first = (rest if separator else text).strip().splitlines()
    line = first[0] if first else "The query cannot run."
    if kind in _ABOUT_VALUES:
        # The value may be of a row that a policy hides: it is left out.
        line = _VALUE.sub("…", line)
    if kind == "Conversion Error":
        line = f"A value cannot be converted: {line}"
    line = re.sub(r"(?:[A-Za-z]:)?[/\\][^\s'\"]*[/\\][^\s'\"]*", "…", line)
    return line[:_FIRST_LINE_LIMIT]


def _hint(text: str, known: tuple[TableSchema, ...]) -> str | None:
    table_match = _TABLE_HAS_NOT.search(text)
    if table_match:
        return _near(table_match.group(2), known)
    if "not found" in text or "does not have a column" in text:
        column = _COLUMN.search(text)
        if column:
            return _near(column.group(1), known)
    if "Conversion Error" in text:
        return "Compare values of the same type, or use TRY_CAST."
    if "must appear in the GROUP BY clause" in text:
        return "Add the column to GROUP BY, or aggregate it."
    return None


def _near(name: str, known: tuple[TableSchema, ...]) -> str | None:
    """Columns whose names come close, each with its table."""
    places: dict[str, list[str]] = {}
    for table in known:
        for column in table.columns:
            places.setdefault(column.name.casefold(), []).append(f"{table.name}.{column.name}")
    wanted = name.rpartition(".")[2].casefold()
    close = difflib.get_close_matches(wanted, places, n=3, cutoff=0.6)
    found = [place for key in close for place in places[key]][:5]
    return f"Did you mean {', '.join(found)}?" if found else None
