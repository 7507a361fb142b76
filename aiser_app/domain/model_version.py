"""Versions of a source's semantic model: what syncs infer, and what people make of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Origin(StrEnum):
    """Where a version comes from. The last one that is not inferred decides what is in force."""

    INFERRED = "inferred"
    """By a sync, from the data. In force unless somebody edited the model."""
    EDITED = "edited"
    """By somebody. Stays in force over syncs, with the facts of the newest inferred version."""
    RESET = "reset"
    """Somebody went back to what is inferred."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelVersion:
    version: int
    origin: Origin
    created_at: datetime
    author_id: str | None = None
    note: str = ""
