"""Signing in and out, and finding who acts from what a request carries."""

from __future__ import annotations

import logging
from datetime import timedelta

from aiser_app.db.repositories.audit_events import AuditEvent
from aiser_app.db.unit_of_work import UnitOfWork
from aiser_app.domain.actor import Actor
from aiser_app.domain.person import SignedIn, User
from aiser_app.errors import SignInRefused
from aiser_app.services.accounts.context import AccountPart, actor_of
from aiser_app.services.secret_text import (
    API_KEY_PREFIX,
    hash_password,
    hash_token,
    is_password,
    needs_rehash,
    new_session_token,
)
from aiser_app.services.text_input import EMAIL_MAX_CHARS, has_binary, normal_email

log = logging.getLogger(__name__)

WRONG_TRIES = 5
WINDOW_SECONDS = 15 * 60
TRIES_PER_CLIENT = 600
"""Of all emails together, good tries included: an office behind one address passes, a list of
leaked passwords does not."""
USE_RECORDED_EVERY = timedelta(minutes=1)
"""A session or key in use writes that down this often, not at every request."""
TOKEN_MAX_CHARS = 200


class Sessions(AccountPart):
    def sign_in(self, *, email: str, password: str, client: str) -> SignedIn:
        """Begin a session with a new token; what the browser held before does not matter.

        Raises:
            SignInRefused: unknown, inactive or wrong; takes equally long and says the same.
            TooManyAttempts: too many wrong tries for this email from this client.
        """
        address = normal_email(email)[: EMAIL_MAX_CHARS + 1]
        key = f"sign-in:{address}:{client}"
        message = "There were too many tries to sign in."
        throttle = self._context.throttle
        throttle.count(
            f"sign-in-client:{client}",
            limit=TRIES_PER_CLIENT,
            window_seconds=WINDOW_SECONDS,
            message=message,
        )
        throttle.count(key, limit=WRONG_TRIES, window_seconds=WINDOW_SECONDS, message=message)
        with self._context.unit_of_work() as uow:
            known = None if has_binary(address) else uow.users.find_credentials(address)
        is_right = is_password(known.password_hash if known else None, password)
        if known is None or not is_right or not known.user.is_active:
            self._record_refusal(known.user if known else None, client)
            raise SignInRefused(
                "Email and password do not match.", hint="Check both, and whether Caps Lock is on."
            )
        throttle.forgive(key)
        with self._context.unit_of_work() as uow:
            if needs_rehash(known.password_hash):
                uow.users.change_password_hash(
                    known.user.organization_id, known.user.user_id, hash_password(password)
                )
            uow.sessions.delete_expired(self._context.now())
            signed_in = self._begin(uow, known.user, known.organization_name, client)
            uow.commit()
        return signed_in

    def sign_out(self, session_token: str) -> None:
        """End the session; also right when it has ended already."""
        token_hash = hash_token(session_token)
        with self._context.unit_of_work() as uow:
            holder = uow.sessions.find_holder(token_hash)
            if holder is not None:
                uow.sessions.delete(token_hash)
                uow.audit_events.add(
                    AuditEvent(
                        organization_id=holder.user.organization_id,
                        user_id=holder.user.user_id,
                        kind="session.ended",
                        subject=holder.user.email,
                        at=self._context.now(),
                    )
                )
                uow.commit()
        self._context.cache.forget(token_hash)

    def recall_actor(self, token: str) -> Actor | None:
        """Who held this session or key a moment ago, if that is still known; asks no store.

        The two are told apart by their beginnings; it is for the caller to say which it takes.
        """
        if not 0 < len(token) <= TOKEN_MAX_CHARS:
            return None
        return self._context.cache.find(hash_token(token))

    def find_actor_by_session(self, session_token: str) -> Actor | None:
        """Whose session it is, if it lasts; using it makes it last longer."""
        if not 0 < len(session_token) <= TOKEN_MAX_CHARS:
            return None
        token_hash = hash_token(session_token)
        cached = self._context.cache.find(token_hash)
        if cached is not None:
            return cached
        now = self._context.now()
        with self._context.unit_of_work() as uow:
            holder = uow.sessions.find_holder(token_hash)
            if holder is None or holder.expires_at <= now or not holder.user.is_active:
                return None
            if now - holder.last_used_at >= USE_RECORDED_EVERY:
                uow.sessions.extend(
                    token_hash, now=now, expires_at=now + self._context.session_lifetime
                )
                uow.commit()
        actor = actor_of(holder.user, holder.organization_name)
        left = (holder.expires_at - now).total_seconds()
        self._context.cache.put(token_hash, actor, left)
        return actor

    def find_actor_by_api_key(self, secret: str) -> Actor | None:
        """Whose key it is, if it is in force."""
        if not secret.startswith(API_KEY_PREFIX) or len(secret) > TOKEN_MAX_CHARS:
            return None
        secret_hash = hash_token(secret)
        cached = self._context.cache.find(secret_hash)
        if cached is not None:
            return cached
        now = self._context.now()
        with self._context.unit_of_work() as uow:
            holder = uow.api_keys.find_holder(secret_hash)
            if holder is None or not holder.user.is_active:
                return None
            key = holder.api_key
            if key.expires_at is not None and key.expires_at <= now:
                return None
            if key.last_used_at is None or now - key.last_used_at >= USE_RECORDED_EVERY:
                uow.api_keys.record_use(holder.user.organization_id, key.api_key_id, now)
                uow.commit()
        actor = actor_of(holder.user, holder.organization_name, by_api_key=True)
        left = (key.expires_at - now).total_seconds() if key.expires_at else float("inf")
        self._context.cache.put(secret_hash, actor, left)
        return actor

    def _begin(self, uow: UnitOfWork, user: User, organization_name: str, client: str) -> SignedIn:
        token = new_session_token()
        now = self._context.now()
        expires_at = now + self._context.session_lifetime
        uow.sessions.add(
            token_hash=hash_token(token),
            organization_id=user.organization_id,
            user_id=user.user_id,
            created_at=now,
            expires_at=expires_at,
        )
        uow.audit_events.add(
            AuditEvent(
                organization_id=user.organization_id,
                user_id=user.user_id,
                kind="session.started",
                subject=user.email,
                at=now,
                client=client,
            )
        )
        return SignedIn(
            actor=actor_of(user, organization_name), session_token=token, expires_at=expires_at
        )

    def _record_refusal(self, user: User | None, client: str) -> None:
        log.warning("sign_in_refused", extra={"client": client})
        if user is None:
            return
        with self._context.unit_of_work() as uow:
            uow.audit_events.add(
                AuditEvent(
                    organization_id=user.organization_id,
                    user_id=None,
                    kind="session.refused",
                    subject=user.email,
                    at=self._context.now(),
                    client=client,
                )
            )
            uow.commit()
