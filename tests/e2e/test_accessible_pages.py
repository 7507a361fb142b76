"""Nothing serious for axe on any page, in light and dark."""

from __future__ import annotations

import json
import re
from importlib.resources import files

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.pages import ANSWER_MS, Visitor
from tests.fixtures.app import RunningApp

pytestmark = pytest.mark.e2e

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page) -> list[str]:
    """What axe finds, as one line per rule and place."""
    source = (files("axe_playwright_python") / "axe.min.js").read_text()
    page.evaluate(source)
    found = page.evaluate(
        "rules => axe.run(document, {runOnly: {type: 'tag', values: rules}})", RULES
    )
    return [
        f"{item['impact']} {item['id']}: {json.dumps(node['target'])} {node['html'][:120]}"
        for item in found["violations"]
        for node in item["nodes"]
    ]


@pytest.fixture(params=["light", "dark"])
def visitor(request: pytest.FixtureRequest, browser: Browser, running_app: RunningApp):
    context = browser.new_context(
        color_scheme=request.param, viewport={"width": 1440, "height": 900}, reduced_motion="reduce"
    )
    context.add_init_script("addEventListener('load', () => 0)")
    yield Visitor(context.new_page(), running_app)
    context.close()


def test_before_sign_in(visitor: Visitor) -> None:
    for path, heading in (("/sign-in", "Sign in"), ("/nowhere", "There is no page here")):
        visitor.open(path)
        expect(visitor.page.get_by_role("heading", name=heading)).to_be_visible()
        assert violations(visitor.page) == []


def test_the_chat(visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in_by_cookie()
    visitor.new_chat()
    assert violations(page) == []
    turn = visitor.ask_and_wait()
    expect(turn.get_by_test_id("chart").locator("canvas")).to_be_visible()
    for tab in ("Chart", "Table", "SQL", "Reasoning"):
        turn.get_by_role("tab", name=tab).click()
        if tab == "Table":
            expect(turn.get_by_test_id("grid").get_by_role("row").nth(2)).to_be_visible()
        assert violations(page) == [], tab

    turn = visitor.ask("Which airport is the coolest?")
    expect(turn.get_by_test_id("clarification")).to_be_visible(timeout=ANSWER_MS)
    assert violations(page) == []
    page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert violations(page) == []


def test_each_page_has_one_heading_a_title_and_a_way_to_its_content(visitor: Visitor) -> None:
    page = visitor.page
    visitor.sign_in_by_cookie()
    visitor.new_chat()
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page).to_have_title(re.compile("Aiser"))
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.locator("body").press("Tab")
    page.evaluate("document.activeElement.blur()")
    skip = page.get_by_role("link", name="Skip to the content")
    skip.focus()
    expect(skip).to_be_in_viewport()
    skip.press("Enter")
    expect(page.locator("#main")).to_be_focused()
