# Reflex vars take any attribute and yield components at run time, which no annotation can say.
# mypy: disable-error-code="attr-defined, operator, no-any-return, type-arg, arg-type, call-overload, return-value, index, no-untyped-call"
"""The chat page: a new chat with what can be asked, or the thread of a conversation."""

from __future__ import annotations

import reflex as rx

from aiser_app.ui.chat.answer import answered
from aiser_app.ui.chat.outcomes import asking_back, failed, running, stopped
from aiser_app.ui.chat.state import ChatState
from aiser_app.ui.chat.thread import SuggestionView
from aiser_app.ui.chat.view import TurnView
from aiser_app.ui.components.icons import icon
from aiser_app.ui.components.local import Age, Composer, LocalTime, NavLink, ThreadScroll
from aiser_app.ui.shell.layout import shell
from aiser_app.ui.shell.state import ShellState

ROUTE = "/chat/[[conversation_id]]"
TITLE = "Chat · Aiser"
ON_LOAD = [ShellState.load, ChatState.open]
QUESTION_CHARS = 4_000


def page() -> rx.Component:
    return shell(
        rx.cond(
            ChatState.is_loaded,
            rx.cond(
                ChatState.is_missing,
                _missing(),
                rx.cond(ChatState.thread_id != "", _thread(), _start()),
            ),
            _loading(),
        ),
        rx.el.div(
            ChatState.announcement,
            class_name="sr",
            role="status",
            custom_attrs={"aria-live": "polite"},
            data_testid="announcement",
        ),
        actions=[_new_chat()],
        suspect=ChatState.is_store_down,
    )


def _new_chat() -> rx.Component:
    return rx.cond(
        ChatState.thread_id != "",
        NavLink.create(
            icon("message-square-plus", "i-14"),
            rx.el.span("New chat", class_name="only-d"),
            to="/chat",
            class_name="btn new-chat",
            custom_attrs={"data-shortcut": "n", "aria-label": "New chat"},
        ),
    )


def _composer(placeholder: rx.Var | str, *, focus: bool) -> rx.Component:
    return rx.cond(
        ShellState.can_ask,
        Composer.create(
            rx.el.span(
                icon("database", "i-14"),
                ChatState.source.name,
                class_name="source-name",
                title="The source that is asked",
            ),
            placeholder=placeholder,
            label="Question",
            limit=QUESTION_CHARS,
            problem=_problem_text(),
            refusals=ChatState.refusals,
            auto_focus=focus,
            on_send=lambda question: ChatState.ask(question),
        ),
        rx.el.p("Your role can read answers, but not ask.", class_name="t-12 subtle"),
    )


def _problem_text() -> rx.Var:
    return rx.cond(ChatState.problem != "", ChatState.problem + " " + ChatState.problem_hint, "")


def _start() -> rx.Component:
    return rx.el.div(
        rx.cond(
            ChatState.source.source_id != "",
            rx.el.div(
                rx.el.div(
                    rx.el.h2(ChatState.source.name + " is ready", class_name="t-20 semi"),
                    rx.cond(
                        ChatState.source.is_ready,
                        rx.el.span(icon("check"), "Synced", class_name="badge success"),
                    ),
                    class_name="row",
                    style={"margin_bottom": "4px"},
                ),
                rx.el.p(
                    ChatState.source.facts + " " + ChatState.source.description,
                    class_name="muted",
                    style={"margin_bottom": "20px"},
                ),
                _composer("Ask about " + ChatState.source.name, focus=True),
                rx.cond(ChatState.suggestions.length() > 0, _suggestions()),
                class_name="start",
            ),
            _no_source(),
        ),
        class_name="body",
    )


def _suggestions() -> rx.Component:
    return rx.fragment(
        rx.el.div(
            rx.el.h3("Questions this source can answer", class_name="t-13 semi"),
            rx.cond(
                ChatState.source.synced_at != "",
                rx.el.span(
                    "Data read ",
                    Age.create(iso=ChatState.source.synced_at, suffix=" ago"),
                    class_name="t-12 subtle",
                ),
            ),
            class_name="row between",
            style={"margin": "24px 0 8px"},
        ),
        rx.el.div(rx.foreach(ChatState.suggestions, _suggestion), class_name="sq"),
    )


