"""A configured database, and what is known of its tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class SourceStatus(StrEnum):
    READY = "ready"
    SYNCING = "syncing"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class DataSource:
    """One database that questions can be asked of."""

    source_id: str
    organization_id: str
    name: str
    engine: str
    """Engine name, also the sqlglot dialect: `duckdb` today."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Engine options without secrets; for `duckdb`: `path`, relative to the data folder."""
    description: str = ""
    status: SourceStatus = SourceStatus.READY
    synced_at: datetime | None = None
    """When the data was ingested or the schema last read: the data's age."""
    table_count: int = 0
    row_count: int = 0
