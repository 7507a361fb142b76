from tests.fixtures.database import engine, migrated_database_url
from tests.fixtures.web import (
    analyst,
    client,
    people,
    results_dir,
    stranger_tenant,
    tenant,
    web_services,
)

__all__ = [
    "analyst",
    "client",
    "engine",
    "migrated_database_url",
    "people",
    "results_dir",
    "stranger_tenant",
    "tenant",
    "web_services",
]
