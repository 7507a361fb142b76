"""The one form of every failure: {"error": {code, message, hint?, run_id?}}."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse

from aiser_app.errors import AiserError


def envelope(
    code: str, message: str, *, hint: str | None = None, run_id: str | None = None
) -> dict[str, Any]:
    error = {"code": code, "message": message}
    if hint:
        error["hint"] = hint
    if run_id:
        error["run_id"] = run_id
    return {"error": error}


def error_response(
    status: int,
    code: str,
    message: str,
    *,
    hint: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    return JSONResponse(envelope(code, message, hint=hint), status, headers=headers)


def response_to(error: AiserError) -> JSONResponse:
    headers: dict[str, str] = {}
    if error.http_status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="aiser"'
    if error.http_status == 503:
        headers["Retry-After"] = "5"
    body = envelope(error.code, error.message, hint=error.hint)
    if error.line is not None:
        body["error"]["line"] = error.line
    if error.column is not None:
        body["error"]["column"] = error.column
    return JSONResponse(body, error.http_status, headers=headers)
