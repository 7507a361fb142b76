"""Which role holds which permission, and the one check.

The table in docs/api.md is made of these names; a test keeps the two equal.
"""

from __future__ import annotations

from types import MappingProxyType

from aiser_app.domain.actor import Actor, Role
from aiser_app.domain.permission import Permission
from aiser_app.errors import PermissionDenied

_VIEWER = frozenset(
    {
        Permission.SOURCES_READ,
        Permission.CONVERSATIONS_READ,
        Permission.CONVERSATIONS_MANAGE,
        Permission.API_KEYS_MANAGE,
    }
)
_ANALYST = _VIEWER | {
    Permission.QUESTIONS_ASK,
    Permission.QUERIES_RUN,
    Permission.SOURCES_UPLOAD,
    Permission.VERIFIED_QUERIES_MANAGE,
}
_ADMIN = _ANALYST | {
    Permission.SOURCES_MANAGE,
    Permission.POLICIES_MANAGE,
    Permission.MONITORING_READ,
    Permission.USERS_READ,
    Permission.USERS_MANAGE,
}
_OWNER = _ADMIN | {Permission.OWNERS_MANAGE}

ROLE_PERMISSIONS = MappingProxyType(
    {Role.VIEWER: _VIEWER, Role.ANALYST: _ANALYST, Role.ADMIN: _ADMIN, Role.OWNER: _OWNER}
)
NOT_FOR_API_KEYS = frozenset({Permission.API_KEYS_MANAGE})
"""A key that leaks must not be able to make itself a successor."""


def permissions_of(role: Role, *, by_api_key: bool = False) -> frozenset[str]:
    """Names of what a role may do, signed in or by a key."""
    held = ROLE_PERMISSIONS[role]
    return frozenset(p.value for p in (held - NOT_FOR_API_KEYS if by_api_key else held))


def require(actor: Actor, permission: Permission) -> None:
    """Let pass who holds the permission.

    Raises:
        PermissionDenied: names the permission, so that people know what to ask for.
    """
    if not actor.may(permission):
        raise PermissionDenied(
            f"Your role does not allow this ({permission.value}).",
            hint="Ask an owner or admin of your organization.",
        )
