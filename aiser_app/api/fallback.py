"""Addresses under /api that do not exist: answered here, before pages claim every path."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Mount
from starlette.types import Receive, Scope, Send

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class UnknownAddress:
    """405 when the address exists for another method, else 404. Mounted behind all routes."""

    def __init__(self, routes: Sequence[BaseRoute]) -> None:
        """`routes` is the application's own list, which may still grow."""
        self._routes = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise HTTPException(404)
        whole = {**scope, "root_path": scope.get("app_root_path", "")}
        allowed = [method for method in METHODS if self._is_served({**whole, "method": method})]
        if allowed:
            raise HTTPException(405, headers={"Allow": ", ".join(allowed)})
        raise HTTPException(404)

    def _is_served(self, scope: Scope) -> bool:
        return any(
            route.matches(scope)[0] is Match.FULL
            for route in self._routes
            if not isinstance(route, Mount)
        )
