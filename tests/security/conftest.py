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
from tests.security.query_ground import ground, hunter, hunters

__all__ = [
    "analyst",
    "client",
    "engine",
    "ground",
    "hunter",
    "hunters",
    "migrated_database_url",
    "people",
    "results_dir",
    "stranger_tenant",
    "tenant",
    "web_services",
]
