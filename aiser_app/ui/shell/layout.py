# Reflex vars take any attribute and yield components at run time, which no annotation can say.
# mypy: disable-error-code="attr-defined, operator, no-any-return, type-arg, arg-type, call-overload, return-value, index, no-untyped-call"
"""The frame of every signed-in page: rail, top bar, banner, toast, shortcuts."""

from __future__ import annotations

import reflex as rx

from aiser_app.ui.components.icons import icon, mark
from aiser_app.ui.components.local import (
    AccountMenu,
    ActionMenu,
    Banner,
    NavLink,
    Rail,
    RailToggle,
    RenameField,
    SearchField,
    Shortcuts,
    SkipLink,
    ThemeButton,
    UndoToast,
)
from aiser_app.ui.shell.shortcuts import shortcuts_button, shortcuts_dialog
from aiser_app.ui.shell.state import ConversationItem, ShellState

CONVERSATION_ACTIONS = [
    {"key": "rename", "label": "Rename"},
    {"key": "delete", "label": "Delete", "danger": True},
]
UNDO_SECONDS = 8


def shell(
    *content: rx.Component,
    actions: list[rx.Component],
    suspect: rx.Var,
    place: str = "/chat",
) -> rx.Component:
    """Put a page's content into the frame; `actions` stand at the right of the top bar.

    `place` is the address that the rail shows as the current one.
    """
    return rx.fragment(
        SkipLink.create("Skip to the content", target="main"),
        rx.el.div(
            _rail(place),
            rx.el.main(
                _topbar(actions),
                Banner.create(suspect=suspect | ShellState.is_store_down),
                _problem(),
                *content,
                id="main",
                class_name="main",
                tab_index=-1,
            ),
            class_name="app",
        ),
        _undo(),
        shortcuts_dialog(),
        Shortcuts.create(),
    )


def _place(name: str, title: str, to: str, place: str) -> rx.Component:
    is_here = to == place
    here = {"aria-current": "page"} if is_here else {}
    return NavLink.create(
        icon(name),
        rx.el.span(title, class_name="trunc"),
        to=to,
        class_name="nav-i on" if is_here else "nav-i",
        custom_attrs={**here, "title": title},
    )


def _rail(place: str) -> rx.Component:
    return Rail.create(
        rx.el.div(
            mark(class_name="mark"),
            rx.el.span(ShellState.organization_name, class_name="grow trunc semi wide"),
            RailToggle.create(
                icon("panel-left"),
                label="Collapse or expand the rail",
                shortcut="[",
                class_name="btn ghost icon sm",
            ),
            class_name="rail-head",
        ),
        rx.el.nav(
            _place("message-square", "Chat", "/chat", place),
            rx.cond(
                ShellState.can_verify,
                _place("list-checks", "Evaluation", "/evaluation", place),
            ),
            custom_attrs={"aria-label": "Main"},
        ),
        _conversations(),
        _rail_foot(),
        label="Workspace",
    )


def _conversations() -> rx.Component:
    return rx.el.div(
        rx.el.div(
            rx.el.span("Chats"),
            NavLink.create(
                icon("plus", "i-14"),
                to="/chat",
                class_name="btn ghost icon sm",
                custom_attrs={"aria-label": "New chat", "title": "New chat"},
            ),
            class_name="sec label",
        ),
        rx.el.div(
            icon("search", "i-14"),
            SearchField.create(
                label="Search in chats",
                placeholder="Search",
                on_search=lambda text: ShellState.find(text),
            ),
            class_name="rail-search",
        ),
        rx.cond(
            ShellState.conversations.length() > 0,
            rx.el.nav(
                rx.foreach(ShellState.conversations, _conversation),
                custom_attrs={"aria-label": "Chats"},
            ),
            rx.cond(ShellState.is_ready, _no_conversation()),
        ),
        class_name="chats wide",
    )


def _no_conversation() -> rx.Component:
    return rx.el.p(
        rx.cond(
            ShellState.search != "",
            "No chat has this in its title.",
            "Your chats will be listed here.",
        ),
        class_name="t-12 subtle chats-none",
    )


def _conversation(item: rx.Var[ConversationItem]) -> rx.Component:
    is_current = item.conversation_id == ShellState.current_id
    return rx.cond(
        ShellState.renaming_id == item.conversation_id,
        RenameField.create(
            value=item.title,
            label="Title of the chat",
            on_save=lambda title: ShellState.rename(item.conversation_id, title),
            on_cancel=ShellState.keep_name,
        ),
        rx.el.div(
            NavLink.create(
                rx.el.span(item.title, class_name="trunc"),
                to=item.link,
                class_name=rx.cond(is_current, "nav-i sub on", "nav-i sub"),
                custom_attrs={
                    "aria-current": rx.cond(is_current, "page", "false"),
                    "title": item.title,
                },
            ),
            ActionMenu.create(
                label="Options of " + item.title,
                items=CONVERSATION_ACTIONS,
                small=True,
                on_choose=lambda action: ShellState.choose(item.conversation_id, action),
            ),
            class_name="chat-row",
            key=item.conversation_id,
        ),
    )


def _rail_foot() -> rx.Component:
    return rx.el.div(
        AccountMenu.create(
            name=ShellState.name,
            email=ShellState.email,
            initials=ShellState.initials,
            role=ShellState.role,
        ),
        ThemeButton.create(),
        shortcuts_button(),
        class_name="rail-foot",
    )


def _topbar(actions: list[rx.Component]) -> rx.Component:
    return rx.el.header(
        RailToggle.create(icon("menu"), label="Menu", class_name="btn ghost icon touch only-m"),
        rx.el.h1(ShellState.title, class_name="trunc"),
        rx.cond(
            (ShellState.current_id != "") & (ShellState.title != "Not found"),
            ActionMenu.create(
                label="Options of this chat",
                items=CONVERSATION_ACTIONS,
                on_choose=lambda action: ShellState.choose(ShellState.current_id, action),
            ),
        ),
        rx.el.span(class_name="end"),
        *actions,
        class_name="topbar",
    )


def _problem() -> rx.Component:
    return rx.cond(
        (ShellState.problem != "") & ~ShellState.is_store_down,
        rx.el.div(
            rx.el.div(
                icon("circle-alert"),
                rx.el.div(
                    rx.el.div(ShellState.problem, class_name="med"),
                    rx.el.div(ShellState.problem_hint, class_name="t-12 muted"),
                    class_name="grow",
                ),
                rx.el.button(
                    "Dismiss", class_name="btn ghost sm", on_click=ShellState.dismiss_problem
                ),
                class_name="note danger",
                role="alert",
            ),
            style={"padding": "8px 16px 0"},
        ),
    )


def _undo() -> rx.Component:
    return rx.cond(
        ShellState.deleted_id != "",
        rx.el.div(
            UndoToast.create(
                text="Deleted " + ShellState.deleted_title,
                action="Undo",
                seconds=UNDO_SECONDS,
                on_action=ShellState.undo_delete,
                on_gone=ShellState.forget_undo,
            ),
            class_name="toasts",
        ),
    )
