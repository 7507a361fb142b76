"""Who sits behind a socket: the session cookie that came with its handshake, nothing else."""

from __future__ import annotations

import hashlib
from http.cookies import CookieError, SimpleCookie

import reflex as rx
from reflex.state import BaseState

from aiser_app.domain.actor import Actor
from aiser_app.ui.calls import call, services

COOKIE = "aiser_session"


def session_token(cookie_header: str) -> str:
    """The session token in a Cookie header, empty when there is none."""
    try:
        found = SimpleCookie(cookie_header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


async def actor_of(state: BaseState) -> Actor | None:
    """The signed-in person of the socket that this event came by, looked up for every event.

    Headers are set by the server at the handshake and cannot be sent with an event. The lookup is
    cached for seconds in the service, so that a revoked session ends at once for all practice.
    """
    token = session_token(state.router.headers.cookie)
    if not token:
        return None
    return await call(services().accounts.find_actor_by_session, token)


class OwnerState(rx.State):
    """Remembers for which session this tab's state was made. Nothing of it is sent out."""

    _session: str = ""


async def forget_stranger(state: BaseState) -> None:
    """Empty a tab's state before it is shown to anyone but the person it was made for.

    A tab keeps its token when one person signs out and another signs in, and the token alone, were
    it stolen, must not show anything either. Needs no lookup: it works while Postgres is away.
    """
    owner = await state.get_state(OwnerState)
    token = session_token(state.router.headers.cookie)
    session = hashlib.sha256(token.encode()).hexdigest()
    if owner._session == session:
        return
    if owner._session:
        state._get_root_state().reset()
    owner._session = session
