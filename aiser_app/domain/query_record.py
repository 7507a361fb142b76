"""What is written down of every query of every origin, whatever became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class QueryStatus(StrEnum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    DENIED = "denied"
    """The guard refused it; nothing ran."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QueryRecord:
    """Durations in milliseconds, sizes in bytes. Never holds values that came out of a database."""

    query_id: str
    """Equal to the result's id where there is one."""
    organization_id: str
    user_id: str
    source_id: str
    run_id: str
    purpose: str
    """Origin, as in `QueryRequest.purpose`: agent, editor, api, export, card, sync …"""
    status: QueryStatus
    sql: str
    """As executed, parameters by name; as asked, when it was refused."""
    fingerprint: str
    """Equal for queries that differ only in their literals."""
    tables: tuple[str, ...]
    engine: str
    route: str
    started_at: datetime
    queue_ms: float
    """From the request until a worker took it."""
    duration_ms: float
    """Until the last row was stored."""
    engine_ms: float
    """Until the first batch: what the database needed before rows flowed."""
    row_count: int
    byte_count: int
    """Uncompressed Arrow bytes that were kept."""
    peak_memory_bytes: int
    """Highest resident memory of the worker while it ran, above what it was before."""
    cpu_ms: float
    """CPU time of the worker process while it ran; engines inside of it included."""
    from_cache: bool
    truncated: bool
    error_code: str = ""
    is_slow: bool = False
    plan: str = ""
    """Text of the engine's plan, of slow queries where the engine has one."""
