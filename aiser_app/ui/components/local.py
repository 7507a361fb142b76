# Event specs in annotations are values to mypy; Reflex reads them at run time.
# mypy: disable-error-code="type-arg, valid-type"
"""React components of our own, as Reflex components.

Every file that one of them imports is registered here, in one module, so that the build links all
of them into one folder and their relative imports hold.
"""

from __future__ import annotations

from typing import Any

import reflex as rx

for _shared in ("api.js", "numbers.js", "aiser-light.json", "aiser-dark.json"):
    rx.asset(_shared, shared=True)


def _library(file: str) -> str:
    path = rx.asset(file, shared=True)
    return path.importable_path


_BANNER = _library("banner.jsx")
_BITS = _library("bits.jsx")
_CHART = _library("chart.jsx")
_COMPOSER = _library("composer.jsx")
_FORM = _library("form.jsx")
_GRID = _library("grid.jsx")
_KEYS = _library("keys.jsx")
_MENU = _library("menu.jsx")
_RAIL = _library("rail.jsx")
_SQL = _library("sql.jsx")
_TABS = _library("tabs.jsx")


class RunChart(rx.NoSSRComponent):
    """The chart of a finished run; fetches its option by `run_id`."""

    library = _CHART
    tag = "RunChart"
    lib_dependencies: list[str] = ["echarts@6.1.0"]

    run_id: rx.Var[str]
    label: rx.Var[str]
    unit: rx.Var[str]


class ServedChart(rx.NoSSRComponent):
    """A chart that `path` answers with; read anew whenever `stamp` changes."""

    library = _CHART
    tag = "ServedChart"
    lib_dependencies: list[str] = ["echarts@6.1.0"]

    path: rx.Var[str]
    stamp: rx.Var[str]
    label: rx.Var[str]
    unit: rx.Var[str]
    height: rx.Var[int]


class ResultGrid(rx.NoSSRComponent):
    """A virtual grid over the rows of a result; fetches pages by `result_id`."""

    library = _GRID
    tag = "ResultGrid"
    lib_dependencies: list[str] = ["ag-grid-react@36.2.0", "ag-grid-community@36.2.0"]

    result_id: rx.Var[str]
    label: rx.Var[str]
    height: rx.Var[int]


class Tabs(rx.Component):
    """ARIA tabs; the panel of `labels[i]` is the child number `panels[i]`."""

    library = _TABS
    tag = "Tabs"

    labels: rx.Var[list[str]]
    panels: rx.Var[list[int]]
    counts: rx.Var[list[str]]
    label: rx.Var[str]


class Composer(rx.Component):
    """The question box; children stand at the left of its bar."""

    library = _COMPOSER
    tag = "Composer"

    placeholder: rx.Var[str]
    label: rx.Var[str]
    limit: rx.Var[int]
    problem: rx.Var[str]
    refusals: rx.Var[int]
    auto_focus: rx.Var[bool]
    on_send: rx.EventHandler[rx.event.passthrough_event_spec(str)]


class RestForm(rx.Component):
    """Posts its named fields as JSON to `action`, then opens `?next=` or `next_path` anew."""

    library = _FORM
    tag = "RestForm"

    action: rx.Var[str]
    next: rx.Var[str]
    submit_text: rx.Var[str]
    busy_text: rx.Var[str]
    omit: rx.Var[list[str]]


class TokenForm(rx.Component):
    """One field for the set-up token, sent as an event."""

    library = _FORM
    tag = "TokenForm"

    label: rx.Var[str]
    hint: rx.Var[str]
    submit_text: rx.Var[str]
    problem: rx.Var[str]
    on_send: rx.EventHandler[rx.event.passthrough_event_spec(str)]


class PasswordField(rx.Component):
    """A labelled password input that can be shown."""

    library = _FORM
    tag = "PasswordField"

    id: rx.Var[str]
    name: rx.Var[str]
    label: rx.Var[str]
    hint: rx.Var[str]
    auto_complete: rx.Var[str]
    min_length: rx.Var[int]


class ActionMenu(rx.Component):
    """A menu button; `items` are {key, label, danger?}, and `on_choose` gets the key."""

    library = _MENU
    tag = "ActionMenu"
    lib_dependencies: list[str] = ["@radix-ui/react-dropdown-menu@2.2.1"]

    label: rx.Var[str]
    items: rx.Var[list[dict[str, Any]]]
    small: rx.Var[bool]
    on_choose: rx.EventHandler[rx.event.passthrough_event_spec(str)]


class AccountMenu(rx.Component):
    """Who is signed in, and the way out."""

    library = _MENU
    tag = "AccountMenu"

    name: rx.Var[str]
    email: rx.Var[str]
    initials: rx.Var[str]
    role: rx.Var[str]


