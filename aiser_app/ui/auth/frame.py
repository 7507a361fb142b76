# Reflex vars take any attribute and yield components at run time, which no annotation can say.
# mypy: disable-error-code="attr-defined, operator, no-any-return, type-arg, arg-type, call-overload, return-value, index, no-untyped-call"
"""The quiet frame of the pages before sign-in."""

from __future__ import annotations

import reflex as rx

from aiser_app.ui.components.local import ThemeButton


def frame(content: rx.Component, *foot: rx.Component) -> rx.Component:
    """Content in the middle of the page, a line of facts at its foot."""
    return rx.el.div(
        rx.el.main(content, class_name="auth-b", id="main"),
        rx.el.footer(*foot, ThemeButton.create(words=True)),
        class_name="auth",
    )
