"""On whose behalf a run works: the person as they are now, not as they were when they asked."""

from __future__ import annotations

from aiser_app.access.permissions import permissions_of
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor
from aiser_app.domain.run import Run
from aiser_app.errors import PermissionDenied


def actor_of(uow: UnitOfWork, run: Run) -> Actor:
    """Raises `PermissionDenied` when the person was shut out meanwhile."""
    user = uow.users.find(run.organization_id, run.user_id)
    if user is None or not user.is_active:
        raise PermissionDenied("This account may not ask questions any more.")
    return Actor(
        user_id=user.user_id,
        organization_id=user.organization_id,
        role=user.role,
        permissions=permissions_of(user.role),
        name=user.name,
        email=user.email,
        attributes=user.attributes,
    )
