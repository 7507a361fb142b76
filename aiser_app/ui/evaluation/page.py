# Reflex vars take any attribute and yield components at run time, which no annotation can say.
# mypy: disable-error-code="attr-defined, operator, no-any-return, type-arg, arg-type, call-overload, return-value, index, no-untyped-call"
"""The evaluation page: how many of the organization's verified questions are read right, and which not."""

from __future__ import annotations

import reflex as rx

from aiser_app.ui.components.icons import icon
from aiser_app.ui.components.local import (
    ActionMenu,
    LocalTime,
    NavLink,
    RenameField,
    ServedChart,
)
from aiser_app.ui.evaluation.state import EvaluationState
from aiser_app.ui.evaluation.view import CaseRow, EvaluationItem, FigureView, ProposalView
from aiser_app.ui.shell.layout import shell
from aiser_app.ui.shell.state import ShellState

ROUTE = "/evaluation"
TITLE = "Evaluation · Aiser"
ON_LOAD = [ShellState.load, EvaluationState.open]
TREND_HEIGHT = 220
CASE_ACTIONS = [
    {"key": "begin", "label": "Offer to beginners"},
    {"key": "retire", "label": "Retire", "danger": True},
]
_PAGE = EvaluationState.page


def page() -> rx.Component:
    return shell(
        rx.el.div(
            rx.cond(EvaluationState.is_loaded, _content(), _loading()),
            class_name="body canvas",
        ),
        rx.el.div(
            EvaluationState.announcement,
            class_name="sr",
            role="status",
            custom_attrs={"aria-live": "polite"},
            data_testid="announcement",
        ),
        actions=[_run_button()],
        suspect=EvaluationState.is_store_down,
        place=ROUTE,
    )


def _run_button() -> rx.Component:
    return rx.cond(
        EvaluationState.is_running,
        rx.el.button(
            icon("square", "i-12"), "Stop", class_name="btn", on_click=EvaluationState.stop
        ),
        rx.el.button(
            icon("play", "i-14"),
            "Run evaluation",
            class_name="btn primary",
            disabled=_PAGE.verified_count == 0,
            title=rx.cond(_PAGE.verified_count == 0, "There is no verified question yet", ""),
            on_click=EvaluationState.start,
        ),
    )


def _content() -> rx.Component:
    return rx.el.div(
        rx.cond(EvaluationState.problem != "", _problem()),
        rx.cond(EvaluationState.is_running, _running()),
        rx.cond(
            (_PAGE.verified_count == 0)
            & (_PAGE.evaluations.length() == 0)
            & (_PAGE.proposals.length() == 0),
            _empty(),
            rx.fragment(
                rx.cond(_PAGE.proposals.length() > 0, _proposals()),
                rx.cond(
                    _PAGE.shown_id != "",
                    rx.fragment(
                        rx.cond(_PAGE.figures.length() > 0, _figures()),
                        _cases(),
                        rx.el.div(
                            rx.cond(_PAGE.has_trend, _trend()), _evaluations(), class_name="side"
                        ),
                    ),
                    _not_run(),
                ),
            ),
        ),
        class_name="ev",
    )


def _problem() -> rx.Component:
    return rx.el.div(
        icon("circle-alert"),
        rx.el.div(
            rx.el.div(EvaluationState.problem, class_name="med"),
            rx.el.div(EvaluationState.problem_hint, class_name="t-12 muted"),
            class_name="grow",
        ),
        class_name="note danger wide",
        role="alert",
    )


def _running() -> rx.Component:
    return rx.el.div(
        icon("loader-circle", class_name="spin"),
        rx.el.div(
            rx.el.div("Asking verified questions", class_name="med"),
            rx.el.div(
                rx.cond(
                    EvaluationState.progress != "",
                    EvaluationState.progress,
                    "Waiting for a free worker",
                ),
                class_name="t-12 muted num",
            ),
            class_name="grow",
        ),
        class_name="note info wide",
        data_testid="evaluation-running",
    )


