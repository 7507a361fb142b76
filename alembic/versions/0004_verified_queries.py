"""Verified queries, feedback on answers, evaluations, checked seed questions

Revision: 0004
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

JSONB = postgresql.JSONB(astext_type=sa.Text())
TIME = sa.TIMESTAMP(timezone=True)
_TARGETS = {
    "organization_id": "organizations.organization_id",
    "source_id": "data_sources.source_id",
    "run_id": "runs.run_id",
    "user_id": "users.user_id",
    "proposed_by": "users.user_id",
    "verified_by": "users.user_id",
}


def _keys(table: str, *columns: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(
            [column],
            [_TARGETS[column]],
            name=op.f(f"fk_{table}_{column}_{_TARGETS[column].partition('.')[0]}"),
        )
        for column in columns
    ]


def upgrade() -> None:
    op.create_table(
        "verified_queries",
        sa.Column("verified_query_id", sa.String(32), nullable=False),
        sa.Column("organization_id", sa.String(32), nullable=False),
        sa.Column("source_id", sa.String(32), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("questions", JSONB, nullable=False),
        sa.Column("semantic_query", JSONB, nullable=True),
        sa.Column("sql", sa.String(), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("is_onboarding", sa.Boolean(), nullable=False),
        sa.Column("proposed_by", sa.String(32), nullable=False),
        sa.Column("proposed_at", TIME, nullable=False),
        sa.Column("run_id", sa.String(32), nullable=True),
        sa.Column("verified_by", sa.String(32), nullable=True),
        sa.Column("verified_by_name", sa.String(200), nullable=False),
        sa.Column("verified_at", TIME, nullable=True),
        *_keys(
            "verified_queries",
            "organization_id",
            "source_id",
            "proposed_by",
            "run_id",
            "verified_by",
        ),
        sa.PrimaryKeyConstraint("verified_query_id", name=op.f("pk_verified_queries")),
        sa.UniqueConstraint("run_id", name=op.f("uq_verified_queries_run_id")),
    )
    op.create_index(
        op.f("ix_verified_queries_organization_id"),
        "verified_queries",
        ["organization_id", "source_id", "status"],
        unique=False,
    )

    op.create_table(
        "answer_feedback",
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("organization_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("thumb", sa.String(10), nullable=False),
        sa.Column("reason", sa.String(20), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("given_at", TIME, nullable=False),
        *_keys("answer_feedback", "organization_id", "run_id", "user_id"),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_answer_feedback")),
    )
    op.create_index(
        op.f("ix_answer_feedback_organization_id"),
        "answer_feedback",
        ["organization_id"],
        unique=False,
    )

    op.create_table(
        "evaluations",
        sa.Column("evaluation_id", sa.String(32), nullable=False),
        sa.Column("organization_id", sa.String(32), nullable=False),
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.String(32), nullable=False),
        sa.Column("started_by", sa.String(200), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("case_count", sa.Integer(), nullable=False),
        sa.Column("summary", JSONB, nullable=True),
        sa.Column("cases", JSONB, nullable=False),
        *_keys("evaluations", "organization_id", "run_id", "user_id"),
        sa.PrimaryKeyConstraint("evaluation_id", name=op.f("pk_evaluations")),
        sa.UniqueConstraint("run_id", name=op.f("uq_evaluations_run_id")),
    )
    op.create_index(
        op.f("ix_evaluations_organization_id"),
        "evaluations",
        ["organization_id", "created_at"],
        unique=False,
    )

    op.create_table(
        "seed_questions",
        sa.Column("source_id", sa.String(32), nullable=False),
        sa.Column("organization_id", sa.String(32), nullable=False),
        sa.Column("model_version", sa.Integer(), nullable=False),
        sa.Column("questions", JSONB, nullable=False),
        sa.Column("checked_at", TIME, nullable=False),
        *_keys("seed_questions", "organization_id", "source_id"),
        sa.PrimaryKeyConstraint("source_id", name=op.f("pk_seed_questions")),
    )
    op.create_index(
        op.f("ix_seed_questions_organization_id"),
        "seed_questions",
        ["organization_id"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_table("seed_questions")
    op.drop_table("evaluations")
    op.drop_table("answer_feedback")
    op.drop_table("verified_queries")
    op.execute(
        "DELETE FROM query_records USING runs "
        "WHERE query_records.run_id = runs.run_id AND kind IN ('evaluate', 'seed')"
    )
    op.execute("DELETE FROM runs WHERE kind IN ('evaluate', 'seed')")
