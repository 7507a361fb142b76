"""Rows read and written without the ORM: three times cheaper, on the path of every run."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CursorResult, Executable, Table
from sqlmodel import Session, SQLModel

from aiser_app.db.models.metadata import METADATA


def table_of(model: type[SQLModel]) -> Table:
    return METADATA.tables[str(model.__tablename__)]


def insert_row(session: Session, model: type[SQLModel], **values: Any) -> None:
    """Insert one row; every column without a default of the database must be given.

    Raises:
        IntegrityError: as the ORM does at a flush.
    """
    session.connection().execute(table_of(model).insert(), values)


def run_plain(session: Session, statement: Executable, **values: Any) -> CursorResult[Any]:
    """Execute a statement that was made once, in the session's transaction.

    Objects that the session holds unwritten are not written before, as they would be by the ORM.
    """
    return session.connection().execute(statement, values)
