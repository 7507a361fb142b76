"""From a thumb up to a verified query, its evaluation, and the answer that says who has checked it."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.pages import Visitor
from tests.e2e.test_accessible_pages import violations
from tests.fixtures.app import RunningApp

pytestmark = pytest.mark.e2e

ASKED = "Average departure delay by origin"
IN_OTHER_WORDS = "by origin: average departure delays"


def test_a_liked_answer_becomes_a_verified_query_and_a_case(member: Visitor) -> None:
    page = member.page
    member.new_chat()
    turn = member.ask_and_wait(ASKED)
    up = turn.get_by_role("button", name="Right: propose to verify it")
    up.click()
    expect(up).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(up).to_have_attribute("aria-pressed", "true", timeout=15_000)

    page.get_by_role("link", name="Evaluation", exact=True).click()
    proposals = page.get_by_test_id("proposals")
    expect(proposals).to_contain_text(ASKED)
    proposals.get_by_role("listitem").filter(has_text=ASKED).get_by_role(
        "button", name="Approve"
    ).click()
    expect(page.get_by_test_id("announcement")).to_contain_text("Verified:")
    page.get_by_role("button", name="Run evaluation").click()
    row = page.get_by_test_id("cases").get_by_role("row").filter(has_text=ASKED)
    expect(row).to_contain_text("Right", timeout=60_000)
    assert violations(page) == []

    member.new_chat()
    answer = member.ask_and_wait(IN_OTHER_WORDS)
    expect(answer.get_by_test_id("verified")).to_contain_text("Verified by")

    page.get_by_role("link", name="Evaluation", exact=True).click()
    row.get_by_role("button", name=f"Options of {ASKED}").click()
    page.get_by_role("menuitem", name="Offer to beginners").click()
    expect(page.get_by_test_id("announcement")).to_contain_text("Offered to beginners")
    member.new_chat()
    expect(page.get_by_role("button", name=ASKED).first).to_be_visible()
    page.get_by_role("link", name="Evaluation", exact=True).click()
    row.get_by_role("button", name=f"Options of {ASKED}").click()
    page.get_by_role("menuitem", name="Retire").click()
    expect(page.get_by_test_id("announcement")).to_contain_text("Retired")


def test_on_a_phone_nothing_is_wider_than_the_screen(
    browser: Browser, running_app: RunningApp
) -> None:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    visitor = Visitor(context.new_page(), running_app)
    visitor.sign_in_by_cookie()
    visitor.open("/evaluation")
    expect(visitor.page.get_by_role("heading", level=1)).to_have_text("Evaluation")
    assert visitor.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert visitor.errors == []
    context.close()
