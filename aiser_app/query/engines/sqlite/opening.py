"""How a SQLite file is opened: no writes, no other files, no code, bounded sizes."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 256 * 1024 * 1024,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 1_000_000,
    sqlite3.SQLITE_LIMIT_COLUMN: 2_000,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 500,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 100,
    sqlite3.SQLITE_LIMIT_VDBE_OP: 1_000_000,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1_000,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 1,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
}
"""https://www.sqlite.org/security.html, with room for long lists and big texts."""

_READING = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE, sqlite3.SQLITE_READ}
)
_DENIED_FUNCTIONS = frozenset(
    {"load_extension", "readfile", "writefile", "edit", "fts3_tokenizer", "sqlite_dbpage"}
)
_BUSY_MS = 2_000
"""How long to wait for whoever writes to the file at this moment."""


def open_catalog(path: Path) -> sqlite3.Connection:
    """For reading the catalog: the file cannot be written, the temporary schema can."""
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, check_same_thread=False)
    try:
        for limit, value in _LIMITS.items():
            connection.setlimit(limit, value)
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        # What the file itself defines may not call functions with effects, and is not mapped.
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        connection.execute("PRAGMA mmap_size = 0")
        connection.create_function("md5", 1, _md5, deterministic=True)
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


def _md5(value: object) -> str | None:
    """SQLite has no digest; column masks need one that other engines have as well."""
    if value is None:
        return None
    return hashlib.md5(str(value).encode(), usedforsecurity=False).hexdigest()


def open_locked(path: Path) -> sqlite3.Connection:
    """For queries: whatever is not reading is denied while the statement is prepared."""
    connection = open_catalog(path)
    connection.execute("PRAGMA query_only = ON")
    connection.set_authorizer(_authorize)
    return connection


def declared_types(path: Path, sql: str) -> list[str]:
    """What the columns of a query were declared as; empty texts where they are computed.

    SQLite tells it of views, so the query becomes a temporary one, in a connection of its own.
    """
    try:
        connection = open_catalog(path)
    except sqlite3.Error:
        return []
    try:
        connection.execute(f"CREATE TEMP VIEW aiser_query AS {sql}")
        return [row[2] or "" for row in connection.execute("PRAGMA table_info(aiser_query)")]
    except (sqlite3.Error, sqlite3.Warning):
        return []  # the query itself says what is wrong with it
    finally:
        connection.close()


def _authorize(
    action: int, first: str | None, second: str | None, _: str | None, __: str | None
) -> int:
    if action not in _READING:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_READ and (first or "").lower().startswith("sqlite_"):
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _DENIED_FUNCTIONS:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK


def with_strict_names(sql: str) -> str:
    """The query with names in backticks instead of double quotes.

    In double quotes SQLite reads a name that it does not know as text, so that a misspelled column
    would be a constant instead of an error.
    """
    parts: list[str] = []
    place = 0
    while place < len(sql):
        mark = sql[place]
        if mark not in "'\"`":
            parts.append(mark)
            place += 1
            continue
        end = _end_of_quoted(sql, place)
        quoted = sql[place:end]
        if mark == '"' and len(quoted) > 1 and quoted.endswith('"'):
            name = quoted[1:-1].replace('""', '"').replace("`", "``")
            quoted = f"`{name}`"
        parts.append(quoted)
        place = end
    return "".join(parts)


def _end_of_quoted(sql: str, start: int) -> int:
    """The place behind the closing quote; a quote that stands twice does not close."""
    mark, place = sql[start], start + 1
    while place < len(sql):
        if sql[place] == mark:
            if sql[place + 1 : place + 2] != mark:
                return place + 1
            place += 1
        place += 1
    return place
