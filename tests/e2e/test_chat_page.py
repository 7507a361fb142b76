"""The chat page under the hand: keyboard, table, small screens, colours, trouble."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.pages import ANSWER_MS, QUESTION, Visitor
from tests.fixtures.app import RunningApp

pytestmark = pytest.mark.e2e


def test_the_whole_way_by_keyboard(member: Visitor) -> None:
    page = member.page
    member.new_chat()
    expect(page.get_by_test_id("question")).to_be_focused()
    page.keyboard.type(QUESTION)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("answer")).to_be_visible(timeout=ANSWER_MS)
    page.keyboard.press("Alt+2")
    expect(page.get_by_test_id("grid")).to_be_visible()
    page.get_by_role("tab", name="Table").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("sql")).to_be_visible()
    page.keyboard.press("n")
    page.wait_for_url("**/chat")
    expect(page.get_by_role("heading", level=1)).to_have_text("New chat")


def test_letters_in_a_field_are_letters(member: Visitor) -> None:
    member.new_chat()
    member.page.get_by_test_id("question").press_sequentially("n?[")

    expect(member.page.get_by_test_id("question")).to_have_value("n?[")
    expect(member.page.get_by_role("dialog")).to_have_count(0)


def test_shortcuts_are_listed_and_single_keys_can_be_switched_off(member: Visitor) -> None:
    page = member.page
    member.new_chat()
    page.get_by_role("heading", name="is ready").click()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    dialog.get_by_role("checkbox").uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.get_by_role("heading", name="is ready").click()
    page.keyboard.press("?")
    expect(dialog).to_be_hidden()


def test_the_rail_collapses_and_stays_so(member: Visitor) -> None:
    page = member.page
    member.new_chat()
    page.get_by_role("heading", name="is ready").click()
    page.keyboard.press("[")
    expect(page.get_by_role("searchbox")).to_be_hidden()
    page.reload()
    expect(page.get_by_role("heading", name="is ready")).to_be_visible()
    expect(page.get_by_role("searchbox")).to_be_hidden()


def test_the_table_sorts_and_scrolls_through_all_rows(member: Visitor) -> None:
    page = member.page
    member.new_chat()
    turn = member.ask_and_wait("Average departure delay by destination")
    turn.get_by_role("tab", name="Table").click()
    grid = turn.get_by_test_id("grid")
    expect(grid.get_by_role("row").nth(1)).to_be_visible()
    header = grid.get_by_role("columnheader").last
    header.click()
    expect(header).to_have_attribute("aria-sort", "ascending")
    with page.expect_response(re.compile(r"/api/v1/results/\w+\?.*sort=-")):
        header.click()
    expect(header).to_have_attribute("aria-sort", "descending")


def test_the_export_is_a_csv_file(member: Visitor) -> None:
    member.new_chat()
    turn = member.ask_and_wait()
    with member.page.expect_download() as found:
        turn.get_by_role("link", name="Export CSV").click()

    content = found.value.path().read_text()
    assert "Frontier Airlines Inc." in content
    assert len(content.splitlines()) == 17


def test_a_question_over_the_limit_is_told_before_it_is_sent(member: Visitor) -> None:
    member.new_chat()
    box = member.page.get_by_test_id("question")
    box.fill("why " * 1_100)

    expect(member.page.get_by_text("At most 4,000 are read")).to_be_visible()
    box.press("Enter")
    assert member.page.url.endswith("/chat")


def test_an_unknown_conversation_has_a_way_out(member: Visitor) -> None:
    member.open("/chat/nobody-knows-this")

    expect(member.page.get_by_test_id("missing")).to_be_visible()
    member.page.get_by_test_id("missing").get_by_role("link", name="New chat").click()
    expect(member.page.get_by_role("heading", name="is ready")).to_be_visible()


@pytest.fixture
def phone(browser: Browser, running_app: RunningApp):
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    visitor = Visitor(context.new_page(), running_app)
    visitor.sign_in_by_cookie()
    yield visitor
    assert visitor.errors == []
    context.close()


def test_on_a_phone_one_asks_and_finds_older_chats(phone: Visitor) -> None:
    page = phone.page
    phone.new_chat()
    phone.ask_and_wait()
    expect(page.get_by_test_id("chart").locator("canvas")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")

    rail = page.get_by_role("complementary", name="Workspace")
    expect(rail).to_be_hidden()
    page.get_by_role("button", name="Menu", exact=True).click()
    expect(rail).to_be_visible()
    expect(rail.get_by_role("link", name=QUESTION).first).to_be_visible()
    page.keyboard.press("Escape")
    expect(rail).to_be_hidden()
    page.get_by_role("button", name="Menu", exact=True).click()
    rail.get_by_role("link", name="Chat", exact=True).click()
    expect(page.get_by_role("heading", name="is ready")).to_be_visible()
    expect(rail).to_be_hidden()


@pytest.mark.parametrize(("scheme", "colour"), [("light", "rgb(255"), ("dark", "rgb(21")])
def test_colours_follow_the_system_from_the_first_paint(
    browser: Browser, running_app: RunningApp, scheme: str, colour: str
) -> None:
    context = browser.new_context(color_scheme=scheme)
    visitor = Visitor(context.new_page(), running_app)
    visitor.sign_in_by_cookie()
    visitor.page.add_init_script(
        "addEventListener('DOMContentLoaded', () => "
        "{ window.firstClass = document.documentElement.className })"
    )
    visitor.new_chat()

    assert scheme in visitor.page.evaluate("window.firstClass")
    shown = visitor.page.evaluate(
        "getComputedStyle(document.getElementById('main')).backgroundColor"
    )
    assert shown.startswith(colour)
    context.close()


def test_the_theme_is_chosen_by_hand_and_kept(member: Visitor) -> None:
    page = member.page
    member.new_chat()
    page.get_by_role("button", name=re.compile("^Theme: as the system")).click()
    page.get_by_role("button", name=re.compile("^Theme: light")).click()
    expect(page.locator("html")).to_have_class(re.compile("dark"))
    page.reload()
    expect(page.locator("html")).to_have_class(re.compile("dark"))


def test_the_page_says_what_is_down_and_goes_on_when_it_is_back(
    page: Page, running_app: RunningApp
) -> None:
    """Redis is held, not killed, so that it is down for as long as the test looks."""
    import os
    import signal

    visitor = Visitor(page, running_app)
    visitor.sign_in_by_cookie()
    visitor.new_chat()
    redis = running_app.pids()["redis-1"]
    os.kill(redis, signal.SIGSTOP)
    try:
        page.get_by_test_id("question").fill("How many flights were there?")
        page.get_by_test_id("question").press("Enter")
        expect(page.get_by_test_id("banner")).to_contain_text("Redis", timeout=40_000)
    finally:
        os.kill(redis, signal.SIGCONT)
    expect(page.get_by_test_id("banner")).to_be_empty(timeout=30_000)
    visitor.new_chat()
    visitor.ask_and_wait("Number of flights by month")


@pytest.mark.parametrize("answers", [True, False])
def test_the_banner_says_what_is_known_and_no_more(member: Visitor, answers: bool) -> None:
    """Without Postgres nobody knows the state of its tables; without an answer, of anything."""
    page = member.page
    failing = [{"name": name, "ok": False, "hint": ""} for name in ("database", "migrations")]

    def ready(route: Route) -> None:
        if answers:
            route.fulfill(status=503, json={"checks": failing})

    page.clock.install()
    page.route("**/readyz", ready)
    member.new_chat()
    page.clock.fast_forward(21_000)
    page.clock.fast_forward(10_000)
    said = "Postgres does not answer." if answers else "Aiser does not answer."
    expect(page.get_by_test_id("banner")).to_contain_text(said)
    expect(page.get_by_test_id("banner")).not_to_contain_text("schema")
    member.errors.clear()