def _empty() -> rx.Component:
    return rx.el.div(
        icon("list-checks", "i-20"),
        rx.el.h2("No verified questions yet", class_name="t-14 semi"),
        rx.el.p(
            "A thumb up on a right answer proposes it. Approved here, it answers that question for "
            "everybody, and is asked again at every evaluation.",
            class_name="muted",
        ),
        rx.el.div(
            NavLink.create("Ask a question", to="/chat", class_name="btn primary"),
            class_name="row",
            style={"margin_top": "12px"},
        ),
        class_name="empty wide",
        data_testid="empty",
    )


def _not_run() -> rx.Component:
    return rx.cond(
        (_PAGE.verified_count > 0) & ~EvaluationState.is_running,
        rx.el.div(
            icon("play", "i-20"),
            rx.el.h2("Not evaluated yet", class_name="t-14 semi"),
            rx.el.p(
                "An evaluation asks every verified question as if nobody had checked it, and "
                "compares the rows.",
                class_name="muted",
            ),
            class_name="empty wide",
        ),
    )


def _proposals() -> rx.Component:
    return rx.el.section(
        rx.el.div(
            rx.el.h2("Proposed"),
            rx.el.span(
                "Liked by whoever asked; not used before somebody approves", class_name="end only-d"
            ),
            class_name="card-h",
        ),
        rx.el.ul(rx.foreach(_PAGE.proposals, _proposal), class_name="ev-list"),
        class_name="card wide",
        custom_attrs={"aria-label": "Proposed"},
        data_testid="proposals",
    )


def _proposal(item: rx.Var[ProposalView]) -> rx.Component:
    return rx.el.li(
        rx.cond(
            EvaluationState.editing_id == item.verified_query_id,
            rx.el.div(
                RenameField.create(
                    value=item.question,
                    label="The question, so that it stands alone",
                    on_save=lambda text: EvaluationState.rewrite(item.verified_query_id, text),
                    on_cancel=EvaluationState.keep,
                ),
                class_name="proposal-edit",
            ),
            rx.el.div(
                rx.el.div(
                    rx.el.div(item.question, class_name="med"),
                    rx.el.div(
                        item.source,
                        " · ",
                        LocalTime.create(iso=item.at),
                        rx.cond(item.needs_words, " · was a follow-up: needs its own words", ""),
                        class_name="t-12 subtle",
                    ),
                    class_name="grow",
                ),
                rx.cond(
                    item.needs_words,
                    rx.fragment(),
                    rx.el.button(
                        icon("badge-check", "i-14"),
                        "Approve",
                        class_name="btn sm",
                        on_click=EvaluationState.approve(item.verified_query_id),
                    ),
                ),
                rx.el.button(
                    rx.cond(item.needs_words, "Write the question", "Edit"),
                    class_name="btn ghost sm",
                    on_click=EvaluationState.edit(item.verified_query_id),
                ),
                rx.el.button(
                    "Dismiss",
                    class_name="btn ghost sm",
                    on_click=EvaluationState.choose(item.verified_query_id, "dismiss"),
                ),
                class_name="proposal",
            ),
        ),
        key=item.verified_query_id,
    )


def _figures() -> rx.Component:
    return rx.el.div(rx.foreach(_PAGE.figures, _figure), class_name="ev-kpis wide")


def _figure(figure: rx.Var[FigureView]) -> rx.Component:
    return rx.el.div(
        rx.el.div(figure.name, class_name="t-12 med muted"),
        rx.el.div(figure.value, rx.el.small(figure.unit), class_name="v"),
        rx.el.div(figure.note, class_name="t-12 subtle num"),
        class_name="card kpi",
    )


