"""Which rows and values of a table an actor gets to see: data for the guard, which injects them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class MaskKind(StrEnum):
    NULL = "null"
    """The value is not there."""
    CONSTANT = "constant"
    """The text `***`."""
    HASH = "hash"
    """A digest: equal values stay equal, so that they can be counted and joined."""
    PARTIAL = "partial"
    """The last four characters; what is not longer is masked whole."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RowPolicy:
    """Rows of `table` are seen only where `condition` is true.

    `condition` is one SQL expression in the source's dialect over columns of that table alone.
    `:name` in it is the actor's attribute of that name; an actor without it gets no answer at all.
    """

    name: str
    table: str
    condition: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ColumnMask:
    """The values of one column are replaced before anything is computed from them."""

    name: str
    table: str
    column: str
    kind: MaskKind


@dataclass(frozen=True, kw_only=True, slots=True)
class GrantedTable:
    """What the guard must know of a table that may be read."""

    name: str
    columns: tuple[str, ...] = ()
    """All of its columns in order; empty when unknown. Masks need them."""
    column_types: Mapping[str, str] = field(default_factory=dict)
    """Types of `domain.result.Column` by column name, as far as known."""
    row_estimate: int | None = None
    is_view: bool = False
    depends_on: tuple[str, ...] | None = None
    """Of a view: the tables it reads, through views as well; None when that is unknown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Policies:
    """The policies of one source that apply to one actor, already chosen by role."""

    rows: tuple[RowPolicy, ...] = ()
    masks: tuple[ColumnMask, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.rows or self.masks)

    @property
    def tables(self) -> frozenset[str]:
        """Tables that at least one of them is about."""
        return frozenset(p.table for p in self.rows) | frozenset(m.table for m in self.masks)


NO_POLICIES = Policies()
