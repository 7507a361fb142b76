"""Entry of the web process: pages, the socket and the REST interface on one port."""

from __future__ import annotations

import gc
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import anyio
import reflex as rx

# Reflex imports this lazily at the first event with an object in it, which would stop the loop of
# every page for seconds.
import reflex.model

from aiser_app.api.app import build_api
from aiser_app.config import current_settings
from aiser_app.errors import AiserError
from aiser_app.observability.logging import configure_logging
from aiser_app.ui import crash, not_found
from aiser_app.ui.auth import setup, sign_in
from aiser_app.ui.calls import services
from aiser_app.ui.chat import page as chat
from aiser_app.ui.evaluation import page as evaluation
from aiser_app.ui.guard import EventGuard
from aiser_app.ui.home import home
from aiser_app.ui.security import PageGate

log = logging.getLogger(__name__)

BUILD = Path(".web") / "build" / "client"
THREADS = 64
"""Service calls that run side by side in one web process; the default of 40 is for small pages."""

DESCRIPTION = "Questions in, proven answers out."


@asynccontextmanager
async def service_lifespan() -> AsyncIterator[None]:
    """Give back what the services hold when the process ends."""
    configure_logging(current_settings().log_level, process="web")
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    # What is loaded by now stays: looking through it for rubbish would stop every page for long.
    gc.freeze()
    yield
    try:
        built = services()
        await built.feed.close()
        await anyio.to_thread.run_sync(built.close)
    except AiserError:
        log.info("services_never_ran")


app = rx.App(
    html_lang="en",
    reset_style=False,
    stylesheets=["/tokens.css", "/components.css", "/app.css"],
    toaster=None,
    app_wraps={(55, "ErrorBoundary"): lambda _stateful: crash.boundary()},
    head_components=[
        rx.el.link(rel="icon", href="/favicon.svg", type="image/svg+xml"),
        rx.el.link(
            rel="preload",
            href="/fonts/inter-latin-wght-normal.woff2",
            custom_attrs={"as": "font", "type": "font/woff2", "crossOrigin": "anonymous"},
        ),
    ],
    api_transformer=[build_api(), partial(PageGate, build=BUILD)],
    backend_exception_handler=crash.on_backend_exception,
    frontend_exception_handler=crash.on_frontend_exception,
)
app.add_middleware(EventGuard())
app.register_lifespan_task(service_lifespan)

app.add_page(home, route="/", title="Aiser", description=DESCRIPTION)
app.add_page(
    chat.page, route=chat.ROUTE, title=chat.TITLE, description=DESCRIPTION, on_load=chat.ON_LOAD
)
app.add_page(
    evaluation.page,
    route=evaluation.ROUTE,
    title=evaluation.TITLE,
    description=DESCRIPTION,
    on_load=evaluation.ON_LOAD,
)
app.add_page(
    sign_in.page,
    route=sign_in.ROUTE,
    title=sign_in.TITLE,
    description=DESCRIPTION,
    on_load=sign_in.ON_LOAD,
)
app.add_page(
    setup.page, route=setup.ROUTE, title=setup.TITLE, description=DESCRIPTION, on_load=setup.ON_LOAD
)
app.add_page(not_found.page, route="404", title=not_found.TITLE, description=DESCRIPTION)
