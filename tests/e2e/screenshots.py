"""Renews docs/images: `python -m tests.e2e.screenshots` (by `make screenshots`).

Starts an installation of its own, asks real questions, and photographs the pages in light and dark
at 1440 by 900, and two of them on a phone.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.e2e.pages import QUESTION, Visitor
from tests.fixtures.app import RunningApp
from tests.fixtures.browser import ARGUMENTS, HOW_TO, find_browser

IMAGES = Path(__file__).parents[2] / "docs" / "images"
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
OWNER = {"name": "Mara Lindqvist", "organization_name": "Harbor Air"}
EMAIL, PASSWORD = "mara.lindqvist@harborair.example", "correct horse battery"


def main() -> int:
    """Take them all; returns the exit status."""
    executable = find_browser()
    if executable is None:
        print(HOW_TO, file=sys.stderr)
        return 1
    IMAGES.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="aiser-shots-", dir="/tmp"))
    folder.chmod(0o711)
    app = RunningApp(folder, AISER_ADMIN_EMAIL="", AISER_ADMIN_PASSWORD="")
    try:
        app.start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=str(executable), args=ARGUMENTS)
            take_all(browser, app)
            browser.close()
    finally:
        app.remove()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def take_all(browser: Browser, app: RunningApp) -> None:
    token = re.search(r"/setup\?token=(\S+)", app.output())
    assert token is not None, "the set-up link was not printed"
    for scheme in ("light", "dark"):
        context = browser.new_context(viewport=DESKTOP, color_scheme=scheme)
        photograph_setup(Visitor(context.new_page(), app), scheme)
        context.close()
    own(browser, app, token.group(1))
    for scheme in ("light", "dark"):
        context = signed_in(browser, app, DESKTOP, scheme)
        photograph_chat(Visitor(context.new_page(), app), scheme)
        context.close()
        context = browser.new_context(viewport=DESKTOP, color_scheme=scheme)
        photograph_sign_in(Visitor(context.new_page(), app), f"sign-in-{scheme}")
        context.close()
        context = signed_in(browser, app, PHONE, scheme)
        photograph_phone(Visitor(context.new_page(), app), scheme)
        context.close()


def own(browser: Browser, app: RunningApp, token: str) -> None:
    context = browser.new_context()
    answer = context.request.post(
        f"{app.url}/api/v1/auth/setup",
        data={**OWNER, "token": token, "email": EMAIL, "password": PASSWORD},
        timeout=120_000,
    )
    assert answer.status == 201, answer.text()
    context.close()


def signed_in(
    browser: Browser, app: RunningApp, viewport: dict[str, int], scheme: str
) -> BrowserContext:
    context = browser.new_context(
        viewport=viewport,  # type: ignore[arg-type]
        color_scheme=scheme,  # type: ignore[arg-type]
        device_scale_factor=2 if viewport is PHONE else 1,
    )
    answer = context.request.post(
        f"{app.url}/api/v1/auth/login", data={"email": EMAIL, "password": PASSWORD}
    )
    assert answer.status == 200
    return context


def save(page: Page, name: str) -> None:
    page.evaluate("document.fonts.ready")
    page.wait_for_timeout(700)  # charts and transitions come to rest
    page.screenshot(path=IMAGES / f"{name}.png")
    print(f"docs/images/{name}.png")


def photograph_setup(visitor: Visitor, scheme: str) -> None:
    visitor.open("/setup")
    expect(visitor.page.get_by_label("One-time token")).to_be_visible()
    expect(visitor.page.get_by_text("ready").first).to_be_visible()
    save(visitor.page, f"setup-{scheme}")


def photograph_sign_in(visitor: Visitor, name: str) -> None:
    visitor.open("/sign-in")
    visitor.page.get_by_label("Email").fill(EMAIL)
    visitor.page.get_by_label("Password", exact=True).fill(PASSWORD)
    save(visitor.page, name)


def photograph_chat(visitor: Visitor, scheme: str) -> None:
    visitor.new_chat()
    save(visitor.page, f"chat-empty-{scheme}")
    turn = visitor.ask_and_wait(QUESTION)
    expect(turn.get_by_test_id("chart").locator("canvas")).to_be_visible()
    save(visitor.page, f"chat-answer-{scheme}")
    turn.get_by_role("tab", name="SQL").click()
    save(visitor.page, f"chat-sql-{scheme}")
    turn.get_by_role("tab", name="Table").click()
    save(visitor.page, f"chat-table-{scheme}")
    turn.get_by_role("tab", name="Reasoning").click()
    save(visitor.page, f"chat-reasoning-{scheme}")
    visitor.new_chat()
    turn = visitor.ask("Which airport is the coolest?")
    expect(turn.get_by_test_id("clarification")).to_be_visible(timeout=30_000)
    save(visitor.page, f"chat-clarify-{scheme}")


def photograph_phone(visitor: Visitor, scheme: str) -> None:
    visitor.new_chat()
    turn = visitor.ask_and_wait(QUESTION)
    expect(turn.get_by_test_id("chart").locator("canvas")).to_be_visible()
    save(visitor.page, f"chat-answer-phone-{scheme}")


if __name__ == "__main__":
    sys.exit(main())
