"""Sources with settings and sealed addresses, runs of every kind, policies, tables, query records

Revision: 0002
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

JSONB = postgresql.JSONB(astext_type=sa.Text())
TIME = sa.TIMESTAMP(timezone=True)


def _organization(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["organization_id"],
        ["organizations.organization_id"],
        name=op.f(f"fk_{table}_organization_id_organizations"),
    )


def _source(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["source_id"],
        ["data_sources.source_id"],
        name=op.f(f"fk_{table}_source_id_data_sources"),
    )


def upgrade() -> None:
    for column in (
        sa.Column("sealed_url", sa.String(), nullable=False, server_default=""),
        sa.Column("settings", JSONB, nullable=False, server_default="{}"),
        sa.Column("status_reason", sa.String(), nullable=False, server_default=""),
        sa.Column("warnings", JSONB, nullable=False, server_default="[]"),
        sa.Column("data_version", sa.String(64), nullable=False, server_default=""),
    ):
        op.add_column("data_sources", column)
        op.alter_column("data_sources", column.name, server_default=None)

    op.add_column("data_sources", sa.Column("deleted_at", TIME, nullable=True))

    op.add_column("users", sa.Column("attributes", JSONB, nullable=False, server_default="{}"))
    op.alter_column("users", "attributes", server_default=None)

    op.add_column("runs", sa.Column("kind", sa.String(20), nullable=False, server_default="ask"))
    op.alter_column("runs", "kind", server_default=None)
    op.add_column("runs", sa.Column("request", JSONB, nullable=True))
    op.add_column("runs", sa.Column("outcome", JSONB, nullable=True))
    op.alter_column("runs", "conversation_id", existing_type=sa.String(32), nullable=True)
    op.alter_column("runs", "turn_id", existing_type=sa.String(32), nullable=True)

    op.create_index(op.f("ix_results_created_at"), "results", ["created_at"], unique=False)

    op.create_table(
        "data_policies",
        sa.Column("policy_id", sa.String(32), nullable=False),
        sa.Column("organization_id", sa.String(32), nullable=False),
        sa.Column("source_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("table_name", sa.String(400), nullable=False),
        sa.Column("column_name", sa.String(400), nullable=False),
        sa.Column("condition", sa.String(), nullable=False),
        sa.Column("mask", sa.String(20), nullable=False),
        sa.Column("exempt_roles", JSONB, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        _organization("data_policies"),
        _source("data_policies"),
        sa.PrimaryKeyConstraint("policy_id", name=op.f("pk_data_policies")),
        sa.UniqueConstraint("source_id", "name", name=op.f("uq_data_policies_source_id_name")),
    )
    op.create_index(
        op.f("ix_data_policies_organization_id"), "data_policies", ["organization_id"], unique=False
    )

    op.create_table(
        "source_tables",
        sa.Column("source_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(400), nullable=False),
        sa.Column("organization_id", sa.String(32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("row_estimate", sa.BigInteger(), nullable=True),
        sa.Column("content", JSONB, nullable=False),
        _organization("source_tables"),
        _source("source_tables"),
        sa.PrimaryKeyConstraint("source_id", "name", name=op.f("pk_source_tables")),
    )
    op.create_index(
        op.f("ix_source_tables_organization_id"), "source_tables", ["organization_id"], unique=False
    )

    op.create_table(
        "query_records",
        sa.Column("query_id", sa.String(32), nullable=False),
        sa.Column("organization_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("source_id", sa.String(32), nullable=False),
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("purpose", sa.String(20), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("sql", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("tables", JSONB, nullable=False),
        sa.Column("engine", sa.String(40), nullable=False),
        sa.Column("route", sa.String(20), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("queue_ms", sa.Float(), nullable=False),
        sa.Column("duration_ms", sa.Float(), nullable=False),
        sa.Column("engine_ms", sa.Float(), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("byte_count", sa.BigInteger(), nullable=False),
        sa.Column("peak_memory_bytes", sa.BigInteger(), nullable=False),
        sa.Column("cpu_ms", sa.Float(), nullable=False),
        sa.Column("from_cache", sa.Boolean(), nullable=False),
        sa.Column("truncated", sa.Boolean(), nullable=False),
        sa.Column("error_code", sa.String(40), nullable=False),
        sa.Column("is_slow", sa.Boolean(), nullable=False),
        sa.Column("plan", sa.String(), nullable=False),
        _organization("query_records"),
        _source("query_records"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.user_id"], name=op.f("fk_query_records_user_id_users")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.run_id"], name=op.f("fk_query_records_run_id_runs")
        ),
        sa.PrimaryKeyConstraint("query_id", name=op.f("pk_query_records")),
    )
    op.create_index(
        op.f("ix_query_records_organization_id"),
        "query_records",
        ["organization_id", "started_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_query_records_source_id"),
        "query_records",
        ["source_id", "fingerprint"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_table("query_records")
    op.drop_table("source_tables")
    op.drop_table("data_policies")
    op.drop_index(op.f("ix_results_created_at"), table_name="results")
    op.execute("DELETE FROM results USING runs WHERE results.run_id = runs.run_id AND kind <> 'ask'")
    op.execute("DELETE FROM runs WHERE kind <> 'ask'")
    op.alter_column("runs", "turn_id", existing_type=sa.String(32), nullable=False)
    op.alter_column("runs", "conversation_id", existing_type=sa.String(32), nullable=False)
    for column in ("outcome", "request", "kind"):
        op.drop_column("runs", column)
    op.drop_column("users", "attributes")
    for column in ("deleted_at", "data_version", "warnings", "status_reason", "settings", "sealed_url"):
        op.drop_column("data_sources", column)
