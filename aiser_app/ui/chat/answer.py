# Reflex vars take any attribute and yield components at run time, which no annotation can say.
# mypy: disable-error-code="attr-defined, operator, no-any-return, type-arg, arg-type, call-overload, return-value, index, no-untyped-call"
"""The answer card: reading, headline, tabs, proof, actions."""

from __future__ import annotations

import reflex as rx

from aiser_app.ui.chat.state import ChatState
from aiser_app.ui.chat.view import (
    ChipView,
    FactView,
    PartView,
    ReasonView,
    TurnView,
)
from aiser_app.ui.components.icons import icon
from aiser_app.ui.components.local import (
    Age,
    CopyButton,
    ResultGrid,
    RunChart,
    SqlText,
    Tabs,
)
from aiser_app.ui.shell.state import ShellState

GRID_HEIGHT = 480
"""Most pixels of the table; a result of a few rows takes less."""


def _reading(turn: rx.Var[TurnView]) -> rx.Component:
    """How the question was understood. Not editable yet, so it does not look as if it were."""
    return rx.el.div(
        rx.el.span(
            rx.cond(turn.chips.length() > 0, "Read as", "Known question"),
            class_name="t-12 subtle only-d",
            style={"margin_right": "2px"},
        ),
        rx.foreach(turn.chips, _chip),
        rx.cond(
            turn.verified != "",
            rx.el.span(
                icon("badge-check"),
                turn.verified,
                class_name="badge success end",
                data_testid="verified",
            ),
        ),
        class_name="answer-intent intent-scroll",
    )


def answered(turn: rx.Var[TurnView]) -> rx.Component:
    """A finished answer with its proof beside it."""
    return rx.el.article(
        rx.cond((turn.chips.length() > 0) | (turn.verified != ""), _reading(turn)),
        rx.el.div(
            rx.el.div(
                rx.el.div(_headline(turn), class_name="answer-main"),
                _tabs(turn),
                style={"min_width": "0"},
            ),
            _proof(turn),
            class_name="answer-grid",
        ),
        _foot(turn),
        class_name="answer",
        data_testid="answer",
    )


def confidence(turn: rx.Var[TurnView], extra: str = "") -> rx.Component:
    """Bars, word and score: never colour alone."""
    return rx.el.span(
        _bars(),
        turn.confidence_word + " ",
        rx.el.span(turn.confidence_score, class_name="num"),
        class_name="conf " + turn.confidence_level + " " + extra,
    )


def _bars() -> rx.Component:
    return rx.el.span(
        rx.el.i(), rx.el.i(), rx.el.i(), class_name="bars", custom_attrs={"aria-hidden": "true"}
    )


def _chip(chip: rx.Var[ChipView]) -> rx.Component:
    return rx.el.span(
        rx.el.span(chip.key, class_name="k"),
        " ",
        rx.el.b(chip.value),
        class_name="chip still",
    )


def _headline(turn: rx.Var[TurnView]) -> rx.Component:
    return rx.el.div(
        rx.cond(turn.headline != "", rx.el.span(turn.headline, class_name="big")),
        rx.el.span(turn.text, class_name="say"),
        class_name="headline",
        data_testid="headline",
    )


def _tabs(turn: rx.Var[TurnView]) -> rx.Component:
    return rx.cond(
        turn.tab_labels.length() > 0,
        Tabs.create(
            _chart_panel(turn),
            _table_panel(turn),
            _sql_panel(turn),
            _reasoning_panel(turn),
            panels=turn.tab_panels,
            labels=turn.tab_labels,
            counts=turn.tab_counts,
            label="Views of the answer",
        ),
    )


def _chart_panel(turn: rx.Var[TurnView]) -> rx.Component:
    return rx.el.div(
        rx.cond(
            turn.chart_title != "",
            rx.el.div(turn.chart_title, class_name="t-12 subtle", style={"margin_bottom": "4px"}),
        ),
        RunChart.create(
            run_id=turn.run_id,
            unit=turn.unit,
            label="Chart. " + turn.headline + " " + turn.text + " The table holds the same values.",
        ),
        class_name="chart-panel",
    )


def _table_panel(turn: rx.Var[TurnView]) -> rx.Component:
    return rx.el.div(
        ResultGrid.create(result_id=turn.result_id, label="Rows of the answer", height=GRID_HEIGHT),
        rx.el.div(
            rx.el.span(turn.table_note),
            rx.el.span(class_name="end"),
            rx.el.span(turn.route),
            rx.el.span("Data age ", Age.create(iso=turn.as_of)),
            class_name="statusbar",
        ),
    )


def _sql_panel(turn: rx.Var[TurnView]) -> rx.Component:
    return rx.el.div(
        rx.el.div(
            CopyButton.create(
                icon("copy", "i-14"),
                text=turn.sql,
                label="Copy",
                done="Copied",
                class_name="btn ghost sm",
            ),
            class_name="sql-copy",
        ),
        SqlText.create(sql=turn.sql, label="SQL of the answer"),
        rx.el.div(
            rx.el.span(icon("check"), "Read-only", class_name="badge success"),
            rx.el.span(turn.tables, class_name="badge"),
            rx.el.span(
                "This is the text that ran, after the guard rewrote it.", class_name="t-12 subtle"
            ),
            class_name="row wrap",
            style={"padding": "12px 16px 0"},
        ),
        style={"padding": "8px 0 12px", "position": "relative"},
    )


