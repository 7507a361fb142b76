"""Versions of semantic models know where they come from, who made them, and why

Revision: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for column in (
        sa.Column("origin", sa.String(20), nullable=False, server_default="inferred"),
        sa.Column("note", sa.String(), nullable=False, server_default=""),
    ):
        op.add_column("semantic_models", column)
        op.alter_column("semantic_models", column.name, server_default=None)
    op.add_column("semantic_models", sa.Column("author_id", sa.String(32), nullable=True))
    op.create_foreign_key(
        op.f("fk_semantic_models_author_id_users"),
        "semantic_models",
        "users",
        ["author_id"],
        ["user_id"],
    )


def downgrade() -> None:
    op.drop_constraint(
        op.f("fk_semantic_models_author_id_users"), "semantic_models", type_="foreignkey"
    )
    for name in ("author_id", "note", "origin"):
        op.drop_column("semantic_models", name)
