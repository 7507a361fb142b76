"""The connection pool to Aiser's own Postgres."""

from __future__ import annotations

from sqlalchemy import URL, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from aiser_app.errors import ServiceUnavailable

CONNECT_TIMEOUT_SECONDS = 5
POOL_WAIT_SECONDS = 10


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
    return create_engine(
        database_address(url),
        pool_size=pool_size,
        max_overflow=10,
        pool_timeout=POOL_WAIT_SECONDS,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args=_connect_arguments(),
    )


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
