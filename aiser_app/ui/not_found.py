# Reflex vars take any attribute and yield components at run time, which no annotation can say.
# mypy: disable-error-code="attr-defined, operator, no-any-return, type-arg, arg-type, call-overload, return-value, index, no-untyped-call"
"""The page of addresses that do not exist."""

from __future__ import annotations

import reflex as rx

from aiser_app.ui.components.icons import icon, wordmark
from aiser_app.ui.components.local import NavLink, ThemeButton

TITLE = "Not found · Aiser"


def page() -> rx.Component:
    return rx.el.div(
        rx.el.main(
            rx.el.div(
                rx.el.div(wordmark(26), style={"margin_bottom": "24px"}),
                rx.el.div(
                    rx.el.h1("There is no page here", class_name="t-16 semi"),
                    rx.el.p(
                        "The address is not known. Perhaps a letter is missing.",
                        class_name="muted",
                        style={"margin": "2px 0 20px"},
                    ),
                    NavLink.create(
                        icon("message-square", "i-14"),
                        "Open the chat",
                        to="/chat",
                        class_name="btn primary lg",
                    ),
                    class_name="panelbox",
                ),
                class_name="box",
            ),
            class_name="auth-b",
            id="main",
        ),
        rx.el.footer(ThemeButton.create(words=True)),
        class_name="auth",
    )
