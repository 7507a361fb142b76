"""SQLite files among Aiser's sources: opened read-only, with everything but reading denied."""

from aiser_app.query.engines.sqlite.engine import SqliteEngine

__all__ = ["SqliteEngine"]
