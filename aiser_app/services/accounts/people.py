"""The users of an organization."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy.exc import IntegrityError

from aiser_app.access.permissions import require
from aiser_app.db.identifiers import is_id, new_id
from aiser_app.db.repositories.audit_events import AuditEvent
from aiser_app.domain.actor import Actor, Role
from aiser_app.domain.permission import Permission
from aiser_app.domain.person import User
from aiser_app.errors import Conflict, InvalidInput, NotFound, NotSignedIn
from aiser_app.services.accounts.context import AccountPart, actor_of
from aiser_app.services.secret_text import checked_password, hash_password
from aiser_app.services.text_input import checked_email, checked_name, has_binary, normal_email

MAX_ATTRIBUTES = 50
ATTRIBUTE_MAX_CHARS = 400
_ATTRIBUTE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


class People(AccountPart):
    def me(self, actor: Actor) -> User:
        with self._context.unit_of_work() as uow:
            user = uow.users.find(actor.organization_id, actor.user_id)
        if user is None:
            raise NotSignedIn
        return user

    def operator(self, email: str | None = None) -> Actor:
        """Who the command line acts for: the named user, or the first owner.

        Whoever runs it can read everything that Aiser keeps, so no password is asked.
        """
        with self._context.unit_of_work() as uow:
            owner = None if email else uow.users.find_first_owner()
            address = normal_email(email) if email else owner.email if owner else ""
            known = uow.users.find_credentials(address)
        if known is None or not known.user.is_active:
            raise NotFound("There is no such user.", hint="Set Aiser up first, or name another.")
        return actor_of(known.user, known.organization_name)

    def list_users(self, actor: Actor) -> list[User]:
        require(actor, Permission.USERS_READ)
        with self._context.unit_of_work() as uow:
            return uow.users.list_all(actor.organization_id)

    def create_user(
        self, actor: Actor, *, name: str, email: str, role: Role | str, password: str
    ) -> User:
        """Raises `Conflict` when the email is in use."""
        require(actor, Permission.USERS_MANAGE)
        given_role = checked_role(role)
        if given_role is Role.OWNER:
            require(actor, Permission.OWNERS_MANAGE)
        user = User(
            user_id=new_id(),
            organization_id=actor.organization_id,
            name=checked_name(name, "The name"),
            email=checked_email(email),
            role=given_role,
            is_active=True,
            created_at=self._context.now(),
        )
        password_hash = hash_password(checked_password(password, email=user.email))
        try:
            with self._context.unit_of_work() as uow:
                uow.users.add(user, password_hash)
                uow.audit_events.add(self._event(actor, "user.created", user, role=user.role))
                uow.commit()
        except IntegrityError:
            raise Conflict("This email is in use.") from None
        return user

    def change_user(
        self,
        actor: Actor,
        user_id: str,
        *,
        role: Role | str | None = None,
        is_active: bool | None = None,
        attributes: Mapping[str, str] | None = None,
    ) -> User:
        """Change what is given. Deactivating ends the user's sessions and stops their keys.

        `attributes` replaces all of them; they decide which rows the user sees, so this needs
        the permission to manage policies as well.

        Raises:
            Conflict: the organization would be left without an owner, or the actor locked out.
        """
        require(actor, Permission.USERS_MANAGE)
        with self._context.unit_of_work() as uow:
            users = uow.users.lock_all(actor.organization_id) if is_id(user_id) else []
            user = next((u for u in users if u.user_id == user_id), None)
            if user is None:
                raise NotFound("There is no such user.")
            changed = replace(
                user,
                role=user.role if role is None else checked_role(role),
                is_active=user.is_active if is_active is None else is_active,
                attributes=user.attributes
                if attributes is None
                else checked_attributes(attributes),
            )
            if attributes is not None:
                require(actor, Permission.POLICIES_MANAGE)
            self._check_change(actor, users, user, changed)
            uow.users.change(changed)
            if not changed.is_active:
                uow.sessions.delete_of_user(actor.organization_id, user_id)
            uow.audit_events.add(
                self._event(
                    actor,
                    "user.changed",
                    user,
                    role=changed.role,
                    is_active=changed.is_active,
                    attributes=sorted(changed.attributes),
                )
            )
            uow.commit()
        self._context.cache.forget_user(user_id)
        return changed

    @staticmethod
    def _check_change(actor: Actor, users: list[User], user: User, changed: User) -> None:
        if Role.OWNER in (user.role, changed.role):
            require(actor, Permission.OWNERS_MANAGE)
        if user.user_id == actor.user_id and not changed.is_active:
            raise Conflict("You cannot deactivate yourself.")
        _keep_an_owner(users, user, changed.role, is_active=changed.is_active)

    def _event(self, actor: Actor, kind: str, user: User, **detail: object) -> AuditEvent:
        return AuditEvent(
            organization_id=actor.organization_id,
            user_id=actor.user_id,
            kind=kind,
            subject=user.email,
            at=self._context.now(),
            detail=detail,
        )


def checked_role(role: Role | str) -> Role:
    try:
        return Role(role)
    except ValueError:
        known = ", ".join(r.value for r in Role)
        raise InvalidInput(f"There is no such role. Roles are: {known}.") from None


def checked_attributes(attributes: Mapping[str, str]) -> dict[str, str]:
    """Names as policies write them after a colon; values are text.

    Raises:
        InvalidInput: a name that no policy could use, too many, or a value that is too long.
    """
    if len(attributes) > MAX_ATTRIBUTES:
        raise InvalidInput(f"A user has at most {MAX_ATTRIBUTES} attributes.")
    for name, value in attributes.items():
        if not _ATTRIBUTE.fullmatch(name):
            raise InvalidInput(
                f"“{name[:80]}” cannot be the name of an attribute.",
                hint="Use letters, digits and _, beginning with a letter.",
            )
        if len(value) > ATTRIBUTE_MAX_CHARS or has_binary(value):
            raise InvalidInput(f"The value of “{name}” is too long, or not text.")
    return dict(attributes)


def _keep_an_owner(users: list[User], changed: User, role: Role, *, is_active: bool) -> None:
    others = any(
        u.role is Role.OWNER and u.is_active for u in users if u.user_id != changed.user_id
    )
    if changed.role is Role.OWNER and not others and not (role is Role.OWNER and is_active):
        raise Conflict("An organization needs an owner.", hint="Make somebody else owner first.")
