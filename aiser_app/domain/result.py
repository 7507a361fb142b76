"""The envelope around the rows of a query; the rows themselves stay in the result store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """`type` is one of: string, integer, number, decimal, boolean, date, timestamp, json."""

    name: str
    type: str
    title: str = ""
    unit: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """Facts about one query's rows. Never says `truncated=False` without having looked."""

    result_id: str
    organization_id: str
    source_id: str
    columns: tuple[Column, ...]
    row_count: int
    truncated: bool
    limit: int
    as_of: datetime
    """Age of the data: when the source was ingested, or when a live source was read."""
    duration_ms: float
    engine: str
    route: str
    why: str
    """Why this route was taken, in words."""
    sql: str
    tables: tuple[str, ...]
    claims_hash: str
    from_cache: bool = False
    is_stale: bool = False
    """From a cache entry whose time was over, while a newer result is on its way."""
    rows_read: int | None = None
    """Rows of the tables that the query touches, when known."""
    limiting_factor: str = ""
    """What cut it off when it is truncated: `rows` or `bytes`."""
    byte_count: int = 0
    """Uncompressed Arrow bytes of the rows that were kept."""
    source_ids: tuple[str, ...] = ()
    """All sources of a query over several; `source_id` is the first of them."""
    policies: tuple[str, ...] = ()
    """Names of the row policies and column masks that apply to these rows."""
    notes: tuple[str, ...] = ()
    """What a reader should know of how the rows came about, such as that Cube did not answer."""
