"""Twenty people at once over the websocket: each is answered, each answer is shown once."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fixtures.app import RunningApp
from tests.fixtures.reflex_client import ROOT, ReflexClient, post, sign_in

pytestmark = pytest.mark.e2e

PEOPLE = 20
PASSWORD = "correct horse battery"
QUESTIONS = (
    "How many flights were there?",
    "Number of flights by month",
    "Which carrier has the worst average arrival delay?",
    "Top 5 destinations by number of flights",
)
ASK = f"{ROOT}.aiser_app___ui___chat___state____chat_state.ask"
ALL_SECONDS = 90


@pytest.fixture(scope="module")
def people(app_started: RunningApp) -> list[str]:
    """Session cookies of twenty analysts."""
    url = app_started.url
    owner = sign_in(url, app_started.admin_email, app_started.admin_password)

    def add(number: int) -> str:
        email = f"person-{number}-{time.monotonic_ns()}@example.com"
        body = {"name": f"P {number}", "email": email, "role": "analyst", "password": PASSWORD}
        status, _ = post(f"{url}/api/v1/users", body, owner)
        assert status == 201
        return sign_in(url, email, PASSWORD)

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(add, range(PEOPLE)))


async def ask_and_read(url: str, cookie: str, question: str) -> dict[str, object]:
    async with ReflexClient(url, cookie=cookie) as client:
        await client.until(lambda: client.var("chat_state", "is_loaded"), ALL_SECONDS)
        await client.send(ASK, {"question": question})
        path = (await client.until(client.redirects, ALL_SECONDS))[0]
        await client.navigate(path)
        turns = await client.until(
            lambda: [
                turn
                for turn in client.var("chat_state", "settled") or []
                if turn["status"] not in ("queued", "running")
            ],
            ALL_SECONDS,
        )
        await client.settle(0.5)
        assert [turn["question"] for turn in turns] == [question]
        assert client.var("chat_state", "live") == []
        assert len(client.var("shell_state", "conversations")) == 1
        return dict(turns[0])


def test_twenty_questions_at_once_are_all_answered_and_shown_once(
    running_app: RunningApp, people: list[str]
) -> None:
    async def everyone() -> list[dict[str, object]]:
        asked = [
            ask_and_read(running_app.url, cookie, QUESTIONS[i % len(QUESTIONS)])
            for i, cookie in enumerate(people)
        ]
        return await asyncio.gather(*asked)

    # In a thread: the browser tests' own event loop occupies this one.
    with ThreadPoolExecutor(1) as pool:
        turns = pool.submit(asyncio.run, everyone()).result()

    assert [turn["status"] for turn in turns] == ["answered"] * PEOPLE
    assert len({turn["run_id"] for turn in turns}) == PEOPLE
    by_question: dict[object, set[object]] = {}
    for turn in turns:
        by_question.setdefault(turn["question"], set()).add(turn["headline"])
    assert all(len(headlines) == 1 for headlines in by_question.values())
