# Reflex vars take any attribute and yield components at run time, which no annotation can say.
# mypy: disable-error-code="attr-defined, operator, no-any-return, type-arg, arg-type, call-overload, return-value, index, no-untyped-call"
"""The dialog that lists the keys, and the button that opens it."""

from __future__ import annotations

import reflex as rx

from aiser_app.ui.components.icons import icon
from aiser_app.ui.components.local import Dialog, DialogButton, SingleKeysSwitch

DIALOG_ID = "shortcuts"

GROUPS = [
    (
        "Anywhere",
        [
            ("New chat", ["N"]),
            ("Collapse or expand the rail", ["["]),
            ("Shortcuts", ["?"]),
            ("Close, or stop the run", ["Esc"]),
        ],
    ),
    (
        "Chat",
        [
            ("Send", ["Ctrl", "Enter"]),
            ("New line", ["Shift", "Enter"]),
            ("Choose a reading", ["1", "2", "3"]),
            ("Chart, table, SQL, reasoning", ["Alt", "1 to 4"]),
        ],
    ),
]


def shortcuts_button() -> rx.Component:
    return DialogButton.create(
        icon("keyboard"),
        opens=DIALOG_ID,
        label="Keyboard shortcuts",
        shortcut="?",
        class_name="btn ghost icon sm",
    )


def shortcuts_dialog() -> rx.Component:
    return Dialog.create(
        rx.el.div(
            rx.el.h2("Keyboard shortcuts"),
            rx.el.span("On a Mac, Ctrl is Command", class_name="t-12 subtle"),
            rx.el.span(class_name="end"),
            rx.el.span("?", class_name="kbd"),
            DialogButton.create(
                icon("x", "i-14"), closes=DIALOG_ID, label="Close", class_name="btn ghost icon sm"
            ),
            class_name="dialog-h",
        ),
        rx.el.div(*(_group(title, keys) for title, keys in GROUPS), class_name="dialog-b keys"),
        rx.el.div(
            SingleKeysSwitch.create(label="Shortcuts of a single key"), class_name="dialog-f"
        ),
        id=DIALOG_ID,
        label="Keyboard shortcuts",
        width="680px",
    )


def _group(title: str, keys: list[tuple[str, list[str]]]) -> rx.Component:
    return rx.el.section(
        rx.el.div(title, class_name="label", style={"margin_bottom": "4px"}),
        *(
            rx.el.div(
                rx.el.span(does),
                rx.el.span(
                    *(rx.el.span(name, class_name="kbd") for name in names), class_name="row row-1"
                ),
                class_name="row between",
                style={"height": "26px"},
            )
            for does, names in keys
        ),
    )
