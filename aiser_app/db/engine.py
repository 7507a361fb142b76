"""The connection pool to Aiser's own Postgres."""

from __future__ import annotations

import select
import time

from psycopg import Connection
from psycopg import Error as DriverError
from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, PoolProxiedConnection

from aiser_app.errors import ServiceUnavailable

CONNECT_TIMEOUT_SECONDS = 5
POOL_WAIT_SECONDS = 10
IDLE_SECONDS = 15.0
"""A connection that rested for longer is asked whether it still stands: what cuts quiet ones off
between here and a database far away tells nobody."""


def database_address(url: str) -> URL:
    """The address with the driver that Aiser uses, whatever the person wrote.

    Raises:
        ServiceUnavailable: the text is no Postgres address; it is not repeated, it has a password.
    """
    try:
        address = make_url(url)
    except ArgumentError:
        address = None
    if address is None or address.get_backend_name() not in ("postgresql", "postgres"):
        raise ServiceUnavailable(
            "The database address cannot be used.",
            hint="DATABASE_URL must look like postgresql://user:password@host:5432/name.",
        )
    return address.set(drivername="postgresql+psycopg")


def open_engine(url: str, *, pool_size: int = 10) -> Engine:
    """Open a pool; connects on first use. Parameters of statements stay out of errors and logs."""
    engine = create_engine(
        database_address(url),
        pool_size=pool_size,
        max_overflow=10,
        pool_timeout=POOL_WAIT_SECONDS,
        hide_parameters=True,
        connect_args=_connect_arguments(),
    )
    event.listen(engine, "checkin", _note_rest)
    event.listen(engine, "checkout", _check_alive)
    return engine


def open_unpooled(url: str) -> Engine:
    """For one-off work such as migrations: every connection is closed when it is given back."""
    return create_engine(
        database_address(url),
        poolclass=NullPool,
        hide_parameters=True,
        connect_args=_connect_arguments(),
    )


def _connect_arguments() -> dict[str, object]:
    return {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "application_name": "aiser",
        "options": "-c timezone=UTC",
    }


def _note_rest(_connection: Connection | None, entry: ConnectionPoolEntry) -> None:
    entry.info["rests_since"] = time.monotonic()


def _check_alive(
    connection: Connection, entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection
) -> None:
    """A server that went away has said so: its word lies in the socket, and looking costs nothing.

    Raises:
        InvalidatePoolError: the pool makes a new connection, and drops the others as well.
    """
    rests_since = entry.info.get("rests_since", time.monotonic())
    if time.monotonic() - rests_since < IDLE_SECONDS and not _has_news(connection):
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("")
        connection.rollback()
    except DriverError as error:
        raise InvalidatePoolError("The server has closed this connection.") from error


def _has_news(connection: Connection) -> bool:
    """Whether the server has said something unasked, which is mostly that it ends."""
    if connection.closed:
        return True
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))
