"""What browser tests do on the pages, in the words of a person."""

from __future__ import annotations

import re
from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.fixtures.app import RunningApp

QUESTION = "Which carrier has the worst average arrival delay?"
ANSWER_MS = 30_000
IGNORED = (
    "Disconnect",  # Reflex tells the console about its own connection
    "Failed to load resource: the server responded with a status of 401",  # a refused sign-in
    "Failed to load resource: the server responded with a status of 404",  # an unknown page
    "net::ERR_CONNECTION_REFUSED",  # the server is being restarted
)


class Visitor:
    """A browser window, with everything that went wrong in its console."""

    def __init__(self, page: Page, app: RunningApp) -> None:
        self.page = page
        self.app = app
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._heard)

    def _heard(self, message: Any) -> None:
        text = f"{message.type}: {message.text}"
        if message.type in ("error", "warning") and not any(part in text for part in IGNORED):
            self.errors.append(text)

    def open(self, path: str) -> None:
        self.page.goto(self.app.url + path)

    def sign_in(self, email: str = "", password: str = "") -> None:
        self.page.get_by_label("Email").fill(email or self.app.admin_email)
        self.page.get_by_label("Password", exact=True).fill(password or self.app.admin_password)
        self.page.get_by_role("button", name="Sign in").click()

    def sign_in_by_cookie(self) -> None:
        """A signed-in browser without the form, for tests about other things."""
        answer = self.page.request.post(
            f"{self.app.url}/api/v1/auth/login",
            data={"email": self.app.admin_email, "password": self.app.admin_password},
        )
        assert answer.status == 200

    def new_chat(self) -> None:
        self.open("/chat")
        expect(self.page.get_by_role("heading", name="is ready")).to_be_visible(timeout=15_000)

    def ask(self, question: str = QUESTION) -> Locator:
        """Ask, and wait until the question is in the thread."""
        box = self.page.get_by_test_id("question")
        box.fill(question)
        box.press("Control+Enter")
        self.page.wait_for_url(re.compile(r"/chat/\w+"), timeout=15_000)
        turn = self.page.get_by_test_id("turn").last
        expect(turn.get_by_role("heading", name=question)).to_be_visible()
        return turn

    def ask_and_wait(self, question: str = QUESTION) -> Locator:
        turn = self.ask(question)
        expect(turn.get_by_test_id("answer")).to_be_visible(timeout=ANSWER_MS)
        return turn


def another_tab(context: BrowserContext, app: RunningApp, path: str) -> Visitor:
    visitor = Visitor(context.new_page(), app)
    visitor.open(path)
    return visitor
