from tests.fixtures.database import engine, migrated_database_url
from tests.fixtures.web import web_services

__all__ = ["engine", "migrated_database_url", "web_services"]
