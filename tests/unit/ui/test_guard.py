import inspect
from typing import Any

import pytest
import reflex as rx
from reflex_base.event import Event
from reflex_base.registry import RegistrationContext

from aiser_app.aiser_app import app
from aiser_app.domain.actor import Actor, Role
from aiser_app.domain.permission import Permission
from aiser_app.ui import guard
from aiser_app.ui.chat.state import ChatState
from aiser_app.ui.guard import FRAMEWORK_EVENTS, MARKER, PUBLIC, EventGuard, public, requires
from aiser_app.ui.identity import OwnerState, session_token
from aiser_app.ui.shell.state import ShellState
from tests.unit.ui import examples as ex
from tests.unit.ui.conftest import FakeServices, fire, navigate, redirects

OPEN_TO_EVERYONE = {"look", "begin", "check"}
"""The only handlers without a signed-in actor; adding one is a decision."""


def own_handlers() -> dict[str, Any]:
    return {
        name: registered.handler.fn
        for name, registered in RegistrationContext.ensure_context().event_handlers.items()
        if any(state.__module__.startswith("aiser_app.") for state in registered.states)
    }


def test_every_handler_of_ours_is_guarded_but_for_reflexs_setters() -> None:
    unguarded = {
        name
        for name, function in own_handlers().items()
        if not hasattr(function, MARKER) and not name.endswith(".setvar")
    }

    assert len(own_handlers()) > 10
    assert unguarded == set()


def test_what_everyone_may_call_is_a_known_list() -> None:
    marked = {
        n.rpartition(".")[2] for n, f in own_handlers().items() if getattr(f, MARKER, "") == PUBLIC
    }

    assert marked == OPEN_TO_EVERYONE


def test_every_needed_permission_exists() -> None:
    names = {getattr(f, MARKER) for f in own_handlers().values() if hasattr(f, MARKER)} - {PUBLIC}

    assert names <= {permission.value for permission in Permission}


def test_the_actor_is_no_argument_that_a_client_can_send() -> None:
    for name, function in own_handlers().items():
        if hasattr(function, MARKER):
            assert "actor" not in inspect.signature(function).parameters, name


def test_the_guard_is_in_the_app_and_the_listed_framework_events_exist() -> None:
    known = RegistrationContext.ensure_context().event_handlers

    assert any(isinstance(middleware, EventGuard) for middleware in app._middlewares)
    assert set(known) >= FRAMEWORK_EVENTS


class Sample(rx.State):
    """Handlers as states write them."""

    told: str = ""

    @rx.event
    @requires(Permission.QUESTIONS_ASK)
    async def act(self, actor: Actor, text: str, times: int = 1, loud: bool = False):
        self.told = f"{actor.user_id} {text} {times} {loud}"

    @rx.event
    @requires(Permission.QUESTIONS_ASK)
    async def stream(self, actor: Actor, text: str):
        yield rx.redirect("/one")
        self.told = f"{actor.user_id} {text}"

    @rx.event
    @public
    async def anyone(self, text: str):
        self.told = text

    def _report(self, error) -> None:
        self.told = f"problem: {error.message}"


async def sample(open_tab, **options: Any) -> Sample:
    return await open_tab(**options).get_state(Sample)


async def test_a_signed_in_actor_with_the_permission_passes(fake: FakeServices, open_tab) -> None:
    state = await sample(open_tab)
    await fire(Sample.event_handlers["act"], state, text="hello", times=2, loud=True)

    assert state.told == "u1 hello 2 True"


async def test_generators_pass_too(fake: FakeServices, open_tab) -> None:
    state = await sample(open_tab)
    events = [e async for e in Sample.event_handlers["stream"].fn(state, text="x")]

    assert redirects(events) == ["/one"]
    assert state.told == "u1 x"


@pytest.mark.parametrize("cookie", ["", "aiser_session=", "aiser_session=bad", "other=good", "=;;"])
async def test_without_a_session_nothing_happens_but_the_way_to_sign_in(
    fake: FakeServices, open_tab, cookie: str
) -> None:
    state = await sample(open_tab, path="/chat/c1", cookie=cookie)
    events = await fire(Sample.event_handlers["act"], state, text="hello")
    events += [e async for e in Sample.event_handlers["stream"].fn(state, text="x")]

    assert state.told == ""
    assert redirects(events) == ["/sign-in?next=/chat/c1"] * 2