class Shortcuts(rx.Component):
    """Listens for keys and clicks the element that names the key in `data-shortcut`."""

    library = _KEYS
    tag = "Shortcuts"


class SkipLink(rx.Component):
    """Leads the keyboard past the rail, to the element of that id."""

    library = _KEYS
    tag = "SkipLink"

    target: rx.Var[str]


class SingleKeysSwitch(rx.Component):
    """Switches shortcuts of one letter off and on, kept in the browser."""

    library = _KEYS
    tag = "SingleKeysSwitch"

    label: rx.Var[str]


class Dialog(rx.Component):
    """A native modal dialog: focus is trapped, Escape closes, focus returns."""

    library = _KEYS
    tag = "Dialog"

    id: rx.Var[str]
    label: rx.Var[str]
    width: rx.Var[str]


class DialogButton(rx.Component):
    """Opens or closes the dialog of that id."""

    library = _KEYS
    tag = "DialogButton"

    opens: rx.Var[str]
    closes: rx.Var[str]
    label: rx.Var[str]
    shortcut: rx.Var[str]


class Rail(rx.Component):
    """The side rail: expanded, mini, or a sheet on small screens."""

    library = _RAIL
    tag = "Rail"

    label: rx.Var[str]


class RailToggle(rx.Component):
    """A button that expands, collapses or opens the rail."""

    library = _RAIL
    tag = "RailToggle"

    label: rx.Var[str]
    shortcut: rx.Var[str]


class RenameField(rx.Component):
    """An input in place of a name; Enter or leaving saves, Escape does not."""

    library = _RAIL
    tag = "RenameField"

    value: rx.Var[str]
    label: rx.Var[str]
    on_save: rx.EventHandler[rx.event.passthrough_event_spec(str)]
    on_cancel: rx.EventHandler[rx.event.no_args_event_spec]


class SearchField(rx.Component):
    """A search input that reports what was typed 200 ms after the last key."""

    library = _RAIL
    tag = "SearchField"

    label: rx.Var[str]
    placeholder: rx.Var[str]
    on_search: rx.EventHandler[rx.event.passthrough_event_spec(str)]


class LocalTime(rx.Component):
    """A moment in the reader's time zone, from an ISO text."""

    library = _BITS
    tag = "LocalTime"

    iso: rx.Var[str]


class Age(rx.Component):
    """How long ago a moment was, kept current."""

    library = _BITS
    tag = "Age"

    iso: rx.Var[str]
    suffix: rx.Var[str]


class Elapsed(rx.Component):
    """Time since the start of a run, counting up."""

    library = _BITS
    tag = "Elapsed"

    started_ms_ago: rx.Var[int]
    limit_seconds: rx.Var[int]


class CopyButton(rx.Component):
    """Copies `text`, or the address of `path` on this site, and says so."""

    library = _BITS
    tag = "CopyButton"

    text: rx.Var[str]
    path: rx.Var[str]
    label: rx.Var[str]
    done: rx.Var[str]


class ThemeButton(rx.Component):
    """Goes through the colour modes: as the system, light, dark."""

    library = _BITS
    tag = "ThemeButton"

    words: rx.Var[bool]


class UndoToast(rx.Component):
    """A message with an Undo that goes away by itself."""

    library = _BITS
    tag = "UndoToast"

    text: rx.Var[str]
    action: rx.Var[str]
    seconds: rx.Var[int]
    on_action: rx.EventHandler[rx.event.no_args_event_spec]
    on_gone: rx.EventHandler[rx.event.no_args_event_spec]


class Banner(rx.Component):
    """Says what is down; `suspect` makes it look at once."""

    library = _BANNER
    tag = "Banner"

    suspect: rx.Var[bool]


class StoreStates(rx.Component):
    """The state of Aiser's own stores; `rows` are [check name, title]."""

    library = _BANNER
    tag = "StoreStates"

    rows: rx.Var[list[list[str]]]


class SqlText(rx.Component):
    """SQL with line numbers and colours, read only."""

    library = _SQL
    tag = "SqlText"

    sql: rx.Var[str]
    label: rx.Var[str]


class ThreadScroll(rx.Component):
    """Scrolls to the turn of that id when it is new."""

    library = _RAIL
    tag = "ThreadScroll"

    latest: rx.Var[str]


class GoTo(rx.Component):
    """Replaces this page by another one at once."""

    library = _RAIL
    tag = "GoTo"

    to: rx.Var[str]


class NavLink(rx.Component):
    """A link inside the app: changes the page without loading it anew."""

    library = "react-router"
    tag = "Link"

    to: rx.Var[str]
