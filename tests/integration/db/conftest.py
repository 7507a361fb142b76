from tests.fixtures.database import engine, migrated_database_url

__all__ = ["engine", "migrated_database_url"]