def _suggestion(item: rx.Var[SuggestionView]) -> rx.Component:
    return rx.el.button(
        rx.match(
            item.shape,
            ("series", icon("chart-line")),
            ("ranking", icon("chart-bar")),
            icon("hash"),
        ),
        rx.el.span(item.question, class_name="med"),
        type="button",
        on_click=ChatState.ask(item.question),
        disabled=~ShellState.can_ask,
    )


def _thread() -> rx.Component:
    return rx.fragment(
        rx.el.div(
            rx.el.div(
                rx.foreach(ChatState.settled, _turn),
                rx.foreach(ChatState.live, _turn),
                ThreadScroll.create(latest=ChatState.latest_turn),
                class_name="thread",
            ),
            class_name="body",
            id="thread",
        ),
        rx.el.div(
            rx.el.div(
                _composer(
                    rx.cond(
                        ChatState.live.length() > 0,
                        "Ask a follow-up, it runs next",
                        "Ask a follow-up",
                    ),
                    focus=True,
                )
            ),
            class_name="dock",
        ),
    )


def _turn(turn: rx.Var[TurnView]) -> rx.Component:
    return rx.el.section(
        rx.el.div(
            rx.el.span(
                ShellState.initials, class_name="avatar lg", custom_attrs={"aria-hidden": "true"}
            ),
            rx.el.h2(turn.heading, class_name="grow"),
            LocalTime.create(iso=turn.asked_at, class_name="t-12 subtle num only-d"),
            class_name="ask",
        ),
        rx.match(
            turn.status,
            ("answered", answered(turn)),
            ("needs_input", asking_back(turn)),
            ("failed", failed(turn)),
            ("cancelled", stopped(turn)),
            running(turn),
        ),
        rx.cond(turn.follow_ups.length() > 0, _follow_ups(turn)),
        id=turn.turn_id,
        class_name="turn",
        key=turn.turn_id,
        custom_attrs={"aria-label": turn.question},
        data_testid="turn",
    )


def _follow_ups(turn: rx.Var[TurnView]) -> rx.Component:
    return rx.el.div(
        rx.el.span("Next", class_name="t-12 subtle only-d"),
        rx.foreach(
            turn.follow_ups,
            lambda text: rx.el.button(
                text,
                type="button",
                class_name="chip",
                on_click=ChatState.ask(text),
                disabled=~ShellState.can_ask,
            ),
        ),
        class_name="fu",
    )


def _empty(name: str, title: str, text: str, *actions: rx.Component) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            icon(name, "i-20"),
            rx.el.h2(title, class_name="t-14 semi"),
            rx.el.p(text, class_name="muted"),
            rx.el.div(*actions, class_name="row wrap", style={"margin_top": "12px"}),
            class_name="empty",
        ),
        class_name="start",
    )


def _missing() -> rx.Component:
    return rx.el.div(
        _empty(
            "message-square-x",
            "This chat is not here",
            "It was deleted, or it belongs to somebody else.",
            NavLink.create("New chat", to="/chat", class_name="btn primary"),
        ),
        class_name="body",
        data_testid="missing",
    )


def _no_source() -> rx.Component:
    return rx.cond(
        ChatState.problem != "",
        _empty("plug", "The sources cannot be read", "Aiser tries again by itself."),
        _empty(
            "database",
            "There is no data yet",
            "The sample could not be prepared when this workspace was set up. "
            "The log of the server says why; starting it again tries once more.",
        ),
    )


def _loading() -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.div(class_name="skel", style={"width": "40%", "height": "20px"}),
            rx.el.div(class_name="skel", style={"width": "70%", "height": "12px"}),
            rx.el.div(class_name="skel", style={"width": "100%", "height": "72px"}),
            class_name="start stack-4 delayed",
        ),
        class_name="body",
        custom_attrs={"aria-busy": "true"},
    )
