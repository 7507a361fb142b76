from tests.fixtures.database import engine, migrated_database_url
from tests.fixtures.web import results_dir, web_services
from tests.fixtures.worker import bench
from tests.integration.query.failing import desk, private

__all__ = [
    "bench",
    "desk",
    "engine",
    "migrated_database_url",
    "private",
    "results_dir",
    "web_services",
]
