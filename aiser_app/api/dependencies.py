"""What endpoints ask for: the services, and who acts."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from aiser_app.api.client_address import client_address
from aiser_app.api.session_cookie import session_token
from aiser_app.bootstrap.web import Services, services
from aiser_app.domain.actor import Actor
from aiser_app.errors import NotSignedIn


def given_services() -> Services:
    return services()


GivenServices = Annotated[Services, Depends(given_services)]


def current_actor(request: Request, given: GivenServices) -> Actor:
    """Who acts: by the Authorization header if there is one, else by the session cookie.

    Raises:
        NotSignedIn: neither names anybody. A wrong key is not made good by a cookie.
    """
    header = request.headers.get("authorization")
    if header is not None:
        scheme, _, secret = header.partition(" ")
        actor = None
        if scheme.lower() == "bearer":
            actor = given.accounts.find_actor_by_api_key(secret.strip())
        if actor is None:
            raise NotSignedIn("This API key is not valid.", hint="It may be revoked or expired.")
        return actor
    actor = given.accounts.find_actor_by_session(session_token(request))
    if actor is None:
        raise NotSignedIn
    return actor


def current_client(request: Request, given: GivenServices) -> str:
    return client_address(request, given.settings.trusted_proxy_hops)


CurrentActor = Annotated[Actor, Depends(current_actor)]
CurrentClient = Annotated[str, Depends(current_client)]
