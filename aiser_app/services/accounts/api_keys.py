"""Keys for clients: a user's own, with the user's rights at the time of each request."""

from __future__ import annotations

from datetime import timedelta

from aiser_app.access.permissions import require
from aiser_app.db.identifiers import is_id, new_id
from aiser_app.db.repositories.audit_events import AuditEvent
from aiser_app.domain.actor import Actor
from aiser_app.domain.permission import Permission
from aiser_app.domain.person import ApiKey
from aiser_app.errors import Conflict, InvalidInput, NotFound, NotSignedIn
from aiser_app.services.accounts.context import AccountPart
from aiser_app.services.secret_text import API_KEY_SHOWN_CHARS, hash_token, new_api_key
from aiser_app.services.text_input import checked_name

MAX_DAYS = 3650
MAX_KEYS_PER_USER = 50


class ApiKeys(AccountPart):
    def create_api_key(
        self, actor: Actor, *, name: str, days: int | None = None
    ) -> tuple[ApiKey, str]:
        """The key and its secret, which cannot be read again. `days` None never ends by itself."""
        require(actor, Permission.API_KEYS_MANAGE)
        if days is not None and not 1 <= days <= MAX_DAYS:
            raise InvalidInput(f"A key lasts between 1 and {MAX_DAYS} days.")
        secret = new_api_key()
        now = self._context.now()
        key = ApiKey(
            api_key_id=new_id(),
            name=checked_name(name, "The key's name"),
            prefix=secret[:API_KEY_SHOWN_CHARS],
            created_at=now,
            expires_at=now + timedelta(days=days) if days else None,
            last_used_at=None,
        )
        with self._context.unit_of_work() as uow:
            uow.users.lock(actor.organization_id, actor.user_id)
            user = uow.users.find(actor.organization_id, actor.user_id)
            if user is None:
                raise NotSignedIn
            if len(uow.api_keys.list_all(actor.organization_id, user.user_id)) >= MAX_KEYS_PER_USER:
                raise Conflict(
                    f"You have {MAX_KEYS_PER_USER} keys already.", hint="Revoke one you do not use."
                )
            uow.api_keys.add(key, user=user, secret_hash=hash_token(secret))
            uow.audit_events.add(self._key_event(actor, "api_key.created", key))
            uow.commit()
        return key, secret

    def list_api_keys(self, actor: Actor) -> list[ApiKey]:
        """The actor's own, latest first, without secrets."""
        require(actor, Permission.API_KEYS_MANAGE)
        with self._context.unit_of_work() as uow:
            return uow.api_keys.list_all(actor.organization_id, actor.user_id)

    def revoke_api_key(self, actor: Actor, api_key_id: str) -> None:
        require(actor, Permission.API_KEYS_MANAGE)
        with self._context.unit_of_work() as uow:
            key = (
                uow.api_keys.revoke(
                    actor.organization_id, actor.user_id, api_key_id, self._context.now()
                )
                if is_id(api_key_id)
                else None
            )
            if key is None:
                raise NotFound("There is no such key.")
            uow.audit_events.add(self._key_event(actor, "api_key.revoked", key))
            uow.commit()
        self._context.cache.forget_user(actor.user_id)

    def _key_event(self, actor: Actor, kind: str, key: ApiKey) -> AuditEvent:
        return AuditEvent(
            organization_id=actor.organization_id,
            user_id=actor.user_id,
            kind=kind,
            subject=key.name,
            at=self._context.now(),
            detail={"api_key_id": key.api_key_id, "prefix": key.prefix},
        )
