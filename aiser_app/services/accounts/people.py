"""The users of an organization."""

from __future__ import annotations

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
from aiser_app.services.text_input import checked_email, checked_name, normal_email


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
    ) -> User:
        """Change what is given. Deactivating ends the user's sessions and stops their keys.

        Raises:
            Conflict: the organization would be left without an owner, or the actor locked out.
        """
        require(actor, Permission.USERS_MANAGE)
        with self._context.unit_of_work() as uow:
            users = uow.users.lock_all(actor.organization_id) if is_id(user_id) else []
            user = next((u for u in users if u.user_id == user_id), None)
            if user is None:
                raise NotFound("There is no such user.")
            new_role = user.role if role is None else checked_role(role)
            active = user.is_active if is_active is None else is_active
            if Role.OWNER in (user.role, new_role):
                require(actor, Permission.OWNERS_MANAGE)
            if user_id == actor.user_id and not active:
                raise Conflict("You cannot deactivate yourself.")
            _keep_an_owner(users, user, new_role, is_active=active)
            uow.users.change(actor.organization_id, user_id, role=new_role, is_active=active)
            if not active:
                uow.sessions.delete_of_user(actor.organization_id, user_id)
            uow.audit_events.add(
                self._event(actor, "user.changed", user, role=new_role, is_active=active)
            )
            uow.commit()
        self._context.cache.forget_user(user_id)
        return User(
            user_id=user.user_id,
            organization_id=user.organization_id,
            name=user.name,
            email=user.email,
            role=new_role,
            is_active=active,
            created_at=user.created_at,
        )

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


def _keep_an_owner(users: list[User], changed: User, role: Role, *, is_active: bool) -> None:
    others = any(
        u.role is Role.OWNER and u.is_active for u in users if u.user_id != changed.user_id
    )
    if changed.role is Role.OWNER and not others and not (role is Role.OWNER and is_active):
        raise Conflict("An organization needs an owner.", hint="Make somebody else owner first.")
