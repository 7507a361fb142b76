"""State of the pages before sign-in. Its handlers are open to everyone and tell nothing secret."""

from __future__ import annotations

import reflex as rx

from aiser_app.errors import AiserError
from aiser_app.ui.calls import call, services
from aiser_app.ui.guard import public
from aiser_app.ui.identity import actor_of

TOKEN_CHARS = 64


class EntryState(rx.State):
    """Whether the workspace is set up, and how far set-up is."""

    host: str = ""
    token: str = ""
    step: int = 0
    """0: not known yet, 1: token, 2: first admin."""
    problem: str = ""
    problem_hint: str = ""

    @rx.event
    @public
    async def look(self):
        """Send people to where they belong: set-up, sign-in or the chat."""
        self.host = self.router.headers.host
        is_set_up = await call(services().accounts.is_set_up)
        path = self.router.url.path.rstrip("/")
        if not is_set_up:
            return None if path == "/setup" else rx.redirect("/setup")
        if await actor_of(self) is not None:
            return rx.redirect("/chat")
        return rx.redirect("/sign-in") if path == "/setup" else None

    @rx.event
    @public
    async def begin(self):
        """Take the token from the link that the server printed."""
        self.problem = ""
        self.step = 1
        given = self.router.url.query_parameters.get("token", "")
        if given:
            await self._check(given)

    @rx.event
    @public
    async def check(self, token: str):
        """Check a token that was typed or pasted."""
        await self._check(token)

    async def _check(self, token: str) -> None:
        self.problem = ""
        token = token.strip()[:TOKEN_CHARS]
        await call(services().accounts.check_setup_token, token, self.router.session.client_ip)
        self.token = token
        self.step = 2

    def _report(self, error: AiserError) -> None:
        self.problem = error.message
        self.problem_hint = error.hint or ""
        self.step = self.step or 1
