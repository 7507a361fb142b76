# Reflex vars take any attribute and yield components at run time, which no annotation can say.
# mypy: disable-error-code="attr-defined, operator, no-any-return, type-arg, arg-type, call-overload, return-value, index, no-untyped-call"
"""The other cards of a turn: running, asking back, failed, stopped."""

from __future__ import annotations

import reflex as rx

from aiser_app.ui.chat.answer import confidence
from aiser_app.ui.chat.state import ChatState
from aiser_app.ui.chat.view import OptionView, StepView, TurnView
from aiser_app.ui.components.icons import icon
from aiser_app.ui.components.local import CopyButton, Elapsed

BAR_HEIGHTS = (38, 56, 72, 96, 84, 120, 150, 138, 176, 190)


def running(turn: rx.Var[TurnView]) -> rx.Component:
    """The place of the coming answer, the steps so far, and one Stop."""
    return rx.el.article(
        rx.el.div(
            rx.el.span("Reading the question", class_name="t-12 subtle"),
            rx.el.span(_running_word(turn), class_name="badge info end"),
            class_name="answer-intent",
            style={"min_height": "41px"},
        ),
        rx.el.div(
            _skeleton(),
            rx.el.div(
                rx.el.div(
                    rx.el.span("Steps", class_name="semi"),
                    Elapsed.create(
                        started_ms_ago=turn.started_ms_ago, limit_seconds=turn.limit_seconds
                    ),
                    class_name="row between",
                    style={"margin_bottom": "6px"},
                ),
                rx.cond(
                    turn.steps.length() > 0,
                    _steps(turn),
                    rx.el.p("Waiting for a free worker.", class_name="t-12 subtle"),
                ),
                rx.el.div(
                    rx.el.button(
                        icon("square", "i-12"),
                        "Stop ",
                        rx.el.span("Esc", class_name="kbd"),
                        class_name="btn",
                        on_click=ChatState.stop(turn.run_id),
                        custom_attrs={"data-shortcut": "Escape"},
                    ),
                    rx.el.span("Also stops the query in the database", class_name="t-12 subtle"),
                    class_name="row wrap",
                    style={"margin_top": "14px"},
                ),
                class_name="running-steps",
            ),
            class_name="running-grid",
        ),
        class_name="answer",
        custom_attrs={"aria-busy": "true"},
        data_testid="running",
    )


def asking_back(turn: rx.Var[TurnView]) -> rx.Component:
    """What Aiser needs to know; every reading can be chosen by its number."""
    return rx.el.article(
        rx.el.div(
            rx.el.div(
                icon("circle-help"),
                rx.el.span(turn.clarifying, class_name="t-14 semi"),
                rx.cond(turn.has_confidence, confidence(turn, "end")),
                class_name="row",
            ),
            rx.cond(
                (turn.text != "") & (turn.text != turn.clarifying),
                rx.el.p(turn.text, class_name="muted below"),
            ),
            style={"padding": "12px 16px"},
        ),
        rx.cond(turn.unknown_words.length() > 0, _unknown(turn)),
        rx.cond(
            turn.options.length() > 0,
            rx.fragment(
                rx.el.div(
                    rx.el.span(),
                    rx.el.span("Can be answered", class_name="label"),
                    class_name="reading hd",
                ),
                rx.foreach(turn.options, _option),
            ),
        ),
        rx.el.div(
            rx.el.span(
                "Nothing was guessed: no answer is given below 0.75.", class_name="t-12 subtle"
            ),
            rx.cond(
                turn.options.length() > 0,
                rx.el.span(
                    "Choose by number, or write it in other words",
                    class_name="end t-12 subtle only-d",
                ),
            ),
            class_name="answer-foot roomy",
        ),
        class_name="answer",
        data_testid="clarification",
    )


def failed(turn: rx.Var[TurnView]) -> rx.Component:
    """What happened, what to do, and the way to try again."""
    return _ended(
        turn,
        rx.el.div(
            icon("circle-alert"),
            rx.el.div(
                rx.el.div(turn.failure, class_name="med"),
                rx.cond(
                    turn.failure_hint != "",
                    rx.el.div(turn.failure_hint, class_name="t-12 muted"),
                ),
                class_name="grow",
            ),
            class_name="note danger",
            role="alert",
        ),
        "failed",
    )