async def test_without_the_permission_nothing_happens(fake: FakeServices, open_tab) -> None:
    fake.actors["good"] = ex.actor(Role.VIEWER)
    state = await sample(open_tab)
    await fire(Sample.event_handlers["act"], state, text="hello")

    assert state.told == "problem: Your role does not allow this (questions.ask)."


async def test_a_session_that_ends_meanwhile_ends_here_too(fake: FakeServices, open_tab) -> None:
    state = await sample(open_tab)
    await fire(Sample.event_handlers["act"], state, text="before")
    fake.actors.clear()
    events = await fire(Sample.event_handlers["act"], state, text="after")

    assert state.told.startswith("u1 before")
    assert redirects(events) == ["/sign-in?next=/chat"]


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"text": 5},
        {"text": None},
        {"text": ["a"]},
        {"text": {"a": 1}},
        {"text": "a\x00b"},
        {"text": "a\ud800b"},
        {"text": "x" * (guard.TEXT_LIMIT + 1)},
        {"text": "a", "times": "2"},
        {"text": "a", "times": 1.5},
        {"text": "a", "times": True},
        {"text": "a", "loud": 1},
        {"text": "a", "actor": "u2"},
        {"text": "a", "self": "u2"},
        {"text": "a", "extra": "b"},
    ],
)
async def test_arguments_of_wrong_shape_are_refused(
    fake: FakeServices, open_tab, arguments: dict[str, Any]
) -> None:
    state = await sample(open_tab)
    if "self" in arguments:
        with pytest.raises(TypeError):
            await Sample.event_handlers["act"].fn(state, **arguments)
        return
    await fire(Sample.event_handlers["act"], state, **arguments)

    assert state.told.startswith("problem: ")


async def test_open_handlers_check_their_arguments_too(fake: FakeServices, open_tab) -> None:
    state = await sample(open_tab, cookie="")
    await fire(Sample.event_handlers["anyone"], state, text="fine")
    assert state.told == "fine"
    await fire(Sample.event_handlers["anyone"], state, text=5)
    assert state.told.startswith("problem: ")


async def passes(state: rx.State, name: str) -> bool:
    return await EventGuard().preprocess(app, state, Event(name=name, payload={})) is None


async def test_the_guard_lets_pass_what_is_marked_or_listed_and_nothing_else(open_tab) -> None:
    root = open_tab()
    chat = ChatState.get_full_name()

    assert await passes(root, f"{chat}.ask")
    for name in FRAMEWORK_EVENTS:
        assert await passes(root, name), name
    for name in (
        f"{chat}.setvar",
        f"{ShellState.get_full_name()}.setvar",
        "reflex___state____state.setvar",
        "reflex___state____state.reflex___state____update_vars_internal_state.update_vars_internal",
        f"{chat}.does_not_exist",
        f"{chat}._clear",
        "",
        "x",
    ):
        assert not await passes(root, name), name


async def test_a_flood_of_one_tab_is_dropped(open_tab) -> None:
    root = open_tab()
    guarding = EventGuard()
    event = Event(name=f"{ChatState.get_full_name()}.ask", payload={})
    outcomes = [await guarding.preprocess(app, root, event) is None for _ in range(300)]

    assert 50 < sum(outcomes) < 120


async def test_a_tabs_state_is_emptied_for_another_session(fake: FakeServices, open_tab) -> None:
    root = open_tab()
    hydrate = Event(name="reflex___state____state.hydrate", payload={})
    guarding = EventGuard()
    await guarding.preprocess(app, root, hydrate)
    shell = await root.get_state(ShellState)
    shell.name = "Ada"

    await guarding.preprocess(app, root, hydrate)
    assert shell.name == "Ada"

    navigate(root, "/sign-in", cookie="")
    await guarding.preprocess(app, root, hydrate)
    assert shell.name == ""
    owner = await root.get_state(OwnerState)
    assert "good" not in owner._session


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("aiser_session=abc", "abc"),
        ("a=1; aiser_session=abc; b=2", "abc"),
        ("xaiser_session=abc", ""),
        ("", ""),
        ("\x00=;;;", ""),
    ],
)
def test_the_session_token_of_a_cookie_header(header: str, token: str) -> None:
    assert session_token(header) == token
