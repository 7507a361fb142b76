"""The way of a person: sign in, ask, see how it was answered, come back to it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.e2e.pages import ANSWER_MS, QUESTION, Visitor, another_tab
from tests.fixtures.app import RunningApp

pytestmark = pytest.mark.e2e


def test_from_sign_in_to_a_proven_answer_and_back(
    visitor: Visitor, running_app: RunningApp, context: BrowserContext
) -> None:
    page = visitor.page
    visitor.open("/")
    page.wait_for_url(re.compile("/sign-in"))
    visitor.sign_in()
    expect(page.get_by_role("heading", name="is ready")).to_be_visible(timeout=15_000)

    turn = visitor.ask(QUESTION)
    expect(turn.get_by_test_id("steps").or_(turn.get_by_test_id("answer")).first).to_be_visible()
    expect(turn.get_by_test_id("answer")).to_be_visible(timeout=ANSWER_MS)
    expect(turn.get_by_test_id("headline")).to_contain_text("21.9 min")
    expect(turn.get_by_test_id("headline")).to_contain_text("Frontier")
    expect(turn.get_by_test_id("chart").locator("canvas")).to_be_visible()
    expect(turn.get_by_role("complementary", name="Proof")).to_contain_text("336,7")

    turn.get_by_role("tab", name="Table").click()
    grid = turn.get_by_test_id("grid")
    expect(grid.get_by_role("row").filter(has_text="Frontier")).to_contain_text("21.9")
    turn.get_by_role("tab", name="SQL").click()
    expect(turn.get_by_test_id("sql")).to_contain_text("AVG(flights.arr_delay)")
    turn.get_by_role("tab", name="Reasoning").click()
    expect(turn.get_by_role("tabpanel")).to_contain_text("Average arrival delay")

    said = turn.get_by_test_id("headline").inner_text()
    page.reload()
    expect(page.get_by_test_id("turn")).to_have_count(1)
    expect(page.get_by_test_id("headline")).to_have_text(said, use_inner_text=True)

    second = another_tab(context, running_app, page.url.removeprefix(running_app.url))
    expect(second.page.get_by_test_id("turn")).to_have_count(1)
    expect(second.page.get_by_test_id("headline")).to_have_text(said, use_inner_text=True)
    assert second.errors == []


def test_a_question_shows_at_once_in_both_tabs_and_once_in_each(
    member: Visitor, running_app: RunningApp, context: BrowserContext
) -> None:
    member.new_chat()
    member.ask_and_wait("How many flights were there?")
    second = another_tab(context, running_app, member.page.url.removeprefix(running_app.url))
    expect(second.page.get_by_test_id("answer")).to_be_visible()

    member.ask("Number of flights by month")
    for page in (member.page, second.page):
        expect(page.get_by_test_id("turn")).to_have_count(2)
        expect(page.get_by_test_id("answer")).to_have_count(2, timeout=ANSWER_MS)
        expect(page.get_by_role("heading", name="Number of flights by month")).to_have_count(1)


def test_an_unclear_question_is_asked_back_and_can_be_chosen(member: Visitor) -> None:
    member.new_chat()
    turn = member.ask("Which airport is the coolest?")
    card = turn.get_by_test_id("clarification")
    expect(card).to_be_visible(timeout=ANSWER_MS)
    expect(card).to_contain_text("coolest")
    chosen = card.get_by_role("button").first.inner_text().splitlines()[-1]
    card.get_by_role("button").first.click()

    expect(member.page.get_by_test_id("turn")).to_have_count(2)
    expect(member.page.get_by_test_id("turn").last).to_contain_text(chosen)
    expect(member.page.get_by_test_id("answer")).to_be_visible(timeout=ANSWER_MS)


def test_a_follow_up_chip_asks(member: Visitor) -> None:
    member.new_chat()
    turn = member.ask_and_wait("Number of flights by month")
    chip = turn.locator(".fu button").first
    text = chip.inner_text()
    chip.click()

    latest = member.page.get_by_test_id("turn").last
    expect(latest.get_by_role("heading", name=text, exact=True)).to_be_visible()
    expect(latest.get_by_test_id("answer")).to_be_visible(timeout=ANSWER_MS)


def test_a_suggested_question_of_the_start_is_answered(member: Visitor) -> None:
    member.new_chat()
    member.page.locator(".sq button").first.click()

    expect(member.page.get_by_test_id("answer")).to_be_visible(timeout=ANSWER_MS)


def test_chats_are_renamed_searched_deleted_and_brought_back(member: Visitor) -> None:
    page = member.page
    member.new_chat()
    member.ask_and_wait("How many flights were there?")
    page.get_by_role("button", name="Options of this chat").click()
    page.get_by_role("menuitem", name="Rename").click()
    field = page.get_by_role("textbox", name="Title of the chat")
    field.fill("Flights, counted")
    field.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Flights, counted")

    chats = page.get_by_role("navigation", name="Chats")
    page.get_by_role("searchbox").fill("counted")
    expect(chats.get_by_role("link")).to_have_count(1)
    address = page.url
    page.get_by_role("button", name="Options of this chat").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.wait_for_url("**/chat")
    expect(page.get_by_text("No chat has this in its title.")).to_be_visible()

    page.get_by_role("button", name="Undo").click()
    page.wait_for_url(address)
    expect(page.get_by_test_id("answer")).to_be_visible()


def test_the_field_for_a_new_name_keeps_the_focus_in_a_slow_browser(member: Visitor) -> None:
    """A menu hands the focus back in a timer; a busy browser runs it after the field has come."""
    page = member.page
    page.add_init_script(
        "const soon = window.setTimeout;"
        "window.setTimeout = (run, ms, ...rest) => soon(run, ms || 500, ...rest)"
    )
    member.new_chat()
    member.ask_and_wait("How many flights were there?")
    page.get_by_role("button", name="Options of this chat").click()
    page.get_by_role("menuitem", name="Rename").click()
    field = page.get_by_role("textbox", name="Title of the chat")
    expect(field).to_be_focused()
    page.wait_for_timeout(1_000)
    expect(field).to_be_focused()


def test_a_reload_in_the_middle_of_a_run_loses_and_doubles_nothing(member: Visitor) -> None:
    member.new_chat()
    member.ask(QUESTION)
    member.page.reload()

    expect(member.page.get_by_test_id("answer")).to_be_visible(timeout=ANSWER_MS)
    expect(member.page.get_by_test_id("turn")).to_have_count(1)


def test_stop_ends_a_run_that_waits(member: Visitor, running_app: RunningApp) -> None:
    """Both workers are busy with nothing: they are stopped, so that the run stays queued."""
    import os
    import signal

    workers = [pid for name, pid in running_app.pids().items() if name.startswith("worker")]
    member.new_chat()
    for pid in workers:
        os.kill(pid, signal.SIGSTOP)
    try:
        turn = member.ask(QUESTION)
        turn.get_by_role("button", name="Stop").click()
        expect(turn.get_by_test_id("stopped")).to_be_visible(timeout=10_000)
    finally:
        for pid in workers:
            os.kill(pid, signal.SIGCONT)
    turn.get_by_role("button", name="Run again").click()
    expect(member.page.get_by_test_id("answer")).to_be_visible(timeout=ANSWER_MS)


def test_sign_out_ends_here_and_in_the_other_tab(
    member: Visitor, running_app: RunningApp, context: BrowserContext
) -> None:
    member.new_chat()
    other = another_tab(context, running_app, "/chat")
    expect(other.page.get_by_role("heading", name="is ready")).to_be_visible()
    member.page.get_by_role("button", name="Account of").click()
    member.page.get_by_role("menuitem", name="Sign out").click()
    member.page.wait_for_url(re.compile("/sign-in"))

    other.page.get_by_test_id("question").fill(QUESTION)
    other.page.keyboard.press("Control+Enter")
    other.page.wait_for_url(re.compile("/sign-in"))
    member.open("/chat")
    member.page.wait_for_url(re.compile(r"/sign-in\?next=/chat"))
