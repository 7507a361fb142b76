"""From exceptions to the error envelope. What clients sent is never echoed: it may be a password."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from aiser_app.api.error_envelope import error_response, response_to
from aiser_app.errors import AiserError

log = logging.getLogger(__name__)

_HTTP_CODES = {
    400: ("invalid_input", "The request cannot be read."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take this method."),
    413: ("payload_too_large", "The request is too large."),
    415: ("unsupported_media_type", "Send JSON, with Content-Type: application/json."),
}
MAX_NAMED = 5
"""Fields named in one message."""


def add_error_handlers(app: FastAPI) -> None:
    app.add_exception_handler(AiserError, _aiser_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)


async def _aiser_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, AiserError)  # noqa: S101 - registered for this type only
    if error.http_status >= 500:
        log.warning("request_failed", extra={"code": error.code, "error": error.message})
    return response_to(error)


async def _validation_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type only
    return error_response(422, "invalid_input", validation_message(error.errors()))


async def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type only
    code, message = _HTTP_CODES.get(error.status_code, ("http_error", "The request failed."))
    return error_response(error.status_code, code, message, headers=error.headers)


def validation_message(errors: Sequence[Any]) -> str:
    """Which fields are wrong and why, without the values that were sent."""
    if any(item.get("type") == "json_invalid" for item in errors):
        return "The body is not valid JSON."
    named = [f"{_place(item['loc'])}: {_reason(item)}" for item in errors[:MAX_NAMED]]
    if len(errors) > MAX_NAMED:
        named.append(f"and {len(errors) - MAX_NAMED} more")
    return f"The request does not fit: {'; '.join(named)}."


def _place(location: Sequence[Any]) -> str:
    kind, *path = location or ("body",)
    if not path:
        return f"the {kind}"
    return ".".join(part if isinstance(part, str) else str(part) for part in path)[:100]


def _reason(item: dict[str, Any]) -> str:
    reasons = {
        "missing": "is missing",
        "extra_forbidden": "is not known",
        "string_type": "must be text",
        "string_unicode": "must be text",
        "model_attributes_type": "must be a JSON object",
        "dict_type": "must be a JSON object",
    }
    text = reasons.get(str(item.get("type"))) or str(item.get("msg", "is not valid"))
    return text[:1].lower() + text[1:200]
