"""A lock across processes that lives as long as its connection, so that no crash leaves one behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from aiser_app.db.unit_of_work import DATABASE_DOWN, database_unavailable

_TAKE = text("SELECT pg_try_advisory_lock(hashtextextended(:name, 0))")
_GIVE_BACK = text("SELECT pg_advisory_unlock(hashtextextended(:name, 0))")


@contextmanager
def exclusive(engine: Engine, name: str) -> Iterator[bool]:
    """Try to hold the lock while the block runs; yields whether it is held. Never waits.

    Raises:
        ServiceUnavailable: Postgres does not answer.
    """
    try:
        connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        held = bool(connection.execute(_TAKE, {"name": name}).scalar())
    except DATABASE_DOWN as error:
        raise database_unavailable() from error
    try:
        yield held
    finally:
        try:
            if held:
                connection.execute(_GIVE_BACK, {"name": name})
            connection.close()
        except DBAPIError:  # the server is gone, and the lock with it
            connection.invalidate()
