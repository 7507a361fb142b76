"""A row policy or column mask as an administrator wrote it, with whom it spares."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from aiser_app.domain.actor import Role
from aiser_app.domain.policy import MaskKind


class PolicyKind(StrEnum):
    ROW = "row"
    MASK = "mask"


@dataclass(frozen=True, kw_only=True, slots=True)
class DataPolicy:
    """Of a row policy `condition` is set, of a mask `column` and `mask`."""

    policy_id: str
    organization_id: str
    source_id: str
    name: str
    kind: PolicyKind
    table: str
    condition: str = ""
    column: str = ""
    mask: MaskKind | None = None
    exempt_roles: tuple[Role, ...] = ()
    """Roles that see everything; without any, it holds for owners as well."""
    created_at: datetime
