"""The cookie that carries a session: out of reach of scripts, and of other sites' requests."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from aiser_app.config import Settings
from aiser_app.domain.person import SignedIn

COOKIE = "aiser_session"
KEEP_SECONDS = 400 * 24 * 3600
"""As long as browsers allow: when a session ends is decided by the server, at each use anew."""


def session_token(request: Request) -> str:
    """The token of the request's cookie; empty when there is none."""
    return request.cookies.get(COOKIE, "")


def set_session(response: Response, signed_in: SignedIn, settings: Settings) -> None:
    response.set_cookie(
        COOKIE,
        signed_in.session_token,
        max_age=KEEP_SECONDS,
        path="/",
        httponly=True,
        samesite="lax",
        secure=settings.secure_cookies,
    )


def clear_session(response: Response, settings: Settings) -> None:
    response.delete_cookie(
        COOKIE, path="/", httponly=True, samesite="lax", secure=settings.secure_cookies
    )
