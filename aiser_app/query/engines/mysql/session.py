"""A connection set up for reading: read-only, in UTC, with the SQL mode that Aiser's SQL is for."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pymysql
from pymysql.cursors import Cursor

from aiser_app.errors import AiserError
from aiser_app.query.connection import Address, HostRules
from aiser_app.query.engines.mysql.wire import RowTooLong, Wire, open_wire

SQL_MODE = "ONLY_FULL_GROUP_BY,NO_UNSIGNED_SUBTRACTION,STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION"
"""Without ANSI_QUOTES, NO_BACKSLASH_ESCAPES and PIPES_AS_CONCAT: sqlglot writes for a server
without them, and a server with them would read other strings than the guard has judged."""

_SETTINGS = (
    f"SET SESSION sql_mode = '{SQL_MODE}', time_zone = '+00:00'",
    "SET SESSION TRANSACTION READ ONLY",
)
_WISHES = (
    "SET SESSION group_concat_max_len = 16777216",  # the default of 1024 cuts silently
    "SET SESSION net_write_timeout = 600",  # rows are read as fast as they can be stored
)
"""Not every server that speaks the protocol has them."""

_UNKNOWN_VARIABLE = 1193
_NO_SUCH_THREAD = 1094
_BEGIN_SECONDS = 10.0
"""For the server's answer to the start of a transaction: a dead connection is replaced after it."""
_CUT_SECONDS = 1.5
"""From the first KILL on, after which the connection is cut: the server has not reacted to it."""

FAILURES = (pymysql.err.Error, OSError, RowTooLong, RuntimeError, AttributeError, ValueError)
"""What pymysql raises, also when its socket is closed under it in the middle of a packet."""


@dataclass(eq=False, slots=True)
class Session:
    """One connection. Used by one thread at a time; only `cut` may come from another."""

    wire: Wire
    thread_id: int
    """The server's number of the connection, for KILL."""
    version: str
    limit_seconds: float | None = None
    """The time limit that the server holds the session to."""

    @property
    def is_mariadb(self) -> bool:
        return "mariadb" in self.version.lower()

    def rows(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """All rows of a short query; values are text, bytes or None."""
        cursor = self.wire.cursor(Cursor)
        try:
            cursor.execute(sql, tuple(values) or None)
            return list(cursor.fetchall())
        finally:
            cursor.close()

    def begin(self, limit_seconds: float) -> None:
        """Start a read-only transaction whose statements the server itself stops in time."""
        self.wire.limit_reads(_BEGIN_SECONDS)
        if self.limit_seconds != limit_seconds:
            self.limit_seconds = None
            milliseconds = max(1, int(limit_seconds * 1000))
            self._wish(
                f"SET SESSION max_statement_time = {milliseconds / 1000:.3f}"
                if self.is_mariadb
                else f"SET SESSION max_execution_time = {milliseconds}"
            )
            self.limit_seconds = limit_seconds
        self.rows("START TRANSACTION READ ONLY")
        self.wire.limit_reads(None)

    def end(self) -> None:
        """End the transaction."""
        self.rows("ROLLBACK")

    def close(self) -> None:
        """Say goodbye without waiting for what is still on the way; never raises."""
        with contextlib.suppress(*FAILURES):
            self.wire.close()

    def _wish(self, sql: str) -> None:
        try:
            self.rows(sql)
        except pymysql.err.Error as error:
            if error.args[:1] != (_UNKNOWN_VARIABLE,):
                raise


def open_session(address: Address, rules: HostRules, timeout_seconds: float) -> Session:
    """Connect, sign in, and set up.

    Raises:
        one of FAILURES, EngineUnavailable, InvalidInput: as `open_wire`.
    """
    wire = open_wire(address, rules, timeout_seconds)
    session = Session(wire, 0, "")
    try:
        for statement in _SETTINGS:
            session.rows(statement)
        for statement in _WISHES:
            session._wish(statement)
        ((number, version),) = session.rows("SELECT CONNECTION_ID(), VERSION()")
    except FAILURES:
        session.close()
        raise
    session.thread_id = int(number)
    session.version = re.sub(r"^5\.5\.5-", "", str(version))  # MariaDB's disguise for old clients
    return session


class Killer:
    """Stops the query of a session by KILL QUERY over a second connection; for a Watchdog.

    KILL is repeated by the watchdog until the query has ended. If the server cannot be told, or
    does not react, the connection is cut: the server notices when it next sends.
    """

    def __init__(self, session: Session, address: Address, rules: HostRules) -> None:
        self._session = session
        self._address = address
        self._rules = rules
        self._second: Wire | None = None
        self._since: float | None = None
        self._lock = threading.Lock()

    @property
    def has_killed(self) -> bool:
        """A late KILL could hit the next query, so the session must not be used again."""
        return self._since is not None

    def __call__(self) -> None:
        with self._lock:
            now = time.monotonic()
            if self._since is None:
                self._since = now
            if now - self._since > _CUT_SECONDS:
                self._session.wire.cut()
                return
            try:
                self._kill()
            except (*FAILURES, AiserError):
                self._session.wire.cut()

    def close(self) -> None:
        """Give the second connection back; never raises."""
        with self._lock:
            if self._second is not None:
                with contextlib.suppress(*FAILURES):
                    self._second.close()
                self._second = None

    def _kill(self) -> None:
        if self._second is None:
            self._second = open_wire(self._address, self._rules, _CUT_SECONDS)
        cursor = self._second.cursor(Cursor)
        try:
            cursor.execute(f"KILL QUERY {self._session.thread_id:d}")
        except pymysql.err.Error as error:
            if error.args[:1] != (_NO_SUCH_THREAD,):
                raise
        finally:
            cursor.close()
