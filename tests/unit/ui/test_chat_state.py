import asyncio
from collections.abc import AsyncIterator

import pytest

from aiser_app.domain.run import RunStatus
from aiser_app.ui.chat import state as chat_state
from aiser_app.ui.chat.state import ChatState
from aiser_app.ui.shell.state import ShellState
from tests.unit.ui import examples as ex
from tests.unit.ui.conftest import FakeServices
from tests.unit.ui.tabs import Tab, browser


@pytest.fixture
async def tabs(fake: FakeServices, monkeypatch) -> AsyncIterator[object]:
    monkeypatch.setattr(chat_state, "FLUSH_SECONDS", 0.02)
    monkeypatch.setattr(chat_state, "LOOK_SECONDS", 0.3)
    monkeypatch.setattr(chat_state, "RETRY_SECONDS", 0.05)
    async with browser() as make:
        yield make


def turns(tab: Tab) -> list:
    return [*(tab.var(ChatState, "settled") or []), *(tab.var(ChatState, "live") or [])]


def statuses(tab: Tab) -> list[str]:
    return [turn.status for turn in turns(tab)]


async def opened(tab: Tab, path: str) -> Tab:
    await tab.load(path)
    await tab.until(lambda: tab.var(ChatState, "is_loaded"))
    return tab


async def test_a_new_chat_shows_its_source_and_questions(tabs) -> None:
    tab = await opened(tabs(), "/chat")

    assert tab.var(ChatState, "source").facts == "5 tables, 367,687 rows."
    assert [item.shape for item in tab.var(ChatState, "suggestions")] == [
        "series",
        "ranking",
        "number",
    ]
    assert tab.var(ShellState, "title") == "New chat"


async def test_the_first_question_leads_to_its_conversation(tabs, fake) -> None:
    tab = await opened(tabs(), "/chat")
    await tab.fire(ChatState.ask, question="Number of flights?")
    await tab.until(lambda: tab.redirects)

    assert tab.redirects == ["/chat/new"]
    assert statuses(tab) == ["queued"]
    await opened(tab, "/chat/new")
    assert [turn.question for turn in turns(tab)] == ["Number of flights?"]


async def test_steps_appear_while_it_runs_and_the_answer_once(tabs, fake) -> None:
    fake.hold(ex.run("run1"))
    tab = await opened(tabs(), "/chat/c1")
    for seq, key in enumerate("ab", start=1):
        fake.feed.put(ex.step_event("run1", seq, key))
    await tab.until(lambda: [s.key for s in turns(tab)[0].steps] == ["a", "b"])
    assert tab.var(ChatState, "announcement") == "Step b"

    fake.hold(ex.run("run1", RunStatus.ANSWERED, answer=ex.answer()))
    fake.feed.put(ex.final_event("run1", 3))
    await tab.until(lambda: statuses(tab) == ["answered"])

    assert [turn.run_id for turn in turns(tab)] == ["run1"]
    assert tab.var(ChatState, "announcement").startswith("Answered. 21.9 min")


async def test_rows_never_enter_the_state(tabs, fake) -> None:
    fake.hold(ex.run("run1", RunStatus.ANSWERED, answer=ex.answer()))
    tab = await opened(tabs(), "/chat/c1")

    shown = turns(tab)[0]
    assert shown.result_id == "r1"
    assert "21.9" not in repr({**vars(shown), "headline": ""})


async def test_a_second_tab_sees_what_the_first_asks(tabs, fake) -> None:
    fake.hold(ex.run("run1", RunStatus.ANSWERED, answer=ex.answer()))
    first = await opened(tabs(), "/chat/c1")
    second = await opened(tabs(), "/chat/c1")
    await second.until(lambda: second.var(ChatState, "settled"))
    await first.fire(ChatState.ask, question="And by month?")

    await second.until(lambda: statuses(second) == ["answered", "queued"])
    fake.feed.put(ex.step_event("asked1", 1, "a"))
    for tab in (first, second):
        await tab.until(lambda tab=tab: statuses(tab) == ["answered", "running"])
        assert [turn.question for turn in turns(tab)].count("And by month?") == 1


async def test_turns_from_elsewhere_are_found_by_looking(tabs, fake) -> None:
    fake.hold(ex.run("run1", RunStatus.ANSWERED, answer=ex.answer()))
    tab = await opened(tabs(), "/chat/c1")
    fake.hold(ex.run("run2", RunStatus.QUEUED))

    await tab.until(lambda: statuses(tab) == ["answered", "queued"])


async def test_a_reload_takes_the_run_up_where_it_is(tabs, fake) -> None:
    fake.hold(ex.run("run1"))
    fake.feed.put(ex.step_event("run1", 1, "a"))
    tab = await opened(tabs(), "/chat/c1")
    await tab.until(lambda: turns(tab)[0].steps)
    tab.close()
    fake.feed.put(ex.step_event("run1", 2, "b"))

    again = await opened(tabs(), "/chat/c1")
    await again.until(lambda: [s.key for s in turns(again)[0].steps] == ["a", "b"])


async def test_a_lost_connection_ends_the_watching(tabs, fake) -> None:
    fake.hold(ex.run("run1"))
    tab = await opened(tabs(), "/chat/c1")
    await tab.until(lambda: fake.feed.open == 1)
    tab.close()

    await tab.until(lambda: fake.feed.open == 0)


