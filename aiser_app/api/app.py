"""Puts the API together. Pages are mounted behind it by the caller, at the root."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import FastAPI

from aiser_app import __version__
from aiser_app.api import (
    api_keys,
    asks,
    auth,
    conversations,
    health,
    models,
    policies,
    queries,
    results,
    runs,
    sources,
    uploads,
    users,
)
from aiser_app.api.error_handlers import add_error_handlers
from aiser_app.api.fallback import UnknownAddress
from aiser_app.api.paths import PREFIX
from aiser_app.api.request_gate import RequestGate
from aiser_app.api.schemas import ERROR_RESPONSES
from aiser_app.config import current_settings

DESCRIPTION = """\
Questions in, proven answers out. Authenticate with a session cookie (`POST /auth/login`) or with
`Authorization: Bearer ais_…`. Every failure is `{"error": {code, message, hint?, run_id?}}`.
"""


def build_api() -> FastAPI:
    """The application without pages; connects to nothing until it is asked something."""
    app = FastAPI(
        title="Aiser",
        version=__version__,
        description=DESCRIPTION,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for router in (
        auth.router,
        sources.router,
        uploads.router,
        asks.router,
        queries.router,
        runs.router,
        results.router,
        conversations.router,
        api_keys.router,
        users.router,
        policies.router,
        models.router,
    ):
        app.include_router(router, prefix=PREFIX, responses=ERROR_RESPONSES)
    app.include_router(health.router)
    app.mount("/api", UnknownAddress(app.routes))
    add_error_handlers(app)
    settings = current_settings()
    app.add_middleware(
        RequestGate,
        public_host=urlsplit(settings.public_url).netloc,
        upload_bytes=settings.upload_mb * 1024**2,
    )
    return app
