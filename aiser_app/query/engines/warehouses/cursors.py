"""A session on a driver that follows DB-API 2.0."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from aiser_app.query.engines.warehouses.adapter import Fetched, Values, plain


class CursorSession:
    """One connection of a driver; subclasses say how a query is limited, read and stopped."""

    version = ""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.cursor: Any = None
        self.limit_seconds = 0

    def begin(self, limit_seconds: int) -> None:
        if self.limit_seconds != limit_seconds:
            self.set_limit(limit_seconds)
            self.limit_seconds = limit_seconds

    def set_limit(self, seconds: int) -> None:
        """Tell the database the time limit of the queries to come."""

    def run(self, sql: str, values: Values) -> Fetched:
        self._drop_cursor()
        self.cursor = self.connection.cursor()
        self.execute(sql, values)
        return self.read()

    def execute(self, sql: str, values: Values) -> None:
        if values:
            self.cursor.execute(sql, plain(values))
        else:
            self.cursor.execute(sql)

    def read(self) -> Fetched:
        raise NotImplementedError

    def end(self) -> None:
        self._drop_cursor()

    def cancel(self) -> None:
        cursor = self.cursor
        if cursor is not None:
            cursor.cancel()

    def close(self) -> None:
        self._drop_cursor()
        self.connection.close()

    def _drop_cursor(self) -> None:
        cursor, self.cursor = self.cursor, None
        if cursor is not None:
            with contextlib.suppress(*self.harmless()):
                cursor.close()

    def harmless(self) -> tuple[type[BaseException], ...]:
        """What closing a cursor may raise without anybody needing to know."""
        return (OSError,)


def text_of(session: CursorSession, sql: str) -> str:
    """The first value of a query's answer, as text; empty when there is none."""
    for batch in session.run(sql, ()).batches:
        for value in batch.column(0).to_pylist():
            return str(value)
    return ""


Reader = Callable[[Any], Fetched]
