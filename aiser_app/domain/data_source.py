"""A configured database, and what is known of its tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

CUBE_URL, CUBE_SECRET = "cube_url", "cube_secret"
"""Options of a source with a Cube: the address of its API, and its secret, sealed as `sealed_url` is."""


class SourceStatus(StrEnum):
    READY = "ready"
    SYNCING = "syncing"
    FAILED = "failed"
    """The last sync failed; what an earlier one found can still be asked."""
    PAUSED = "paused"
    """Somebody paused it, with a reason; no query reaches it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceSettings:
    """What an administrator may set per source; the defaults are in docs/settings.md."""

    max_concurrent: int = 4
    """Queries that one worker process runs on it at the same time, which is also the pool's size."""
    connect_timeout_seconds: float = 10.0
    query_timeout_seconds: float | None = None
    """Upper bound of every query's own limit; None leaves the purpose's limit as it is."""
    cache_seconds: float = 600.0
    """How long a result of a live source is used again; 0 never. Uploads: until re-ingest."""
    slow_query_seconds: float = 10.0
    """From here on a query is recorded as slow, with its plan, and an alert is raised."""
    sample_values: bool = True
    """Whether a sync reads values of columns, or only the database's catalog."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DataSource:
    """One database that questions can be asked of."""

    source_id: str
    organization_id: str
    name: str
    engine: str
    """Name of the engine in `query.engines`; its dialect is the engine's `dialect`."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Engine options without plain secrets; for `duckdb`: `path`, relative to the data folder;
    `schema` where plain table names are in another one than is usual for the engine; `cube_url` and
    `cube_secret` of an attached Cube."""
    sealed_url: str = field(default="", repr=False)
    """Connection URL with credentials, encrypted; only engines open it, by `access.sealing`."""
    settings: SourceSettings = field(default_factory=SourceSettings)
    description: str = ""
    status: SourceStatus = SourceStatus.READY
    status_reason: str = ""
    """Why it is paused, or why the last sync failed; safe to show."""
    warnings: tuple[str, ...] = ()
    """What the last test found questionable: the role can write, is superuser …"""
    data_version: str = ""
    """Changes with every ingest and sync; part of every cache key."""
    synced_at: datetime | None = None
    """When the data was ingested or the schema last read: the data's age."""
    table_count: int = 0
    row_count: int = 0

    @property
    def is_kept_here(self) -> bool:
        """Whether Aiser keeps the data itself, so that it changes by ingest only."""
        return self.engine == "duckdb"

    @property
    def cube_url(self) -> str:
        """Address of the API of the Cube that is attached; empty when there is none."""
        return self.options.get(CUBE_URL, "")
