"""Twenty people ask at the same moment: each is answered, each sees the own turn, once, and no other."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from typing_extensions import override

from tests.fixtures.app import RunningApp
from tests.fixtures.reflex_client import ROOT, ReflexClient, sign_in

pytestmark = pytest.mark.e2e

QUESTIONS = (
    "How many flights were there?",
    "How many airports are there?",
    "How many airlines are there?",
    "How many planes are there?",
    "Number of flights by month",
    "Number of flights by carrier",
    "Number of flights by origin",
    "Number of planes by manufacturer",
    "Which carrier has the worst average arrival delay?",
    "Which carrier has the worst average departure delay?",
    "Average departure delay by month",
    "Average arrival delay by origin",
    "Average air time by carrier",
    "Average distance by origin",
    "Average seats by manufacturer",
    "Median arrival delay by carrier",
    "Maximum departure delay by carrier",
    "Minimum air time by carrier",
    "Total distance by carrier",
    "Top 5 destinations by number of flights",
)
PASSWORD = "a long enough password"
ASK = f"{ROOT}.aiser_app___ui___chat___state____chat_state.ask"
RUNNING = {"queued", "running"}
ALL_SECONDS = 60
"""For everything between the first socket and the last answer; far more than it takes."""


@dataclass(frozen=True)
class Person:
    """One of the twenty, and what they ask."""

    cookie: str
    question: str


@dataclass
class Tab(ReflexClient):
    """A tab that notes after each update how often it showed which turn."""

    base: str
    cookie: str
    path: str = "/chat"
    shown: list[Counter[str]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.base, cookie=self.cookie, origin=self.base, path=self.path)

    @property
    def turns(self) -> list[dict[str, Any]]:
        """All turns that the page shows now: the ended ones, then those still going."""
        return [
            *(self.var("chat_state", "settled") or []),
            *(self.var("chat_state", "live") or []),
        ]

    def is_answered(self) -> bool:
        return bool(self.turns) and all(turn["status"] not in RUNNING for turn in self.turns)

    @override
    async def _update(self, update: dict[str, Any]) -> None:
        await super()._update(update)
        self.shown.append(Counter(turn["turn_id"] for turn in self.turns))
        for state in ("chat_state", "shell_state"):
            if problem := self.var(state, "problem"):
                self.problems.append(problem)


@dataclass(frozen=True)
class Asked:
    """What came of one person's question."""

    person: Person
    path: str
    tab: Tab


def run(work: Coroutine[Any, Any, list[Asked]]) -> list[Asked]:
    """In a thread of its own: the loop of the browser tests may occupy this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def add_person(app: RunningApp, owner: httpx.Client, question: str) -> Person:
    email = f"{uuid.uuid4().hex}@example.com"
    body = {"name": question[:40], "email": email, "role": "analyst", "password": PASSWORD}
    owner.post("/api/v1/users", json=body).raise_for_status()
    return Person(cookie=sign_in(app.url, email, PASSWORD), question=question)


@pytest.fixture(scope="module")
def people(app_started: RunningApp) -> Iterator[list[Person]]:
    with app_started.client() as owner, ThreadPoolExecutor(4) as pool:
        yield list(pool.map(lambda question: add_person(app_started, owner, question), QUESTIONS))


async def ask(app: RunningApp, person: Person, start: asyncio.Barrier) -> Asked:
    """What a browser does: open the page, ask, go where the page leads, wait there."""
    async with Tab(app.url, person.cookie) as tab:
        await tab.until(lambda: tab.var("chat_state", "is_loaded"), ALL_SECONDS)
        await start.wait()
        await tab.send(ASK, {"question": person.question})
        path = (await tab.until(tab.redirects, ALL_SECONDS))[0]
        await tab.navigate(path)
        await tab.until(tab.is_answered, ALL_SECONDS)
        await tab.settle()  # whatever would be shown twice has come by now
        return Asked(person, path, tab)


async def ask_at_once(app: RunningApp, people: list[Person]) -> list[Asked]:
    start = asyncio.Barrier(len(people))
    return await asyncio.gather(*(ask(app, person, start) for person in people))


async def look_at(app: RunningApp, person: Person, path: str) -> Asked:
    """Open an address as that person would by typing it."""
    async with Tab(app.url, person.cookie, path) as tab:
        await tab.until(lambda: tab.var("chat_state", "is_loaded"), ALL_SECONDS)
        await tab.settle()
        return Asked(person, path, tab)


async def swap_addresses(app: RunningApp, asked: list[Asked]) -> list[Asked]:
    neighbours = zip(asked, [*asked[1:], asked[0]], strict=True)
    return await asyncio.gather(
        *(look_at(app, one.person, neighbour.path) for one, neighbour in neighbours)
    )


@pytest.fixture(scope="module")
def asked(app_started: RunningApp, people: list[Person]) -> list[Asked]:
    """The twenty questions, asked at the same moment."""
    app_started.wait_until(app_started.is_ready, 60, "ready")
    begun = time.monotonic()
    asked = run(ask_at_once(app_started, people))
    assert time.monotonic() - begun < ALL_SECONDS
    return asked


def test_each_of_twenty_is_answered_and_shown_once(asked: list[Asked]) -> None:
    for one in asked:
        assert [(turn["question"], turn["status"]) for turn in one.tab.turns] == [
            (one.person.question, "answered")
        ]
        assert one.tab.turns[0]["link"].startswith(f"{one.path}#")
        assert max(count for shown in one.tab.shown for count in shown.values()) == 1
        assert {turn_id for shown in one.tab.shown for turn_id in shown} == {
            one.tab.turns[0]["turn_id"]
        }
    assert len({one.tab.turns[0]["run_id"] for one in asked}) == len(QUESTIONS)
    assert len({one.tab.turns[0]["sql"] for one in asked}) == len(QUESTIONS)
    assert len({one.path for one in asked}) == len(QUESTIONS)


def test_nothing_went_wrong_on_any_page(asked: list[Asked]) -> None:
    for one in asked:
        assert one.tab.problems == []
        assert {event["name"] for event in one.tab.events} <= {"_redirect"}
        assert one.tab.redirects() == [one.path]


def test_nobody_is_told_anything_about_the_question_of_another(asked: list[Asked]) -> None:
    for one in asked:
        told = repr(one.tab.updates)
        assert one.person.question in told
        for other in asked:
            if other is not one:
                turn = other.tab.turns[0]
                for name in ("turn_id", "run_id", "result_id"):
                    assert turn[name]
                    assert turn[name] not in told
                assert other.path not in told
        titles = [item["title"] for item in one.tab.var("shell_state", "conversations")]
        assert titles == [one.person.question]


def test_the_address_of_a_neighbour_shows_nothing(
    running_app: RunningApp, asked: list[Asked]
) -> None:
    for one in run(swap_addresses(running_app, asked)):
        assert one.tab.var("chat_state", "is_missing")
        assert one.tab.turns == []


def test_the_same_is_kept_on_the_server(running_app: RunningApp, asked: list[Asked]) -> None:
    for one in asked:
        with httpx.Client(base_url=running_app.url, headers={"Cookie": one.person.cookie}) as api:
            conversations = api.get("/api/v1/conversations").json()["conversations"]
            assert [f"/chat/{item['conversation_id']}" for item in conversations] == [one.path]
            kept = api.get(f"/api/v1/runs/{one.tab.turns[0]['run_id']}").json()
        assert kept["status"] == "answered"
        assert kept["text"] == one.tab.turns[0]["text"]
