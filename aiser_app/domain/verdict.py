"""What the guard says of a query: a decision with its reason, never a bool."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from aiser_app.domain.actor import Claims


@dataclass(frozen=True, kw_only=True, slots=True)
class Allowed:
    """The query may run, as `sql`: re-rendered from the tree that was judged."""

    sql: str
    tables: tuple[str, ...]
    columns: tuple[str, ...]
    claims: Claims


@dataclass(frozen=True, kw_only=True, slots=True)
class Denied:
    """The query may not run. `reason` is for the person who asked."""

    reason: str


Verdict: TypeAlias = Allowed | Denied
