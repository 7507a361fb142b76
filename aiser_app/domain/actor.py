"""Who acts. Made from a session cookie, API key or share token; never from state or arguments."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from aiser_app.domain.permission import Permission


class Role(StrEnum):
    """Roles from most to least powerful; what each may do is decided in `access.permissions`."""

    OWNER = "owner"
    ADMIN = "admin"
    ANALYST = "analyst"
    VIEWER = "viewer"


@dataclass(frozen=True, kw_only=True, slots=True)
class Claims:
    """What row policies may use, and therefore a part of every cache key."""

    organization_id: str
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """Hex digest that is equal exactly when two actors see the same rows."""
        text = json.dumps([self.organization_id, sorted(self.attributes.items())])
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """The person or key on whose behalf something happens."""

    user_id: str
    organization_id: str
    role: Role
    permissions: frozenset[str]
    name: str = ""
    email: str = ""
    organization_name: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    @property
    def claims(self) -> Claims:
        return Claims(organization_id=self.organization_id, attributes=self.attributes)

    def may(self, permission: Permission) -> bool:
        """Whether the role, and the key if one is used, allows it."""
        return permission.value in self.permissions
