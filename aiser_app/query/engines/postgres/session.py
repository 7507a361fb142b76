"""One connection of ADBC to a server, and the READ ONLY transaction that each query gets."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import adbc_driver_manager as adbc
import psycopg
import pyarrow as pa
from adbc_driver_manager._reader import AdbcRecordBatchReader

from aiser_app.query.engines.postgres.databases import Databases
from aiser_app.query.engines.postgres.reaching import (
    Parameters,
    connect,
    with_options_or_without,
)

BATCH_BYTES = 4_000_000
"""Hint for the size of a batch: memory stays bounded, and a cancel is noticed soon."""
WITH_COPY = {"adbc.postgresql.batch_size_hint_bytes": str(BATCH_BYTES)}
WITHOUT_COPY = {"adbc.postgresql.use_copy": "false"}
_BACKGROUND_CHECK = 140_000
"""From this version on a server notices while it computes that the client is gone."""
_SECOND_WAY_SECONDS = 0.5


@dataclass(eq=False, slots=True)
class Session:
    """Used by one thread at a time, except for `cancel`."""

    connection: adbc.AdbcConnection
    parameters: Parameters
    pid: int = 0
    version: int = 0
    timeout_seconds: float = 0.0

    def begin(self, timeout_seconds: float) -> None:
        """Open the READ ONLY transaction of one query, with its settings, in one round trip.

        The statement's own timeout is a second net: the watchdog comes first and says it better.
        """
        self.timeout_seconds = timeout_seconds
        settings = {
            "statement_timeout": str(int(timeout_seconds * 1000) + 1_000),
            "TimeZone": "'UTC'",
            "standard_conforming_strings": "on",
            "client_min_messages": "error",
            "cursor_tuple_fraction": "1.0",
        }
        if self.version >= _BACKGROUND_CHECK:
            settings["client_connection_check_interval"] = "1000"
        sets = "".join(f"; SET LOCAL {name} = {value}" for name, value in settings.items())
        self.run(f"BEGIN READ ONLY{sets}")

    def end(self) -> None:
        """Undo the transaction, with every setting that a query may have changed in it."""
        self.run("ROLLBACK")

    def begin_again(self) -> None:
        """After a statement that failed, and with it the transaction."""
        self.end()
        self.begin(self.timeout_seconds)

    def run(self, sql: str) -> None:
        with self.statement(sql) as statement:
            statement.execute_update()

    @contextmanager
    def statement(self, sql: str, **options: str) -> Iterator[adbc.AdbcStatement]:
        statement = adbc.AdbcStatement(self.connection)
        try:
            statement.set_options(**options)
            statement.set_sql_query(sql)
            yield statement
        finally:
            statement.close()

    def schema(self, sql: str) -> pa.Schema:
        """What a query would return. It is prepared, not run."""
        with self.statement(sql) as statement:
            return pa.schema(statement.execute_schema())

    def parameter_types(self, sql: str) -> list[str]:
        """Names of the types that the server infers for the places `$1`, `$2`."""
        with self.statement(sql) as statement:
            statement.prepare()
            schema = pa.schema(statement.get_parameter_schema())
        return [(field.metadata or {}).get(b"POSTGRESQL:type", b"").decode() for field in schema]

    def close(self) -> None:
        with suppress(adbc.Error, RuntimeError):
            self.connection.close()


def open_session(databases: Databases, parameters: Parameters) -> Session:
    """Raises `adbc.Error`."""
    session: Session = with_options_or_without(
        lambda found: Session(databases.connect(found), found), parameters
    )
    facts = "SELECT pg_backend_pid(), current_setting('server_version_num')::int"
    try:
        with session.statement(facts) as statement:
            row = batches_of(statement).read_all().to_pylist()[0]
    except BaseException:
        session.close()
        raise
    session.pid, session.version = row.values()
    return session


def batches_of(statement: adbc.AdbcStatement) -> AdbcRecordBatchReader:
    """Rows of a statement. This reader keeps the server's error codes, which Arrow's own loses."""
    handle, _ = statement.execute_query()
    return AdbcRecordBatchReader._import_from_c(handle.address)


class Interrupter:
    """Stops what a session runs: by libpq's cancel, then by pg_cancel_backend as well.

    Called again and again by the watchdog; it takes the slower way only when the first was in vain.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._tried = 0.0

    def __call__(self) -> None:
        now = time.monotonic()
        if not self._tried:
            self._tried = now
            with suppress(adbc.Error):
                self._session.connection.cancel()
        elif now - self._tried >= _SECOND_WAY_SECONDS:
            self._tried = now
            self._cancel_from_outside()

    def _cancel_from_outside(self) -> None:
        with suppress(psycopg.Error):
            connection: psycopg.Connection[Any] = connect(self._session.parameters)
            with connection:
                connection.execute("SELECT pg_cancel_backend(%s)", (self._session.pid,))
