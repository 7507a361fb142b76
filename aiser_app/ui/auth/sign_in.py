# Reflex vars take any attribute and yield components at run time, which no annotation can say.
# mypy: disable-error-code="attr-defined, operator, no-any-return, type-arg, arg-type, call-overload, return-value, index, no-untyped-call"
"""Sign-in: a form over REST, because only a full page load gives the socket its cookie."""

from __future__ import annotations

import reflex as rx

from aiser_app.ui.auth.frame import frame
from aiser_app.ui.auth.state import EntryState
from aiser_app.ui.components.icons import wordmark
from aiser_app.ui.components.local import PasswordField, RestForm

ROUTE = "/sign-in"
TITLE = "Sign in · Aiser"
ON_LOAD = [EntryState.look]


def page() -> rx.Component:
    return frame(
        rx.el.div(
            rx.el.div(wordmark(26), style={"margin_bottom": "24px"}),
            rx.el.div(
                rx.el.h1("Sign in", class_name="t-16 semi", style={"margin_bottom": "2px"}),
                rx.el.p(
                    "Use your account on this server.",
                    class_name="t-13 muted",
                    style={"margin_bottom": "20px"},
                ),
                RestForm.create(
                    rx.el.div(
                        rx.el.label("Email", html_for="email"),
                        rx.el.input(
                            id="email",
                            name="email",
                            type="email",
                            auto_complete="username",
                            auto_focus=True,
                            required=True,
                            class_name="input lg",
                        ),
                        class_name="field",
                    ),
                    PasswordField.create(
                        id="password",
                        name="password",
                        label="Password",
                        auto_complete="current-password",
                    ),
                    action="/api/v1/auth/login",
                    next="/chat",
                    submit_text="Sign in",
                    busy_text="Signing in",
                ),
                class_name="panelbox",
            ),
            rx.el.p(
                "No account? Ask your admin. After five wrong passwords, "
                "sign-in pauses for 15 minutes.",
                class_name="t-12 subtle",
                style={"margin_top": "16px"},
            ),
            class_name="box",
        ),
        rx.el.span(EntryState.host),
    )
