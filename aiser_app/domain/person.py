"""Organizations, their users, and the keys that users hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from aiser_app.domain.actor import Actor, Role


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    user_id: str
    organization_id: str
    name: str
    email: str
    role: Role
    is_active: bool
    created_at: datetime
    attributes: Mapping[str, str] = field(default_factory=dict)
    """What row policies may use of this person."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedIn:
    """A fresh session: the token goes into the cookie and is stored only as a hash."""

    actor: Actor
    session_token: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """A key as listed later; the secret itself is shown once, at creation."""

    api_key_id: str
    name: str
    prefix: str
    """First characters of the secret, so that its owner can tell keys apart."""
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
