"""PostgreSQL: rows by ADBC as Arrow, everything else by psycopg, every session read-only."""

from aiser_app.query.engines.postgres.engine import PostgresEngine

__all__ = ["PostgresEngine"]
