"""Bringing the database to the tables that this version of the code expects."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, text

from aiser_app.db.engine import open_unpooled
from aiser_app.db.unit_of_work import DATABASE_DOWN, database_unavailable
from aiser_app.errors import ServiceUnavailable
from alembic import command

log = logging.getLogger(__name__)

PROJECT = Path(__file__).resolve().parents[2]
LOCK_KEY = 4_157_350_021
"""Of the advisory lock: ends with its session, so a killed upgrade leaves nothing locked."""


class DatabaseTooNew(ServiceUnavailable):
    """The database was written by a later version, whose tables this one does not know."""

    code = "database_too_new"
    retryable = False


def upgrade_to_head(url: str) -> None:
    """Run the migrations that are missing; of several callers at once, one runs and the rest wait.

    Raises:
        ServiceUnavailable: Postgres does not answer.
        DatabaseTooNew: the database is ahead of this version.
    """
    engine = open_unpooled(url)
    try:
        with _upgrade_lock(engine), engine.connect() as connection:
            config = migration_config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except DATABASE_DOWN as error:
        raise database_unavailable() from error
    except CommandError as error:
        raise DatabaseTooNew(
            "The database was written by a newer version of Aiser.",
            hint="Start that version, or restore a backup from before the upgrade.",
        ) from error
    finally:
        engine.dispose()


def is_at_head(engine: Engine) -> bool:
    """Whether every migration of this version has run, and no later one.

    Raises:
        ServiceUnavailable: Postgres does not answer.
    """
    try:
        with engine.connect() as connection:
            return current_revisions(connection) == {head_revision()}
    except DATABASE_DOWN as error:
        raise database_unavailable() from error


def current_revisions(connection: Connection) -> set[str]:
    return set(MigrationContext.configure(connection).get_current_heads())


@lru_cache(maxsize=1)
def head_revision() -> str:
    head = ScriptDirectory.from_config(migration_config()).get_current_head()
    if head is None:
        raise RuntimeError("There are no migrations beside the application.")
    return head


def migration_config() -> Config:
    """Alembic's settings; the caller puts a connection into `attributes`."""
    config = Config(PROJECT / "alembic.ini")
    config.set_main_option("script_location", str(PROJECT / "alembic"))
    return config


@contextmanager
def _upgrade_lock(engine: Engine) -> Iterator[None]:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK_KEY})
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": LOCK_KEY})