def stopped(turn: rx.Var[TurnView]) -> rx.Component:
    """The steps so far, and the way to run it again."""
    return _ended(
        turn,
        rx.el.div(
            icon("circle-stop"),
            rx.el.div(
                rx.el.div("Stopped", class_name="med"),
                rx.el.div("The run and its query were ended on request.", class_name="t-12 muted"),
                class_name="grow",
            ),
            class_name="note",
        ),
        "stopped",
    )


def _ended(turn: rx.Var[TurnView], note: rx.Component, name: str) -> rx.Component:
    return rx.el.article(
        rx.el.div(
            note,
            rx.cond(
                turn.steps.length() > 0,
                rx.el.div(_steps(turn), style={"padding": "4px 2px 0"}),
            ),
            class_name="stack-3",
            style={"padding": "12px 16px"},
        ),
        rx.el.div(
            rx.el.button(
                icon("rotate-ccw", "i-14"),
                "Run again",
                class_name="btn sm",
                on_click=ChatState.ask(turn.question),
            ),
            rx.el.span(class_name="end"),
            CopyButton.create(
                text=turn.run_id,
                label="Copy run id",
                done="Copied",
                class_name="btn ghost sm",
            ),
            class_name="answer-foot roomy",
        ),
        class_name="answer",
        data_testid=name,
    )


def _running_word(turn: rx.Var[TurnView]) -> rx.Var:
    return rx.cond(turn.status == "queued", "Waiting", "Running")


def _skeleton() -> rx.Component:
    return rx.el.div(
        _bar("132px", "26px", "10px"),
        _bar("88%", "12px", "8px"),
        _bar("64%", "12px", "24px"),
        rx.el.div(
            *(
                rx.el.div(class_name="skel grow", style={"height": f"{height}px"})
                for height in BAR_HEIGHTS
            ),
            class_name="row skel-chart",
        ),
        class_name="running-skeleton only-d-block",
        custom_attrs={"aria-hidden": "true"},
    )


def _bar(width: str, height: str, below: str) -> rx.Component:
    return rx.el.div(
        class_name="skel", style={"width": width, "height": height, "margin_bottom": below}
    )


def _steps(turn: rx.Var[TurnView]) -> rx.Component:
    return rx.el.ol(rx.foreach(turn.steps, _step), class_name="steps", data_testid="steps")


def _step(step: rx.Var[StepView]) -> rx.Component:
    return rx.el.li(
        rx.el.span(
            rx.match(
                step.state,
                ("done", icon("circle-check", "i-14")),
                ("warn", icon("triangle-alert", "i-14")),
                ("fail", icon("circle-x", "i-14")),
                ("wait", icon("circle-dashed", "i-14")),
                icon("loader-circle", "i-14", class_name="spin"),
            ),
            class_name="st",
        ),
        rx.el.div(
            rx.el.div(step.title, class_name="ti"),
            rx.cond(step.detail != "", rx.el.div(step.detail, class_name="d")),
        ),
        rx.el.span(step.took, class_name="ms"),
        class_name="step " + step.state,
    )


def _unknown(turn: rx.Var[TurnView]) -> rx.Component:
    return rx.el.table(
        rx.el.thead(
            rx.el.tr(
                rx.el.th("Your words", scope="col"),
                rx.el.th("Status", scope="col"),
            )
        ),
        rx.el.tbody(
            rx.foreach(
                turn.unknown_words,
                lambda word: rx.el.tr(
                    rx.el.td(word),
                    rx.el.td(
                        rx.el.span(icon("x"), "Not in this source", class_name="badge danger")
                    ),
                ),
            )
        ),
        class_name="tbl plain",
        style={"border_top": "1px solid var(--border)"},
    )


def _option(option: rx.Var[OptionView]) -> rx.Component:
    return rx.el.button(
        rx.el.span(option.number, class_name="kbd"),
        rx.el.span(option.label, class_name="med"),
        icon("chevron-right", "i-14"),
        type="button",
        class_name="reading",
        on_click=ChatState.ask(option.text),
        custom_attrs={"data-shortcut": option.number},
    )
