"""A browser tab as the server sees it: events in, deltas out, through the whole event pipeline."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

from reflex.istate.manager.memory import StateManagerMemory
from reflex_base.event import Event
from reflex_base.event.processor.base_state_processor import BaseStateEventProcessor

from aiser_app.aiser_app import app

ROOT = "reflex___state____state"
MARK = "_rx_state_"


class Tab:
    """Sends events as a page does, and keeps what the server sent back."""

    def __init__(self, processor: BaseStateEventProcessor, token: str, cookie: str) -> None:
        self._processor = processor
        self.token = token
        self.cookie = cookie
        self.path = "/chat"
        self.vars: dict[str, dict[str, Any]] = {}
        self.deltas: list[dict[str, Any]] = []
        self.redirects: list[str] = []
        self.futures: list[Any] = []

    def receive(self, update: Any) -> None:
        for name, delta in (update.delta or {}).items():
            self.vars.setdefault(name, {}).update(
                {key.removesuffix(MARK): value for key, value in delta.items()}
            )
            self.deltas.append({name: delta})
        for event in update.events or []:
            if event.name == "_redirect":
                self.redirects.append(event.payload["path"])

    def var(self, state: type, name: str) -> Any:
        return self.vars.get(state.get_full_name(), {}).get(name)

    async def send(self, name: str, **payload: Any) -> None:
        data = {
            "pathname": self.path,
            "asPath": self.path,
            "query": {},
            "headers": {"cookie": self.cookie, "host": "aiser.test"},
            "ip": "1.2.3.4",
            "token": self.token,
            "sid": "socket",
        }
        event = Event(name=name, payload=payload, router_data=data)
        self.futures.append(await self._processor.enqueue(self.token, event))

    async def fire(self, handler: Any, **payload: Any) -> None:
        """Send an event of ours and wait until its handler has run."""
        await self.send(f"{handler.state.get_full_name()}.{handler.fn.__name__}", **payload)
        await asyncio.wait_for(asyncio.shield(self.futures[-1]), 5)

    async def load(self, path: str) -> None:
        """Open a page, as a browser does after it has connected."""
        self.path = path
        await self.send(f"{ROOT}.hydrate_and_load", vars={}, hashes=[])

    async def until(self, condition: Callable[[], Any], seconds: float = 5) -> Any:
        deadline = time.monotonic() + seconds
        while not (value := condition()):
            assert time.monotonic() < deadline, "it did not come about"
            await asyncio.sleep(0.01)
        return value

    def close(self) -> None:
        """The connection is lost."""
        self._processor._on_disconnect(self.token)


@asynccontextmanager
async def browser() -> AsyncIterator[Callable[..., Tab]]:
    """Makes tabs over one event processor with states in memory."""
    tabs: dict[str, Tab] = {}

    async def emit_update(update: Any, token: str) -> None:
        if token in tabs:
            tabs[token].receive(update)

    processor = BaseStateEventProcessor(
        middleware=app, backend_exception_handler=app.backend_exception_handler
    )
    configured = processor.configure(
        state_manager=StateManagerMemory(),
        event_namespace=SimpleNamespace(emit_update=emit_update),  # type: ignore[arg-type]
    )

    def tab(cookie: str = "aiser_session=good") -> Tab:
        made = Tab(processor, uuid.uuid4().hex, cookie)
        tabs[made.token] = made
        return made

    with app.set_contexts():
        async with configured:
            yield tab
            for made in tabs.values():
                made.close()
