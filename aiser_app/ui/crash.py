# Reflex vars take any attribute and yield components at run time, which no annotation can say.
# mypy: disable-error-code="attr-defined, operator, no-any-return, type-arg, arg-type, call-overload, return-value, index, no-untyped-call"
"""What is shown when a page breaks in the browser, and when a handler breaks on the server."""

from __future__ import annotations

import logging

import reflex as rx
from reflex_base.event import EventSpec
from reflex_base.vars.function import ArgsFunctionOperation
from reflex_components_core.base.error_boundary import (  # type: ignore[import-untyped]
    ErrorBoundary,
)

from aiser_app.ui.shell.state import ShellState

log = logging.getLogger(__name__)


def boundary(*children: rx.Component) -> rx.Component:
    """Around all pages: a broken one leaves a way out instead of a white page."""
    return ErrorBoundary.create(
        *children,
        fallback_render=ArgsFunctionOperation.create(("event_args",), rx.Var.create(_broken())),
    )


def _broken() -> rx.Component:
    return rx.el.div(
        rx.el.main(
            rx.el.div(
                rx.el.h1("This page broke", class_name="t-16 semi"),
                rx.el.p(
                    "Nothing that was saved is lost. Load the page again; if that does not "
                    "help, the server's log says what happened.",
                    class_name="muted",
                    style={"margin": "2px 0 20px"},
                ),
                rx.el.a(
                    "Open the chat anew",
                    href="/chat",
                    class_name="btn primary lg",
                    custom_attrs={"reloadDocument": True},
                ),
                class_name="panelbox box",
            ),
            class_name="auth-b",
        ),
        class_name="auth",
    )


def on_backend_exception(exception: Exception) -> EventSpec:
    """Log what nobody foresaw, and tell the person that something went wrong, without details."""
    log.error("event_handler_broke", exc_info=exception)
    event: EventSpec = ShellState.show_failure()
    return event


def on_frontend_exception(exception: Exception) -> None:
    """What a browser reported; its text is the client's and is cut."""
    log.warning("frontend_broke", extra={"report": str(exception)[:2_000]})