def _reasoning_panel(turn: rx.Var[TurnView]) -> rx.Component:
    return rx.el.ol(rx.foreach(turn.reasons, _reason), class_name="reasons")


def _reason(reason: rx.Var[ReasonView]) -> rx.Component:
    return rx.el.li(
        rx.el.span(reason.number, class_name="num no"),
        rx.el.div(
            rx.el.div(reason.claim, class_name="med"),
            rx.cond(reason.how != "", rx.el.div(reason.how, class_name="t-12 muted how")),
            rx.el.div(
                rx.el.span(reason.kind, class_name="badge"),
                rx.cond(
                    reason.evidence != "", rx.el.span(reason.evidence, class_name="t-12 subtle")
                ),
                class_name="row wrap",
                style={"gap": "6px", "margin_top": "6px"},
            ),
        ),
        rx.el.span(
            _bars(),
            rx.el.span(reason.score, class_name="num"),
            class_name="conf " + reason.level,
        ),
    )


def _proof(turn: rx.Var[TurnView]) -> rx.Component:
    return rx.el.aside(
        rx.cond(
            turn.has_confidence,
            rx.el.section(
                rx.el.div(confidence(turn), style={"margin_bottom": "10px"}),
                rx.el.div(rx.foreach(turn.parts, _part), class_name="part-list"),
            ),
        ),
        rx.cond(turn.has_result, rx.el.section(_facts(turn))),
        rx.cond(
            turn.caveats.length() > 0,
            rx.el.section(rx.foreach(turn.caveats, _caveat)),
        ),
        class_name="answer-aside",
        custom_attrs={"aria-label": "Proof"},
    )


def _part(part: rx.Var[PartView]) -> rx.Component:
    return rx.el.div(
        rx.el.span(part.name, class_name="nowrap"),
        rx.el.span(part.measured, class_name="num muted"),
        rx.el.div(
            rx.el.i(style={"width": part.percent}),
            class_name=rx.match(
                part.level, ("medium", "meter medium"), ("low", "meter low"), "meter"
            ),
        ),
        class_name="part",
    )


def _facts(turn: rx.Var[TurnView]) -> rx.Component:
    return rx.el.dl(
        rx.el.dt("Route"),
        rx.el.dd(rx.el.span(turn.route, class_name="badge accent")),
        rx.foreach(turn.facts, _fact),
        rx.el.dt("Data age"),
        rx.el.dd(Age.create(iso=turn.as_of)),
        rx.cond(
            turn.query_took != "",
            rx.fragment(rx.el.dt("Took"), rx.el.dd(turn.query_took)),
        ),
        class_name="facts",
    )


def _fact(fact: rx.Var[FactView]) -> rx.Component:
    return rx.fragment(rx.el.dt(fact.name), rx.el.dd(fact.value))


def _caveat(text: rx.Var[str]) -> rx.Component:
    return rx.el.div(icon("triangle-alert", "i-14"), rx.el.span(text), class_name="cav")


def _thumbs(turn: rx.Var[TurnView]) -> rx.Component:
    """Right or wrong, in the words of the person who asked."""
    return rx.el.span(
        _thumb(turn, "up", "thumbs-up", "Right: propose to verify it"),
        _thumb(turn, "down", "thumbs-down", "Wrong"),
        class_name="row row-1",
        role="group",
        custom_attrs={"aria-label": "Is this answer right?"},
    )


def _thumb(turn: rx.Var[TurnView], thumb: str, name: str, label: str) -> rx.Component:
    return rx.el.button(
        icon(name, "i-14"),
        type="button",
        class_name="btn ghost icon sm thumb",
        on_click=ChatState.rate(turn.run_id, thumb),
        custom_attrs={
            "aria-label": label,
            "title": label,
            "aria-pressed": rx.cond(turn.thumb == thumb, "true", "false"),
        },
    )


def _foot(turn: rx.Var[TurnView]) -> rx.Component:
    return rx.el.div(
        rx.cond(
            turn.has_result,
            rx.el.a(
                icon("download", "i-14"),
                "Export CSV",
                href=turn.csv,
                # Not a page of ours: the router must leave it to the browser.
                custom_attrs={"download": "", "reloadDocument": True},
                class_name="btn ghost sm",
            ),
        ),
        CopyButton.create(
            icon("link", "i-14"),
            path=turn.link,
            label="Copy link",
            done="Copied",
            class_name="btn ghost sm",
        ),
        rx.el.span(class_name="end"),
        rx.cond(ShellState.can_ask, _thumbs(turn)),
        rx.cond(
            turn.took != "",
            rx.el.span(
                "Answered in " + turn.took,
                class_name="t-12 subtle num only-d",
                style={"margin_right": "8px"},
            ),
        ),
        class_name="answer-foot",
    )