async def test_leaving_for_another_conversation_ends_the_watching_of_the_first(tabs, fake) -> None:
    fake.hold(ex.run("run1"))
    fake.hold(ex.run("run2", conversation_id="c2"))
    tab = await opened(tabs(), "/chat/c1")
    await tab.until(lambda: fake.feed.open == 1)
    tab.path = "/chat/c2"
    await tab.send(
        "reflex___state____state.reflex___state____on_load_internal_state.on_load_internal"
    )

    await tab.until(lambda: [turn.run_id for turn in turns(tab)] == ["run2"])
    await tab.until(lambda: fake.feed.open == 1 and fake.feed.cursors[-1][0] == "run2")


async def test_stop_reaches_the_service(tabs, fake) -> None:
    fake.hold(ex.run("run1"))
    tab = await opened(tabs(), "/chat/c1")
    await tab.fire(ChatState.stop, run_id="run1")
    fake.hold(ex.run("run1", RunStatus.CANCELLED))

    assert fake.cancelled == ["run1"]
    await tab.until(lambda: statuses(tab) == ["cancelled"])


async def test_a_double_click_asks_once(tabs, fake) -> None:
    tab = await opened(tabs(), "/chat")
    for _ in range(3):
        await tab.fire(ChatState.ask, question="Number of flights?")

    assert fake.asked == ["Number of flights?"]


async def test_a_question_that_was_stopped_can_be_asked_again_at_once(tabs, fake) -> None:
    fake.hold(ex.run("run1", RunStatus.ANSWERED, answer=ex.answer()))
    tab = await opened(tabs(), "/chat/c1")
    await tab.fire(ChatState.ask, question="Number of flights?")
    stopped = ex.run(
        "asked1", RunStatus.CANCELLED, question="Number of flights?", conversation_id="c1"
    )
    fake.hold(stopped)
    await tab.fire(ChatState.stop, run_id="asked1")
    await tab.until(lambda: statuses(tab) == ["answered", "cancelled"])
    await tab.fire(ChatState.ask, question="Number of flights?")

    assert fake.asked == ["Number of flights?"] * 2


async def test_a_refused_question_is_told_and_asked_nowhere(tabs, fake) -> None:
    tab = await opened(tabs(), "/chat")
    await tab.fire(ChatState.ask, question="   ")

    assert tab.var(ChatState, "problem") == "The question is empty."
    assert fake.asked == []


@pytest.mark.parametrize("path", ["/chat/nobody", "/chat/" + "x" * 500, "/chat/%00"])
async def test_an_unknown_conversation_is_said_to_be_missing(tabs, path: str) -> None:
    tab = await opened(tabs(), path)

    assert tab.var(ChatState, "is_missing")
    assert turns(tab) == []


async def test_a_lost_store_is_told_and_the_page_goes_on_when_it_is_back(tabs, fake) -> None:
    from aiser_app.errors import ServiceUnavailable

    fake.hold(ex.run("run1"))
    fake.feed.failure = ServiceUnavailable("Redis does not answer.", hint="It comes back.")
    tab = await opened(tabs(), "/chat/c1")
    await tab.until(lambda: tab.var(ChatState, "is_store_down"))

    fake.hold(ex.run("run1", RunStatus.ANSWERED, answer=ex.answer()))
    fake.feed.put(ex.final_event("run1", 1))
    await tab.until(lambda: statuses(tab) == ["answered"])
    await tab.until(lambda: not tab.var(ChatState, "is_store_down"))
    assert tab.var(ChatState, "problem") == ""


async def test_a_session_that_ends_ends_the_watching(tabs, fake) -> None:
    fake.hold(ex.run("run1"))
    tab = await opened(tabs(), "/chat/c1")
    await tab.until(lambda: fake.feed.open == 1)
    fake.actors.clear()

    await tab.until(lambda: tab.redirects)
    assert tab.redirects[-1] == "/sign-in?next=/chat/c1"
    await tab.until(lambda: fake.feed.open == 0)


async def test_nobody_who_is_not_signed_in_sees_anything(tabs, fake) -> None:
    fake.hold(ex.run("run1", RunStatus.ANSWERED, answer=ex.answer()))
    tab = tabs(cookie="")
    await tab.load("/chat/c1")
    await tab.until(lambda: tab.redirects)
    await tab.fire(ChatState.ask, question="Hello?")
    await asyncio.sleep(0.05)

    assert turns(tab) == []
    assert fake.asked == []
    assert set(tab.redirects) == {"/sign-in?next=/chat/c1"}


async def test_steps_cost_few_updates(tabs, fake, monkeypatch) -> None:
    monkeypatch.setattr(chat_state, "FLUSH_SECONDS", 0.2)
    fake.hold(ex.run("run1"))
    tab = await opened(tabs(), "/chat/c1")
    before = len(tab.deltas)
    for seq in range(1, 101):
        fake.feed.put(ex.step_event("run1", seq, f"k{seq}"))
        await asyncio.sleep(0.002)
    await tab.until(lambda: len(turns(tab)[0].steps) == 100)

    assert len(tab.deltas) - before < 20
