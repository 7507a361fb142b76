"""Deny by default: which events of the socket may run, for whom, and how often.

Every public method of every state can be called by anyone who opens a socket, with any arguments.
Therefore: `EventGuard` lets pass only handlers that carry a marker (and a short list of Reflex's
own), and the two decorators that set the marker check who calls and what was sent. Whether an
object may be touched is decided in the services, never here.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import quote

import reflex as rx
from reflex.app import App
from reflex.state import BaseState, StateUpdate
from reflex_base.event import Event
from reflex_base.registry import RegistrationContext
from typing_extensions import override

from aiser_app.domain.actor import Actor
from aiser_app.domain.permission import Permission
from aiser_app.errors import AiserError, InvalidInput, NotSignedIn, PermissionDenied
from aiser_app.ui.identity import actor_of, forget_stranger
from aiser_app.ui.rate import EventRate

MARKER = "_aiser_guard"
PUBLIC = "public"
TEXT_LIMIT = 200_000
"""Characters of one text argument; what may be longer goes over REST."""

_ROOT = "reflex___state____state"
FRAMEWORK_EVENTS = frozenset(
    {
        f"{_ROOT}.hydrate",
        f"{_ROOT}.hydrate_and_load",
        f"{_ROOT}.set_is_hydrated",
        f"{_ROOT}.reflex___state____on_load_internal_state.on_load_internal",
        f"{_ROOT}.reflex___state____on_load_internal_state.set_is_hydrated",
        f"{_ROOT}.reflex___state____frontend_event_exception_state.handle_frontend_exception",
    }
)
"""What Reflex needs for a page to live. `update_vars_internal` is not among them: no state of ours
is kept in the browser, so nobody has a reason to set one from there."""
_HYDRATE_EVENTS = frozenset({f"{_ROOT}.hydrate", f"{_ROOT}.hydrate_and_load"})


class EventGuard(rx.Middleware):
    """Runs before every event of every socket, background ones included."""

    def __init__(self) -> None:
        self._rate = EventRate()

    @override
    async def preprocess(self, app: App, state: BaseState, event: Event) -> StateUpdate | None:
        """Return None to let the event pass, an empty update to drop it."""
        session = state.router.session
        if not self._rate.allows(session.client_token, session.client_ip):
            return StateUpdate()
        if event.name in FRAMEWORK_EVENTS:
            if event.name in _HYDRATE_EVENTS:
                await forget_stranger(state)
            return None
        return None if is_guarded(event.name) else StateUpdate()


def is_guarded(event_name: str) -> bool:
    """Whether a handler of that full name exists and carries our marker."""
    registered = RegistrationContext.ensure_context().event_handlers.get(event_name)
    return registered is not None and hasattr(registered.handler.fn, MARKER)


def sign_in_redirect(state: BaseState) -> Any:
    """Go to sign-in, and come back to this page afterwards."""
    return rx.redirect("/sign-in?next=" + quote(state.router.url.path, safe="/"))


def requires(permission: Permission) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Let a handler run only for a signed-in actor who holds the permission.

    The handler is written `(self, actor, ...)`; `actor` comes from the session cookie of the
    socket and cannot be sent by the client. Stands below `@rx.event`.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        checked = _Arguments(function, skip=2)

        if inspect.isasyncgenfunction(function):

            async def stream(self: Any, **arguments: Any) -> Any:
                try:
                    actor = await _admit(self, permission, checked, arguments)
                    async for event in function(self, actor, **arguments):
                        yield event
                except AiserError as error:
                    yield await _report(self, error)

            return checked.dress(stream, permission.value)

        async def handler(self: Any, **arguments: Any) -> Any:
            try:
                actor = await _admit(self, permission, checked, arguments)
                return await function(self, actor, **arguments)
            except AiserError as error:
                return await _report(self, error)

        return checked.dress(handler, permission.value)

    return decorate


async def _admit(
    state: BaseState, permission: Permission, checked: _Arguments, arguments: dict[str, Any]
) -> Actor:
    actor = await actor_of(state)
    if actor is None:
        raise NotSignedIn
    if not actor.may(permission):
        raise PermissionDenied(f"Your role does not allow this ({permission.value}).")
    checked.check(arguments)
    return actor


def public(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a handler `(self, ...)` run for everyone; its arguments are checked all the same."""
    checked = _Arguments(function, skip=1)

    async def handler(self: Any, **arguments: Any) -> Any:
        try:
            checked.check(arguments)
            return await function(self, **arguments)
        except AiserError as error:
            return await _report(self, error)

    return checked.dress(handler, PUBLIC)


async def _report(state: Any, error: AiserError) -> Any:
    """Show a failure on the page, or go to sign-in when the session has ended."""
    if isinstance(error, NotSignedIn):
        return sign_in_redirect(state)
    report = getattr(state, "_report", None)
    if report is None:
        return None
    if getattr(state, "_is_mutable", None) is not None:
        async with state:
            report(error)
    else:
        report(error)
    return None


class _Arguments:
    """What a handler takes from the client: names and types, checked because Reflex does not."""

    def __init__(self, function: Callable[..., Any], *, skip: int) -> None:
        self._function = function
        signature = inspect.signature(function)
        names = list(signature.parameters)
        self._dropped = names[1:skip]
        self._signature = signature.replace(
            parameters=[p for n, p in signature.parameters.items() if n not in self._dropped]
        )
        self._names = names[skip:]
        self._hints: dict[str, Any] | None = None

    def check(self, arguments: dict[str, Any]) -> None:
        """Raise InvalidInput for anything but exactly the declared arguments."""
        if self._hints is None:
            self._hints = typing.get_type_hints(self._function)
        for name in self._names:
            parameter = self._signature.parameters[name]
            if name not in arguments and parameter.default is inspect.Parameter.empty:
                raise InvalidInput("Something that this action needs was not sent.")
        for name, value in arguments.items():
            if isinstance(value, str) and not is_text(value):
                raise InvalidInput(
                    "This has characters that are not text.", hint="Type it as text."
                )
            if name not in self._names or not _fits(value, self._hints.get(name, str)):
                raise InvalidInput("Something was sent that this action does not take.")

    def dress(self, guarded: Callable[..., Any], marker: str) -> Callable[..., Any]:
        """Give the wrapper the handler's name and, for Reflex, its signature without the actor."""
        dressed: Any = wraps(self._function)(guarded)
        del dressed.__wrapped__
        dressed.__signature__ = self._signature
        dressed.__annotations__ = {
            name: hint
            for name, hint in self._function.__annotations__.items()
            if name not in self._dropped
        }
        setattr(dressed, MARKER, marker)
        return typing.cast("Callable[..., Any]", dressed)


def is_text(value: str) -> bool:
    """False for halves of surrogate pairs: they cannot be sent back, the socket would die of it."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _fits(value: Any, hint: Any) -> bool:
    if hint is str:
        return isinstance(value, str) and len(value) <= TEXT_LIMIT and "\x00" not in value
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if hint is bool:
        return isinstance(value, bool)
    return False
