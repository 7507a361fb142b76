from tests.fixtures.database import engine, migrated_database_url
from tests.fixtures.worker import bench

__all__ = ["bench", "engine", "migrated_database_url"]
