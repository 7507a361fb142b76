"""The first owner: made once, by whoever reads the token in the terminal."""

from __future__ import annotations

from datetime import timedelta

from aiser_app.db.identifiers import new_id
from aiser_app.db.repositories.audit_events import AuditEvent
from aiser_app.domain.actor import Role
from aiser_app.domain.person import SignedIn, User
from aiser_app.errors import PermissionDenied
from aiser_app.services.accounts.context import AccountContext
from aiser_app.services.accounts.sessions import Sessions
from aiser_app.services.secret_text import (
    checked_password,
    hash_password,
    hash_token,
    new_setup_token,
    normal_setup_token,
)
from aiser_app.services.text_input import checked_email, checked_name

TOKEN_LIFETIME = timedelta(minutes=30)
WRONG_TRIES = 5
WINDOW_SECONDS = 15 * 60


class Setup(Sessions):
    def __init__(self, context: AccountContext) -> None:
        super().__init__(context)
        self._is_set_up = False

    def is_set_up(self) -> bool:
        """Whether an owner exists; once true it stays true."""
        if not self._is_set_up:
            with self._context.unit_of_work() as uow:
                self._is_set_up = uow.organizations.has_owner()
        return self._is_set_up

    def issue_setup_token(self) -> str | None:
        """A new token, which makes older ones void; None when setup is over."""
        token = new_setup_token()
        now = self._context.now()
        with self._context.unit_of_work() as uow:
            uow.organizations.hold_setup_lock()
            if uow.organizations.has_owner():
                return None
            uow.setup_tokens.replace(
                hash_token(normal_setup_token(token)),
                created_at=now,
                expires_at=now + TOKEN_LIFETIME,
            )
            uow.commit()
        return token

    def check_setup_token(self, token: str, client: str) -> None:
        """Raises `PermissionDenied` for a wrong or old token, `TooManyAttempts` after five."""
        if self.is_set_up():
            raise _is_over()
        key = f"setup:{client}"
        self._context.throttle.count(
            key,
            limit=WRONG_TRIES,
            window_seconds=WINDOW_SECONDS,
            message="There were too many wrong setup tokens.",
        )
        with self._context.unit_of_work() as uow:
            is_valid = uow.setup_tokens.is_valid(
                hash_token(normal_setup_token(token)), self._context.now()
            )
        if not is_valid:
            raise _wrong_token()
        self._context.throttle.forgive(key)

    def set_up(
        self,
        *,
        token: str | None,
        organization_name: str,
        name: str,
        email: str,
        password: str,
        client: str,
    ) -> SignedIn:
        """Make the organization, its owner and the sample source, and sign the owner in.

        `token` None is for an unattended start only, by whoever can set the environment.

        Raises:
            PermissionDenied: the token is wrong or old, or there is an owner already.
        """
        if self.is_set_up():
            raise _is_over()
        if token is not None:
            self.check_setup_token(token, client)
        organization_name = checked_name(organization_name, "The organization's name")
        owner = User(
            user_id=new_id(),
            organization_id=new_id(),
            name=checked_name(name, "The name"),
            email=checked_email(email),
            role=Role.OWNER,
            is_active=True,
            created_at=self._context.now(),
        )
        password_hash = hash_password(checked_password(password, email=owner.email))
        signed_in = self._write(owner, organization_name, password_hash, token, client)
        self._is_set_up = True
        return signed_in

    def _write(
        self,
        owner: User,
        organization_name: str,
        password_hash: str,
        token: str | None,
        client: str,
    ) -> SignedIn:
        """All of it in one transaction, and one setup after the other."""
        sample = self._context.sources.prepare_sample(owner.organization_id)
        with self._context.unit_of_work() as uow:
            uow.organizations.hold_setup_lock()
            if uow.organizations.has_owner():
                raise _is_over()
            if token is not None and not uow.setup_tokens.is_valid(
                hash_token(normal_setup_token(token)), owner.created_at
            ):
                raise _wrong_token()
            uow.organizations.add(owner.organization_id, organization_name, owner.created_at)
            uow.users.add(owner, password_hash)
            if sample is not None:
                self._context.sources.write(uow, sample.source, sample.model, sample.catalog)
            uow.setup_tokens.delete_all()
            uow.audit_events.add(
                AuditEvent(
                    organization_id=owner.organization_id,
                    user_id=owner.user_id,
                    kind="organization.created",
                    subject=organization_name,
                    at=owner.created_at,
                    client=client,
                )
            )
            signed_in = self._begin(uow, owner, organization_name, client)
            uow.commit()
        return signed_in


def _is_over() -> PermissionDenied:
    return PermissionDenied("Aiser is set up already.", hint="Sign in instead.")


def _wrong_token() -> PermissionDenied:
    return PermissionDenied(
        "This setup token is not valid.",
        hint="It is printed where Aiser was started, lasts 30 minutes, and only the newest counts.",
    )
