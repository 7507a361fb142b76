"""SQLite's errors in the words of Aiser."""

from __future__ import annotations

import logging
import re
import sqlite3
from collections.abc import Callable, Iterable

from aiser_app.errors import AiserError, EngineUnavailable, QueryInvalid
from aiser_app.query.engines.near import near_columns

log = logging.getLogger(__name__)

_COLUMN = re.compile(r"no such column: (.{1,100})")
_BROKEN = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_IOERR", "SQLITE_CANTOPEN", "SQLITE_FULL")
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL")
_WRITING = ("SQLITE_READONLY", "SQLITE_AUTH")


def as_aiser_error(
    error: Exception, columns: Callable[[], Iterable[tuple[str, str]]]
) -> AiserError:
    """The error to raise instead; `columns` are (table, column), asked for only for a hint."""
    name = getattr(error, "sqlite_errorname", None) or type(error).__name__
    log.info("sqlite refused a query: %s", name)
    if name.startswith(_BUSY):
        return EngineUnavailable(
            "Another program is writing to the file of this source.", hint="Try again in a moment."
        )
    if name.startswith(_BROKEN):
        return EngineUnavailable("The file of this source cannot be read.")
    text = str(error)
    if name.startswith(_WRITING) or "not authorized" in text:
        return QueryInvalid("Only reading is possible.")
    if isinstance(error, MemoryError) or name in ("SQLITE_NOMEM", "SQLITE_TOOBIG"):
        return QueryInvalid(
            "The query needs more memory than one query may use.",
            hint="Ask for less: a shorter time range, or fewer groups.",
        )
    found = _COLUMN.search(text)
    hint = near_columns(found.group(1), columns()) if found else None
    return QueryInvalid(f"{text[:1].upper()}{text[1:300]}", hint=hint)


def cannot_open(error: sqlite3.Error) -> str:
    """Why a file could not be opened, and what to do."""
    name = error.sqlite_errorname if hasattr(error, "sqlite_errorname") else ""
    if name.startswith("SQLITE_NOTADB"):
        return "The file is not a SQLite database."
    if name.startswith(_BUSY):
        return "Another program is writing to the file. Try again in a moment."
    return "The file cannot be opened. Check that Aiser's account may read it and its folder."
