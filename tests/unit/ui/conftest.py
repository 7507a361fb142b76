"""Page states over services that tests hold in their hands."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import reflex as rx

from aiser_app.domain.actor import Actor
from aiser_app.domain.conversation import Conversation, Turn
from aiser_app.domain.run import Run, RunStatus
from aiser_app.domain.verified_query import Thumb
from aiser_app.errors import InvalidInput, NotFound
from aiser_app.ui import calls, identity
from aiser_app.ui.auth import state as auth_state
from aiser_app.ui.chat import state as chat_state
from aiser_app.ui.shell import state as shell_state
from tests.unit.ui import examples as ex
from tests.unit.ui.test_watcher import Feed


class FakeServices:
    """The part of the services that pages use, in memory, with the same failures."""

    def __init__(self) -> None:
        self.actors: dict[str, Actor] = {"good": ex.actor()}
        self.held: dict[str, list[Turn]] = {}
        self.gone: set[str] = set()
        self.feed = Feed()
        self.asked: list[str] = []
        self.cancelled: list[str] = []
        self.is_set_up = True
        self.accounts = SimpleNamespace(
            find_actor_by_session=lambda token: self.actors.get(token),
            is_set_up=lambda: self.is_set_up,
            check_setup_token=self._check_token,
        )
        self.conversations = SimpleNamespace(
            list=self._list,
            get=self._get,
            turns=lambda _actor, conversation_id: list(self.held[conversation_id]),
            rename=lambda *_: None,
            delete=lambda _actor, conversation_id: self.gone.add(conversation_id),
            restore=lambda _actor, conversation_id: self.gone.discard(conversation_id),
        )
        self.sources = SimpleNamespace(
            default=lambda _actor: ex.source(),
            get=lambda _actor, _id: ex.source(),
        )
        self.suggestions = SimpleNamespace(
            questions=lambda _actor, _id: (
                "Number of flights by month",
                "Which carrier has the most flights?",
                "How many flights?",
            ),
        )
        self.thumbs: dict[str, Thumb] = {}
        self.feedback = SimpleNamespace(
            thumbs=lambda _actor, run_ids: {
                run_id: thumb for run_id, thumb in self.thumbs.items() if run_id in run_ids
            },
            rate=self._rate,
        )
        self.results = SimpleNamespace(get=lambda _actor, _id: ex.result())
        self.chat = SimpleNamespace(ask=self._ask)
        self.runs = SimpleNamespace(
            follow=lambda _actor, run_id, after: self.feed.follow(run_id, after),
            cancel=self._cancel,
        )

    def hold(self, *runs: Run) -> None:
        for one in runs:
            turns = self.held.setdefault(one.conversation_id, [])
            turns[:] = [t for t in turns if t.run.run_id != one.run_id]
            turns.append(ex.turn(one, len(turns) + 1))

    def _list(self, _actor: Actor, search: str, limit: int) -> list[Conversation]:
        shown = [c for c in self.held if c not in self.gone]
        return [c for c in map(ex.conversation, shown) if search in c.title][:limit]

    def _get(self, _actor: Actor, conversation_id: str) -> Conversation:
        if conversation_id not in self.held:
            raise NotFound("There is no such conversation.")
        return ex.conversation(conversation_id)

    def _ask(
        self, _actor: Actor, question: str, *, source: str | None, conversation_id: str | None
    ) -> Run:
        if not question.strip():
            raise InvalidInput("The question is empty.", hint="Write one.")
        self.asked.append(question)
        made = ex.run(
            f"asked{len(self.asked)}",
            RunStatus.QUEUED,
            question=question,
            conversation_id=conversation_id or "new",
        )
        self.hold(made)
        return made

    def _rate(self, _actor: Actor, run_id: str, thumb: Thumb) -> object:
        self.thumbs[run_id] = thumb
        return run_id if thumb is Thumb.UP else None

    def _cancel(self, _actor: Actor, run_id: str) -> Run:
        self.cancelled.append(run_id)
        return ex.run(run_id, RunStatus.CANCELLED)

    @staticmethod
    def _check_token(token: str, _client: str) -> None:
        if token != "GOOD-TOKEN":
            raise InvalidInput("This token is not right.", hint="Look in the log.")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeServices:
    made = FakeServices()
    for module in (calls, identity, auth_state, chat_state, shell_state):
        monkeypatch.setattr(module, "services", lambda: made)
    return made


@pytest.fixture
def open_tab() -> Callable[..., Any]:
    """A new tab's whole state, with the cookie and the address of its page."""

    def opened(
        path: str = "/chat", cookie: str = "aiser_session=good", query: str = ""
    ) -> rx.State:
        root = rx.State(_reflex_internal_init=True)
        navigate(root, path, cookie, query)
        return root

    return opened


def navigate(
    root: rx.State, path: str, cookie: str = "aiser_session=good", query: str = ""
) -> None:
    data = {
        "pathname": path,
        "asPath": path + query,
        "query": dict(part.split("=") for part in query[1:].split("&") if part),
        "headers": {"cookie": cookie, "host": "aiser.test", "origin": "http://aiser.test"},
        "ip": "1.2.3.4",
        "token": "tab",
        "sid": "socket",
    }
    root.router_data = root._update_router_vars(data, root.router_data)


async def fire(handler: Any, state: rx.State, **arguments: Any) -> list[Any]:
    """Run an event handler as the framework would; returns the events it asks for."""
    outcome = await handler.fn(state, **arguments)
    if outcome is None:
        return []
    return outcome if isinstance(outcome, list) else [outcome]


def redirects(events: list[Any]) -> list[str]:
    """Where events lead."""
    found = []
    for event in events:
        if getattr(event.handler.fn, "__qualname__", "") == "_redirect":
            found += [
                str(value._var_value) for name, value in event.args if name._js_expr == "path"
            ]
    return found
