"""Set-up, sign-in, and addresses that lead nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.pages import ANSWER_MS, QUESTION, Visitor
from tests.fixtures.app import RunningApp

pytestmark = pytest.mark.e2e


@pytest.fixture
def fresh_app(app_folder: Path) -> Iterator[RunningApp]:
    """An installation that nobody owns yet."""
    (app_folder / "fresh").mkdir()
    app = RunningApp(app_folder / "fresh", AISER_ADMIN_EMAIL="", AISER_ADMIN_PASSWORD="")
    try:
        app.start()
        yield app
    finally:
        app.remove()


def test_set_up_by_the_printed_link_leads_to_the_first_answer(
    page: Page, fresh_app: RunningApp
) -> None:
    visitor = Visitor(page, fresh_app)
    visitor.open("/chat")
    page.wait_for_url("**/setup")
    page.get_by_label("One-time token").fill("AAAA-BBBB-CCCC-DDDD")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_be_visible()

    link = re.search(r"/setup\?token=\S+", fresh_app.output())
    assert link is not None
    visitor.open(link.group())
    expect(page.get_by_role("heading", name="First admin")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_label("Your name").fill("Ada Lovelace")
    page.get_by_label("Organization").fill("Harbor Air")
    page.get_by_label("Email").fill("ada@harbor.example")
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_role("button", name="Create and open the chat").click()
    expect(page.get_by_test_id("form-problem")).to_contain_text("10")
    page.get_by_label("Password", exact=True).fill("correct horse battery")
    page.get_by_role("button", name="Create and open the chat").click()

    page.wait_for_url("**/chat", timeout=60_000)
    expect(page.get_by_text("Harbor Air")).to_be_visible(timeout=15_000)
    visitor.ask(QUESTION)
    expect(page.get_by_test_id("headline")).to_contain_text("21.9 min", timeout=ANSWER_MS)

    page.context.clear_cookies()
    visitor.open("/setup")
    page.wait_for_url(re.compile("/sign-in"))
    assert [e for e in visitor.errors if "422" not in e] == []


def test_a_wrong_password_is_told_and_keeps_the_email(visitor: Visitor) -> None:
    visitor.open("/sign-in")
    visitor.sign_in(password="wrong")

    expect(visitor.page.get_by_test_id("form-problem")).to_contain_text("do not match")
    expect(visitor.page.get_by_label("Email")).to_have_value(visitor.app.admin_email)


def test_empty_fields_are_told_before_anything_is_sent(visitor: Visitor) -> None:
    visitor.open("/sign-in")
    visitor.page.get_by_role("button", name="Sign in").click()

    expect(visitor.page.get_by_test_id("form-problem")).to_contain_text("Email is empty")
    expect(visitor.page.get_by_label("Email")).to_be_focused()


def test_sign_in_leads_back_to_the_page_that_was_asked_for(visitor: Visitor) -> None:
    visitor.open("/chat/0123456789abcdef0123456789abcdef")
    visitor.page.wait_for_url(re.compile("/sign-in"))
    visitor.sign_in()

    visitor.page.wait_for_url("**/chat/0123456789abcdef0123456789abcdef")
    expect(visitor.page.get_by_test_id("missing")).to_be_visible()


@pytest.mark.parametrize(
    "next_path", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:x"]
)
def test_sign_in_never_leads_to_another_site(visitor: Visitor, next_path: str) -> None:
    visitor.open(f"/sign-in?next={next_path}")
    visitor.sign_in()

    visitor.page.wait_for_url(f"{visitor.app.url}/chat")


def test_an_unknown_address_has_a_way_out(visitor: Visitor) -> None:
    visitor.open("/no/such/page")

    expect(visitor.page.get_by_role("heading", name="There is no page here")).to_be_visible()
    visitor.page.get_by_role("link", name="Open the chat").click()
    visitor.page.wait_for_url(re.compile("/sign-in"))


def test_who_is_signed_in_is_led_past_the_sign_in_page(member: Visitor) -> None:
    member.open("/sign-in")

    member.page.wait_for_url("**/chat")
