"""Alembic's entry: on the connection given by `aiser_app.db.migrations`, else on the settings'."""

from typing import Any, Literal

import sqlalchemy as sa
from sqlmodel import AutoString
from sqlmodel.sql.sqltypes import UTCDateTime

from aiser_app.config import current_settings
from aiser_app.db.engine import open_unpooled
from aiser_app.db.models import METADATA
from alembic import context


def render_item(kind: str, item: Any, _autogen: Any) -> str | Literal[False]:
    """Write plain SQLAlchemy types, so that migrations outlive SQLModel's own."""
    if kind == "type" and isinstance(item, UTCDateTime):
        return "sa.TIMESTAMP(timezone=True)"
    if kind == "type" and isinstance(item, AutoString):
        return f"sa.String({item.length})" if item.length else "sa.String()"
    return False


def migrate(connection: sa.Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        compare_type=True,
        render_item=render_item,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    migrate(given)
else:
    with open_unpooled(current_settings().database_url).connect() as opened:
        migrate(opened)
