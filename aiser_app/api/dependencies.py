"""What endpoints ask for: the services, and who acts."""

from __future__ import annotations

from typing import Annotated

import anyio
from fastapi import Depends, Request

from aiser_app.api.client_address import client_address
from aiser_app.api.session_cookie import session_token
from aiser_app.bootstrap.web import Services, services
from aiser_app.domain.actor import Actor
from aiser_app.errors import NotSignedIn
from aiser_app.services.secret_text import API_KEY_PREFIX


def process_services() -> Services:
    return services()


async def given_services() -> Services:
    """Built once per process, which reads files and connects to nothing."""
    return process_services()


GivenServices = Annotated[Services, Depends(given_services)]


async def current_actor(request: Request, given: GivenServices) -> Actor:
    """Who acts: by the Authorization header if there is one, else by the session cookie.

    Whoever was here a moment ago is known without a thread or a question to the database.

    Raises:
        NotSignedIn: neither names anybody. A wrong key is not made good by a cookie.
    """
    header = request.headers.get("authorization")
    if header is None:
        actor = await _holder_of(given, session_token(request), is_key=False)
        if actor is None:
            raise NotSignedIn
        return actor
    scheme, _, secret = header.partition(" ")
    actor = None
    if scheme.lower() == "bearer":
        actor = await _holder_of(given, secret.strip(), is_key=True)
    if actor is None:
        raise NotSignedIn("This API key is not valid.", hint="It may be revoked or expired.")
    return actor


async def _holder_of(given: Services, token: str, *, is_key: bool) -> Actor | None:
    """Whose session or key it is; neither passes for the other."""
    if token.startswith(API_KEY_PREFIX) is not is_key:
        return None
    accounts = given.accounts
    find = accounts.find_actor_by_api_key if is_key else accounts.find_actor_by_session
    return accounts.recall_actor(token) or await anyio.to_thread.run_sync(find, token)


async def current_client(request: Request, given: GivenServices) -> str:
    return client_address(request, given.settings.trusted_proxy_hops)


CurrentActor = Annotated[Actor, Depends(current_actor)]
CurrentClient = Annotated[str, Depends(current_client)]
