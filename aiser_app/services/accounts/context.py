"""What the parts of the account service share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from aiser_app.access.permissions import permissions_of
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor
from aiser_app.domain.person import User
from aiser_app.services.accounts.actor_cache import ActorCache
from aiser_app.services.sources import Sources
from aiser_app.services.throttle import Throttle


def utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class AccountContext:
    engine: Engine
    throttle: Throttle
    sources: Sources
    session_lifetime: timedelta
    cache: ActorCache = field(default_factory=ActorCache)
    now: Callable[[], datetime] = utc_now

    def unit_of_work(self) -> UnitOfWork:
        return UnitOfWork(self.engine)


class AccountPart:
    """One part of the account service."""

    def __init__(self, context: AccountContext) -> None:
        self._context = context


def actor_of(user: User, organization_name: str, *, by_api_key: bool = False) -> Actor:
    return Actor(
        user_id=user.user_id,
        organization_id=user.organization_id,
        role=user.role,
        permissions=permissions_of(user.role, by_api_key=by_api_key),
        name=user.name,
        email=user.email,
        organization_name=organization_name,
        attributes=user.attributes,
    )
