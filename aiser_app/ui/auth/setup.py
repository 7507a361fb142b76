# Reflex vars take any attribute and yield components at run time, which no annotation can say.
# mypy: disable-error-code="attr-defined, operator, no-any-return, type-arg, arg-type, call-overload, return-value, index, no-untyped-call"
"""Set-up: prove that the server is yours, make the first admin, ask the sample."""

from __future__ import annotations

import reflex as rx

from aiser_app.ui.auth.frame import frame
from aiser_app.ui.auth.state import EntryState
from aiser_app.ui.components.icons import icon, wordmark
from aiser_app.ui.components.local import PasswordField, RestForm, StoreStates, TokenForm

ROUTE = "/setup"
TITLE = "Set up · Aiser"
ON_LOAD = [EntryState.look, EntryState.begin]
STORES = [
    ["database", "Postgres"],
    ["redis", "Redis"],
    ["chroma", "Memory store"],
    ["worker", "Worker"],
]


def page() -> rx.Component:
    return frame(
        rx.el.div(
            _progress(),
            rx.cond(EntryState.step == 2, _first_admin(), _token()),
            class_name="set",
        ),
        rx.el.span(EntryState.host),
    )


def _progress() -> rx.Component:
    return rx.el.aside(
        rx.el.div(wordmark(24), style={"margin_bottom": "24px"}),
        rx.el.ol(
            _step("Prove this is your server", "One-time token", 1),
            _step("First admin", "Name, email, password", 2),
            _step("First question", "The sample is ready at once", 3),
            class_name="steps",
        ),
        rx.el.hr(style={"margin": "20px 0 16px"}),
        StoreStates.create(rows=STORES),
        rx.el.p(
            "No model key is needed. Answers come from the built-in planner.",
            class_name="t-12 subtle",
            style={"margin_top": "10px"},
        ),
        custom_attrs={"aria-label": "Progress"},
    )


def _step(title: str, detail: str, number: int) -> rx.Component:
    now = EntryState.step == number
    done = EntryState.step > number
    return rx.el.li(
        rx.el.span(
            rx.cond(
                done,
                icon("circle-check", "i-14"),
                rx.cond(now, icon("circle-dot", "i-14"), icon("circle-dashed", "i-14")),
            ),
            class_name="st",
        ),
        rx.el.div(
            rx.el.div(title, class_name=rx.cond(now, "ti semi", "ti")),
            rx.el.div(detail, class_name="d"),
        ),
        class_name=rx.cond(done, "step done", rx.cond(now, "step run", "step wait")),
        style={"padding": "7px 0"},
    )


def _token() -> rx.Component:
    return rx.el.section(
        rx.el.h1("Prove this is your server", class_name="t-20 semi"),
        rx.el.p(
            "Until an admin exists, anyone who can open this page could claim it. "
            "The token shows that you can read the server's log.",
            class_name="muted lead",
        ),
        TokenForm.create(
            label="One-time token",
            hint="16 characters. Case and dashes do not matter.",
            submit_text="Continue",
            problem=rx.cond(
                EntryState.problem != "", EntryState.problem + " " + EntryState.problem_hint, ""
            ),
            on_send=lambda token: EntryState.check(token),
        ),
        rx.el.div("Where to find it", class_name="semi", style={"margin": "16px 0 6px"}),
        rx.el.div(
            "$ python -m aiser_app up\n… open http://localhost:3000/setup?token=",
            rx.el.b("••••-••••-••••-••••"),
            class_name="term",
        ),
        rx.el.p(
            "Open that link, and the token is filled in. In a container: ",
            rx.el.span("docker logs", class_name="mono"),
            class_name="t-12 subtle",
            style={"margin": "8px 0 16px"},
        ),
        rx.el.ul(
            _fact(
                "timer", "Valid for 30 minutes after start. Restart the server to get a new one."
            ),
            _fact(
                "shield-check", "Works once. It is hashed at rest and ends when the admin exists."
            ),
            _fact("lock", "Five wrong tries lock this page for 15 minutes."),
            class_name="stack-2 t-13",
        ),
    )


def _fact(name: str, text: str) -> rx.Component:
    return rx.el.li(
        rx.el.span(icon(name), class_name="subtle", style={"margin_top": "2px"}),
        rx.el.span(text, class_name="muted"),
        class_name="row top",
    )


def _first_admin() -> rx.Component:
    return rx.el.section(
        rx.el.h1("First admin", class_name="t-20 semi"),
        rx.el.p(
            "This account owns the workspace and can add people. The sample data comes with it.",
            class_name="muted lead",
        ),
        RestForm.create(
            rx.el.input(type="hidden", name="token", value=EntryState.token),
            rx.el.div(
                _field("name", "Your name", "name"),
                _field("organization_name", "Organization", "organization"),
                class_name="two",
            ),
            _field("email", "Email", "username", "email"),
            PasswordField.create(
                id="password",
                name="password",
                label="Password",
                hint="At least 10 characters.",
                auto_complete="new-password",
                min_length=10,
            ),
            action="/api/v1/auth/setup",
            next="/chat",
            submit_text="Create and open the chat",
            busy_text="Preparing the sample data",
        ),
    )


def _field(name: str, label: str, complete: str, kind: str = "text") -> rx.Component:
    return rx.el.div(
        rx.el.label(label, html_for=name),
        rx.el.input(
            id=name,
            name=name,
            type=kind,
            auto_complete=complete,
            max_length=200,
            required=True,
            class_name="input lg",
        ),
        class_name="field",
    )
