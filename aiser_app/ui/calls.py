"""How pages reach the services: in a thread, within a time that a tab can wait."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ParamSpec, TypeVar

import anyio

from aiser_app.bootstrap.web import services as services
from aiser_app.errors import ServiceUnavailable

P = ParamSpec("P")
T = TypeVar("T")

CALL_SECONDS = 8.0
"""Below the 10 s after which Reflex takes the tab's lock away from a handler."""


async def call(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run a synchronous service call without blocking the event loop.

    Raises:
        ServiceUnavailable: no result in time; the thread ends by itself later.
    """
    work: Callable[[], Any] = partial(function, *args, **kwargs)
    try:
        with anyio.fail_after(CALL_SECONDS):
            result: T = await anyio.to_thread.run_sync(work, abandon_on_cancel=True)
            return result
    except TimeoutError:
        raise ServiceUnavailable(
            "Aiser's own stores did not answer in time.", hint="Try again in a moment."
        ) from None
