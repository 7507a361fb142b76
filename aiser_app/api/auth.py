"""Setup, sign-in, sign-out, and who one is."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from aiser_app.api.dependencies import CurrentActor, CurrentClient, GivenServices
from aiser_app.api.schemas import LoginBody, Me, SetupBody, SetupStatus
from aiser_app.api.session_cookie import clear_session, session_token, set_session
from aiser_app.domain.actor import Actor

router = APIRouter(prefix="/auth", tags=["auth"])


@router.post("/login")
def login(
    body: LoginBody,
    request: Request,
    response: Response,
    given: GivenServices,
    client: CurrentClient,
) -> Me:
    """Begin a session. The cookie is always new, and ends the session that the browser had."""
    signed_in = given.accounts.sign_in(email=body.email, password=body.password, client=client)
    _end_former(request, given)
    set_session(response, signed_in, given.settings)
    return me_view(signed_in.actor)


@router.post("/logout", status_code=204)
def logout(request: Request, response: Response, given: GivenServices) -> None:
    """End the session; also right when there is none."""
    _end_former(request, given)
    clear_session(response, given.settings)


@router.get("/me")
def me(actor: CurrentActor) -> Me:
    return me_view(actor)


@router.get("/setup")
def setup_status(given: GivenServices) -> SetupStatus:
    """Whether somebody owns this installation yet."""
    return SetupStatus(is_set_up=given.accounts.is_set_up())


@router.post("/setup", status_code=201)
def set_up(
    body: SetupBody,
    request: Request,
    response: Response,
    given: GivenServices,
    client: CurrentClient,
) -> Me:
    """Make the first owner, with the token that was printed where Aiser was started."""
    signed_in = given.accounts.set_up(
        token=body.token,
        organization_name=body.organization_name,
        name=body.name,
        email=body.email,
        password=body.password,
        client=client,
    )
    _end_former(request, given)
    set_session(response, signed_in, given.settings)
    return me_view(signed_in.actor)


def me_view(actor: Actor) -> Me:
    return Me(
        user_id=actor.user_id,
        organization_id=actor.organization_id,
        organization_name=actor.organization_name,
        name=actor.name,
        email=actor.email,
        role=actor.role,
        permissions=sorted(actor.permissions),
    )


def _end_former(request: Request, given: GivenServices) -> None:
    token = session_token(request)
    if token:
        given.accounts.sign_out(token)