def _cases() -> rx.Component:
    return rx.el.section(
        rx.el.div(
            rx.el.h2("Questions"),
            rx.el.span(_PAGE.case_note, class_name="end num"),
            class_name="card-h",
        ),
        rx.cond(
            _PAGE.failure != "",
            rx.el.p(_PAGE.failure, class_name="muted card-b"),
            rx.el.div(
                rx.el.table(
                    rx.el.thead(
                        rx.el.tr(
                            rx.el.th("Result", scope="col"),
                            rx.el.th("Question", scope="col"),
                            rx.el.th("Confidence", scope="col", class_name="num r only-d"),
                            rx.el.th("Source", scope="col", class_name="only-d"),
                            rx.el.th("Took", scope="col", class_name="num r only-d"),
                            rx.el.th(rx.el.span("Options", class_name="sr"), scope="col"),
                        )
                    ),
                    rx.el.tbody(rx.foreach(_PAGE.cases, _case)),
                    class_name="tbl plain",
                    data_testid="cases",
                ),
                class_name="scroll-x",
                tab_index=0,
                role="region",
                custom_attrs={"aria-label": "Table of questions"},
            ),
        ),
        rx.el.p(
            "Each is read by the planner alone, as if it had not been verified. Askers get the "
            "verified query all the same.",
            class_name="t-12 subtle",
            style={"padding": "8px 12px", "border_top": "1px solid var(--border)"},
        ),
        class_name="card",
        custom_attrs={"aria-label": "Questions"},
    )


def _case(row: rx.Var[CaseRow]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(
            rx.el.span(
                rx.match(
                    row.outcome,
                    ("right", icon("circle-check")),
                    ("wrong", icon("circle-x")),
                    ("asked", icon("circle-help")),
                    ("refused", icon("circle-slash")),
                    ("broken", icon("unplug")),
                    icon("triangle-alert"),
                ),
                row.word,
                class_name="badge " + row.level,
            )
        ),
        rx.el.td(
            rx.el.div(row.question),
            rx.cond(row.note != "", rx.el.div(row.note, class_name="t-12 subtle")),
            class_name="q",
        ),
        rx.el.td(row.confidence, class_name="num r only-d"),
        rx.el.td(row.source, class_name="only-d"),
        rx.el.td(row.took, class_name="num r only-d"),
        rx.el.td(
            ActionMenu.create(
                label="Options of " + row.question,
                items=CASE_ACTIONS,
                small=True,
                on_choose=lambda action: EvaluationState.choose(row.verified_query_id, action),
            )
        ),
        key=row.case_id,
    )


def _trend() -> rx.Component:
    return rx.el.section(
        rx.el.div(rx.el.h2("Trend"), rx.el.span("percent", class_name="end"), class_name="card-h"),
        rx.el.div(
            ServedChart.create(
                path="/api/v1/evaluations/trend",
                stamp=_PAGE.evaluations.length().to_string() + _PAGE.evaluations[0].evaluation_id,
                label="Chart of the share of right answers over the evaluations.",
                unit="%",
                height=TREND_HEIGHT,
            ),
            class_name="card-b",
        ),
        class_name="card",
        custom_attrs={"aria-label": "Trend"},
    )


def _evaluations() -> rx.Component:
    return rx.el.section(
        rx.el.div(rx.el.h2("Evaluations"), class_name="card-h"),
        rx.el.ul(rx.foreach(_PAGE.evaluations, _evaluation), class_name="ev-list"),
        class_name="card",
        custom_attrs={"aria-label": "Evaluations"},
    )


def _evaluation(item: rx.Var[EvaluationItem]) -> rx.Component:
    return rx.el.li(
        rx.el.button(
            LocalTime.create(iso=item.at, class_name="num"),
            rx.el.span(item.result, class_name="num med"),
            rx.el.span(item.by, class_name="t-12 subtle"),
            type="button",
            class_name="pick",
            on_click=EvaluationState.show(item.evaluation_id),
            custom_attrs={"aria-pressed": rx.cond(item.is_shown, "true", "false")},
        ),
        key=item.evaluation_id,
    )


def _loading() -> rx.Component:
    return rx.el.div(
        *(
            rx.el.div(class_name="skel wide", style={"width": "100%", "height": height})
            for height in ("84px", "280px")
        ),
        class_name="ev delayed",
        custom_attrs={"aria-busy": "true"},
    )
