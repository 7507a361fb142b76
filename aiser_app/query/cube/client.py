"""Cube's REST API: its model, a query's SQL, and a query's rows."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from aiser_app.query.cube.failures import CubeFailed, failure_of, unreadable
from aiser_app.query.cube.transport import Patience, Reply, Transport

PAUSE_SECONDS = 0.2
"""Between two questions whether a query is done; Cube itself holds each of them for seconds."""
_WAIT = "Continue wait"


@dataclass(frozen=True, kw_only=True, slots=True)
class CubeSql:
    """What Cube runs for a query: one statement, or one for each compared range."""

    statements: tuple[tuple[str, tuple[Any, ...]], ...]
    """(text with places, values)"""
    is_pre_aggregated: bool
    """It reads a rollup that Cube keeps, whose tables the source's catalog does not know."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CubeClient:
    """One Cube. Raises as `Transport.exchange`, and `CubeFailed` for whatever Cube refuses."""

    transport: Transport

    def meta(self, token: str, patience: Patience) -> Mapping[str, Any]:
        """The model with its definitions."""
        reply = self.transport.exchange("GET", "/meta?extended", None, token, patience)
        found = _content(reply, ())
        if not isinstance(found, dict):
            raise unreadable()
        return found

    def sql(
        self, query: Mapping[str, Any], members: Collection[str], token: str, patience: Patience
    ) -> CubeSql:
        """How Cube would run a query; nothing runs."""
        found = self._post("/sql", {"query": query}, members, token, patience)
        items = found if isinstance(found, list) else [found]
        parts = [item["sql"] for item in items if isinstance(item, dict) and "sql" in item]
        if not parts or not all(isinstance(part, dict) for part in parts):
            raise unreadable()
        return CubeSql(
            statements=tuple(_statement(part) for part in parts),
            is_pre_aggregated=any(
                part.get("external") or part.get("preAggregations") for part in parts
            ),
        )

    def load(
        self, query: Mapping[str, Any], members: Collection[str], token: str, patience: Patience
    ) -> list[Mapping[str, Any]]:
        """The results of a query, one for each compared range; waits as long as Cube works on it."""
        body = {"query": query, "queryType": "multi"}
        while True:
            found = self._post("/load", body, members, token, patience)
            if not isinstance(found, dict):
                raise unreadable()
            if found.get("error") != _WAIT:
                break
            patience.pause(PAUSE_SECONDS)
        if "error" in found:
            raise CubeFailed("Cube could not run this query.")
        results = found.get("results")
        if not isinstance(results, list) or not results or not all(map(_is_result, results)):
            raise unreadable()
        return results

    def _post(
        self,
        path: str,
        body: Mapping[str, Any],
        members: Collection[str],
        token: str,
        patience: Patience,
    ) -> Any:
        reply = self.transport.exchange("POST", path, json.dumps(body).encode(), token, patience)
        return _content(reply, members)


def _content(reply: Reply, members: Collection[str]) -> Any:
    if reply.status != 200:
        raise failure_of(reply.status, _read_refusal(reply.body), members)
    return _read(reply.body)


def _read(body: bytes) -> Any:
    """JSON with numbers as they are written: no fraction is rounded."""
    try:
        return json.loads(body, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise unreadable() from None


def _refuse(name: str) -> None:
    raise ValueError(name)


def _read_refusal(body: bytes) -> Mapping[str, Any]:
    try:
        found = _read(body)
    except CubeFailed:
        return {}
    return found if isinstance(found, dict) else {}


def _is_result(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and isinstance(item.get("data"), list)
        and all(isinstance(row, dict) for row in item["data"])
    )


def _statement(part: Mapping[str, Any]) -> tuple[str, tuple[Any, ...]]:
    match part.get("sql"):
        case [str(text), list(values)]:
            return text, tuple(values)
        case [str(text)]:
            return text, ()
    raise unreadable()
