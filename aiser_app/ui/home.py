# Reflex vars take any attribute and yield components at run time, which no annotation can say.
# mypy: disable-error-code="attr-defined, operator, no-any-return, type-arg, arg-type, call-overload, return-value, index, no-untyped-call"
"""The root address: leads to where the person belongs."""

from __future__ import annotations

import reflex as rx

from aiser_app.ui.components.local import GoTo


def home() -> rx.Component:
    """Everyone goes to the chat; it sends on who is not signed in."""
    return GoTo.create(to="/chat")
